"""Reads MLIR bytecode from standard input, and does nothing with it: a process for files that crash the reader.

MLIR takes bytecode for what its own writer made; a damaged file can end the process that reads it. So a process of its
own goes first, `python -m neuralc.frontends.stablehlo.trial`.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def survives(data: bytes) -> bool:
    """Whether a process that reads the bytecode comes to an end by itself, with a module or with an error."""
    done = subprocess.run([sys.executable, "-m", __name__], input=data, capture_output=True, check=False)
    return done.returncode >= 0


def dialect() -> Any:
    """The bindings of the StableHLO dialect, whose types no checker knows."""
    from jax.extend.mlir.dialects import stablehlo

    return stablehlo


def main() -> int:
    from jax.interpreters import mlir

    try:
        module = dialect().deserialize_portable_artifact(mlir.make_ir_context(), sys.stdin.buffer.read())
        return 0 if module.operation.verify() else 1
    except (mlir.ir.MLIRError, ValueError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
