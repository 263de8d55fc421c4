"""A model that goes through another form first: written as a program or as ONNX, read again, and then written further.

What has to stay is what a person would miss: outputs in doubles, every number of the weights, the modules that weights
are named by, and the structure: behind a program the classes and parameters of the PyTorch code that is written from
it, behind ONNX the layers of the program that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.round_trip.compare import EXACT, ROUNDED, Different, check_exact
from benchmarks.round_trip.original import Array
from benchmarks.round_trip.structure import check_classes, check_layers, classes_of, layers_of
from benchmarks.round_trip.trip import Loaded, again
from neuralc.cli_products import write
from neuralc.dialects.interp import run_module
from neuralc.products import emitter

WAYS: Mapping[str, str] = {"nr": ".nr", "onnx": ".onnx"}
"""Forms that models are sent through, with the ends of their files."""


@dataclass(frozen=True)
class Kept:
    """What a way kept of a model: of the modules that weights are named by, how many are still there."""

    modules: int
    of_modules: int
    sums: int
    """Pairs of biases of which one weight is the sum."""

    def __str__(self) -> str:
        sums = f", {self.sums} sums of two biases" if self.sums else ""
        return f"{self.modules} of {self.of_modules} modules by name{sums}"


def through(way: str, loaded: Loaded, folder: Path) -> tuple[Loaded, Kept]:
    """The model behind a way. Raises NeuralcError where it is refused, Different where another one comes back."""
    kind, path = emitter(way, "cpu"), folder / f"through{WAYS[way]}"
    write(str(path), kind.make(loaded.written(), way), kind)
    found = again(path)
    sums = check_numbers(found.weights, loaded.parameters)
    results = run_module(found.module, list(loaded.inputs.values()), found.weights)
    rounds = way == "onnx" or loaded.is_onnx or sums > 0
    check_exact(loaded.outputs, results, loaded.exact, ROUNDED if rounds else EXACT)
    before, after = modules(loaded.parameters), modules(found.weights)
    there = [path for path in before if any(f"{each}.".startswith(f"{path}.") for each in after)]
    kept = Kept(len(there), len(before), sums)
    return Loaded(found, replace(loaded.original, model=path, torch=None), loaded.exact), kept


def check_numbers(found: Mapping[str, Array], original: Mapping[str, Array]) -> int:
    """How many weights are sums of two of the original's; all others have to be there, number by number.

    Raises Different.
    """
    ours = _numbers(found.values())
    if not _lost(ours, _numbers(original.values())).size:
        return 0
    pairs = [pair for pair in biases(original) if not holds(found, original[pair[0]])]
    for pair in pairs:
        if not holds(found, np.add(*(original[name] for name in pair))):
            raise Different(f"neither `{pair[0]}` and `{pair[1]}` are there nor their sum")
    summed = {name for pair in pairs for name in pair}
    left = {name: array for name, array in original.items() if name not in summed}
    lost = _lost(ours, _numbers(left.values()))
    if lost.size:
        name = next(name for name, array in left.items() if np.isin(lost, array).any())
        raise Different(f"{lost.size} numbers of weights are lost, of `{name}` first")
    return len(pairs)


def _lost(ours: Array, theirs: Array) -> Array:
    """The numbers of which there are fewer than there were."""
    values, places = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    counts = [np.bincount(part, minlength=len(values)) for part in (places[: len(ours)], places[len(ours) :])]
    found: Array = values[counts[0] < counts[1]]
    return found


def biases(weights: Mapping[str, Array]) -> list[tuple[str, str]]:
    """The two biases of each recurrent layer of PyTorch."""
    names = [(name, name.replace("bias_ih", "bias_hh")) for name in weights if "bias_ih" in name]
    return [(first, second) for first, second in names if second in weights]


def holds(weights: Mapping[str, Array], wanted: Array) -> bool:
    """Whether a weight has these numbers, in any order."""
    numbers = np.sort(wanted, axis=None)
    return any(
        each.size == wanted.size and np.array_equal(np.sort(each, axis=None), numbers) for each in weights.values()
    )


def _numbers(arrays: Iterable[Array]) -> Array:
    """All numbers of weights that are not 0: zeros stand for a bias that a form does not have."""
    flat = [array.astype(np.float64).ravel() for array in arrays if array.dtype.kind not in "biu"]
    whole = np.concatenate(flat) if flat else np.zeros(0)
    return whole[whole != 0]


def modules(names: Iterable[str]) -> set[str]:
    """The paths of the modules that have weights, without what a weight itself is called."""
    return {name.rpartition(".")[0] for name in names} - {""}


def structure(way: str, before: Loaded, after: Loaded) -> str:
    """What stayed of the structure: layers behind ONNX, classes and parameters behind a program. Raises Different."""
    if way == "onnx":
        return check_layers(layers_of(after), layers_of(before))
    return check_classes(classes_of(after), classes_of(before))
