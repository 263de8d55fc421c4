"""Loads and runs the folder of `--target tpu` where jax has a device that the program was lowered for."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.runtime.arrays import as_input, as_outputs, order_inputs
from neuralc.runtime.description import BFLOAT16, Port
from neuralc.runtime.errors import ModelError

FORMAT = 2
"""The version of the folder that this runtime reads."""
_AGAIN = "compile the model again with `neuralc model.nr --target tpu`"


class ExportedModel:
    """A program of `jax.export` with its weights. Called as `neuralc.runtime.Model` is."""

    def __init__(self, folder: Path) -> None:
        """Raises ModelError: E0902 unreadable, E0906 of another version, E0913 without jax or a device for it."""
        manifest = _manifest(folder)
        _check_installed(folder)
        import jax
        from jax import export
        from safetensors.flax import load_file

        self.name: str = manifest["name"]
        self.inputs = tuple(map(_port, manifest["inputs"]))
        self.outputs = tuple(map(_port, manifest["outputs"]))
        self.states = tuple(map(_port, manifest["states"]))
        self._initial = {entry["name"]: entry["initial"] for entry in manifest["states"]}
        self._kept = _OfThread()
        self._resets = 0
        platforms = manifest["platforms"]
        if jax.default_backend() not in platforms:
            raise ModelError(
                "E0913",
                f"{folder.name} is for {' and '.join(platforms)}, jax has {jax.default_backend()}",
                "`JAX_PLATFORMS=cpu` chooses a processor where a model is lowered for one",
            )
        with jax.enable_x64(True):
            self._weights = load_file(str(folder / "weights.safetensors"))
        self._program: Any = export.deserialize(bytearray((folder / "model.jaxexport").read_bytes()))

    def __call__(self, *given: Any, out: Any = None, **named: Any) -> Any:
        """Raises ModelError: E0904 for inputs that the model does not take, E0912 for sizes that states do not have."""
        import jax

        inputs = order_inputs(self.inputs, given, named)
        arrays = [as_input(value, port) for value, port in zip(inputs, self.inputs, strict=True)]
        # 64 bits stay 64 bits, whatever the process says of arrays elsewhere.
        with jax.enable_x64(True):
            try:
                found = self._run(arrays)
            except ValueError as fault:
                raise ModelError("E0904", f"the inputs do not fit: {str(fault).splitlines()[0]}") from None
        results = [np.asarray(value) for value in (found if isinstance(found, list | tuple) else [found])]
        if out is not None:
            wanted = [(result.shape, result.dtype) for result in results]
            places = as_outputs(out, self.outputs, wanted)
            for place, result in zip(places, results, strict=True):
                np.copyto(place, result)
            results = places
        return results[0] if len(results) == 1 else tuple(results)

    def _run(self, arrays: Sequence[Any]) -> Any:
        """The outputs; states go on from run to run, in each thread by itself."""
        if not self.states:
            return self._program.call(self._weights, *arrays)
        kept = self._kept
        if kept.resets != self._resets:
            kept.resets, kept.values = self._resets, None
        begun = self._begun(arrays)
        if kept.values is None:
            kept.values = begun
        for port in self.states:
            before, now = kept.values[port.name].shape, begun[port.name].shape
            if before != now:
                detail = f"state `{port.name}` is {list(before)}, this run has {list(now)}"
                raise ModelError("E0912", detail, "call `reset()` before a run with other sizes")
        outputs, kept.values = self._program.call(self._weights, kept.values, *arrays)
        return outputs

    def _begun(self, arrays: Sequence[Any]) -> dict[str, Any]:
        """The states as the first run finds them, for the sizes of these inputs."""
        shapes = zip(self.inputs, arrays, strict=True)
        sizes = {size: n for port, array in shapes for size, n in zip(port.shape, np.shape(array), strict=False)}
        shape = {port.name: tuple(n if isinstance(n, int) else sizes[n] for n in port.shape) for port in self.states}
        return {port.name: np.full(shape[port.name], self._initial[port.name], port.dtype) for port in self.states}

    def reset(self) -> None:
        """The next run of each thread begins anew."""
        self._resets += 1


class _OfThread(threading.local):
    """What a thread keeps between runs, and which reset it has seen."""

    resets = 0
    values: dict[str, Any] | None = None


def _manifest(folder: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ModelError("E0902", f"cannot read {folder}: {fault}", "give the folder neuralc wrote") from None
    if found.get("format") != FORMAT:
        raise ModelError("E0906", f"{folder} is of version {found.get('format')}, this is version {FORMAT}", _AGAIN)
    return found


def _check_installed(folder: Path) -> None:
    absent = [name for name in ("jax", "safetensors") if find_spec(name) is None]
    if absent:
        raise ModelError("E0913", f"{folder.name} runs by {' and '.join(absent)}", "pip install 'neuralc[jax]'")


def _port(entry: Mapping[str, Any]) -> Port:
    is_bfloat16 = entry["dtype"] == BFLOAT16
    dtype = np.dtype(np.uint16) if is_bfloat16 else np.dtype(entry["dtype"])
    if is_bfloat16 and find_spec("ml_dtypes") is not None:
        import ml_dtypes

        dtype = np.dtype(ml_dtypes.bfloat16)
    return Port(entry["name"], tuple(entry["shape"]), dtype, is_bfloat16)
