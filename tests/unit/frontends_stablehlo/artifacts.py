"""Writes one function in each form that StableHLO files have, in a process of its own: `artifacts.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

KERNEL = np.arange(12, dtype=np.float32).reshape(3, 4)


def run(image):
    return {"scores": jnp.tanh(image @ KERNEL)}


def main(folder: Path) -> None:
    (batch,) = jax.export.symbolic_shape("batch")
    exported = jax.export.export(jax.jit(run))(jax.ShapeDtypeStruct((batch, 3), jnp.float32))
    text = jax.jit(run).lower(jax.ShapeDtypeStruct((2, 3), jnp.float32)).as_text(debug_info=True)
    (folder / "plain.stablehlo").write_text(text, encoding="utf-8")
    (folder / "plain.mlir").write_text(text, encoding="utf-8")
    (folder / "symbolic.stablehlo").write_text(exported.mlir_module(), encoding="utf-8")
    (folder / "symbolic.mlirbc").write_bytes(exported.mlir_module_serialized)
    (folder / "symbolic.jax").write_bytes(exported.serialize())
    for name in ("symbolic.mlirbc", "symbolic.jax"):
        data = (folder / name).read_bytes()
        for part in (40, 80):
            (folder / f"cut_{part}_{name}").write_bytes(data[: len(data) * part // 100])


main(Path(sys.argv[1]))
