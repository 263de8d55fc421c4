"""Lowers the JAX code of a model, in a process of its own: `python -m neuralc.emit.tpu.worker FOLDER`.

The folder has model.py, weights.safetensors and request.json; model.jaxexport, model.stablehlo and versions.json are
written to it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["JAX_TRACEBACK_FILTERING"] = "off"  # the last line then is what went wrong

import jax
import jax.export
import jax.numpy as jnp
from jax import Array
from safetensors import safe_open


def lower(folder: Path, request: Mapping[str, Any]) -> jax.export.Exported:
    """The program: weights by name, states by name where there are any, then the inputs.

    One scope holds all symbolic sizes."""
    space: dict[str, Any] = {"__name__": "emitted"}
    exec(compile((folder / "model.py").read_text(encoding="utf-8"), "model.py", "exec"), space)
    weights = _described(folder / "weights.safetensors")
    function = _program(space, bool(weights))
    inputs, states = _symbolic(request)
    kept = [{port["name"]: state for port, state in zip(request["states"], states, strict=True)}] if states else []
    return jax.export.export(jax.jit(function), platforms=request["platforms"])(weights, *kept, *inputs)


def _program(space: Mapping[str, Any], weighted: bool) -> Callable[..., Any]:
    """`forward` with its tree of parameters made of weights by name."""
    if not weighted:
        return lambda weights, *values: space["forward"](*values)
    tree = jax.eval_shape(space["init"], jax.random.key(0))

    def run(weights: Mapping[str, Array], *values: Any) -> Any:
        params = jax.tree.map_with_path(lambda keys, _: weights[space["name_of"](keys)], tree)
        return space["forward"](params, *values)

    return run


def _described(path: Path) -> dict[str, Any]:
    """The shapes and types of weights, without their bytes."""
    found = {}
    with safe_open(path, "flax") as stored:
        for name in sorted(stored.keys()):
            array = stored.get_slice(name)
            found[name] = Described(array.get_shape(), _DTYPES[array.get_dtype()])
    return found


Described: Any = jax.ShapeDtypeStruct
"""A shape and a type, which is all that lowering needs of an array."""

_DTYPES = {
    "F64": jnp.float64, "F32": jnp.float32, "F16": jnp.float16, "BF16": jnp.bfloat16, "I64": jnp.int64,
    "I32": jnp.int32, "I16": jnp.int16, "I8": jnp.int8, "U64": jnp.uint64, "U32": jnp.uint32, "U16": jnp.uint16,
    "U8": jnp.uint8, "BOOL": jnp.bool_,
}  # fmt: skip


def _symbolic(request: Mapping[str, Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """The inputs and the states, with sizes as expressions over the dims of the model."""
    bounds = [f"{dim['name']} >= {dim['min']}" for dim in request["dims"] if dim["min"] > 1]
    bounds += [f"{dim['name']} <= {dim['max']}" for dim in request["dims"] if dim["max"] is not None]
    scope = jax.export.SymbolicScope(bounds)
    found = []
    for port in [*request["inputs"], *request["states"]]:
        text = ", ".join(map(str, port["shape"]))
        shape = jax.export.symbolic_shape(text, scope=scope) if port["shape"] else ()
        found.append(Described(shape, jnp.dtype(port["dtype"])))
    count = len(request["inputs"])
    return found[:count], found[count:]


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    exported = lower(folder, request)
    (folder / "model.jaxexport").write_bytes(bytes(exported.serialize()))
    (folder / "model.stablehlo").write_text(exported.mlir_module(), encoding="utf-8")
    versions = {"jax": jax.__version__, "calling_convention": exported.calling_convention_version}
    (folder / "versions.json").write_text(json.dumps(versions), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
