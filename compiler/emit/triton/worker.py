"""The process that compiles kernels, `python -m neuralc.emit.triton.worker FOLDER`: it imports Triton alone.

Triton keeps an LLVM of its own, may abort the process on what it does not like, and prints from C: all that stays here.
FOLDER holds `kernels.py` and `requests.json`; for each request this writes NAME.cubin, NAME.ptx and one line of JSON on
stdout. A kernel that is refused gives `{"name": .., "error": ..}` instead.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def main() -> None:
    folder = Path(sys.argv[1])
    # What Triton and LLVM print goes to stderr, so that stdout holds answers alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    requests = json.loads((folder / "requests.json").read_text())
    module = _load(folder / "kernels.py")
    for request in requests:
        try:
            result = _compile(module, request, folder)
        # Triton raises what its passes, LLVM and ptxas raise, without a common class; the parent reports the message.
        except Exception as problem:
            result = {"name": request["name"], "error": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(result), file=answers, flush=True)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("neuralc_kernels", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _compile(module: ModuleType, request: dict[str, Any], folder: Path) -> dict[str, Any]:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    source = ASTSource(
        fn=getattr(module, request["name"]),
        signature=request["signature"],
        attrs={(place,): [["tt.divisibility", 16]] for place in request["aligned"]},
    )
    options = {
        "num_warps": request["num_warps"],
        "num_stages": request["num_stages"],
        # Multiply-add may be contracted (docs: numerics); nothing else is relaxed.
        "enable_fp_fusion": True,
    }
    compiled = triton.compile(source, target=GPUTarget("cuda", request["capability"], 32), options=options)
    name = request["name"]
    (folder / f"{name}.cubin").write_bytes(compiled.asm["cubin"])
    (folder / f"{name}.ptx").write_text(compiled.asm["ptx"])
    return {"name": name, "symbol": compiled.metadata.name, "shared_bytes": compiled.metadata.shared}


if __name__ == "__main__":
    main()
