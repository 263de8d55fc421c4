"""Emitted code of a folder of random graphs: how many can be written, and whether they compute what they should.

python -m benchmarks.emit_nnsmith FOLDER --form keras

FOLDER holds pickles of random graphs, as nnsmith's are collected: {"model": bytes, "data": [(inputs, outputs)]}, inputs
in the order of the model. Each model is imported and emitted; the code is run in doubles, and held against the exact
reference: 1e-9 of the largest value, NaN and infinities at the same places, integers as they are.
"""

from __future__ import annotations

import argparse
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.frontends.onnx.load import LoadedModel, load_bytes
from neuralc.grammar.diagnostics import NeuralcError

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = 1e-9

Array = NDArray[Any]


def _keras() -> tuple[Callable[..., str], Callable[..., list[Array]]]:
    sys.path.insert(0, str(ROOT / "tests"))
    from support.keras_code import ask_keras

    from neuralc.emit.keras import emit

    def run(source: str, inputs: list[Array], weights: Mapping[str, Array]) -> list[Array]:
        _, found = ask_keras(source, inputs, weights)
        return [found[f"output_{index}"] for index in range(len(found))]

    return emit, run


def _torch() -> tuple[Callable[..., str], Callable[..., list[Array]]]:
    sys.path.insert(0, str(ROOT / "tests"))
    import torch
    from support.torch_code import loaded_model

    from neuralc.emit.torch import emit

    def run(source: str, inputs: list[Array], weights: Mapping[str, Array]) -> list[Array]:
        model = loaded_model(source.replace("torch.float32", "torch.float64"), weights).double()
        arrays = [torch.from_numpy(np.asarray(each)) for each in inputs]
        with torch.no_grad():
            found = model(*(x.double() if x.is_floating_point() else x for x in arrays))
        return [y.detach().numpy() for y in (found if isinstance(found, tuple) else (found,))]

    return emit, run


FORMS = {"keras": _keras, "torch": _torch}


def outcome(record: dict[str, Any], emit: Callable[..., str], run: Callable[..., list[Array]]) -> str:
    """What became of one graph."""
    try:
        loaded = load_bytes(record["model"])
    except NeuralcError:
        return "not imported"
    try:
        source = emit(loaded.module)
    except NeuralcError as refusal:
        return f"refused: {refusal.diagnostics[0].message}"
    inputs = dict(zip(_names(loaded), record["data"][0][0], strict=False))
    expected = run_module(loaded.module, inputs, loaded.store)
    found = run(source, list(inputs.values()), dict(loaded.store))
    return "the same" if all(map(_close, found, expected)) else "different"


def _names(loaded: LoadedModel) -> list[str]:
    return list(the_model(loaded.module).inputs)


def _close(actual: Array, expected: Array) -> bool:
    """Equal, or within the tolerance of the largest finite value; NaN and infinities at the same places."""
    if actual.shape != expected.shape:
        return False
    if actual.dtype.kind in "biu":
        return bool((actual == expected).all())
    finite = np.isfinite(expected)
    if not np.array_equal(actual[~finite], expected[~finite], equal_nan=True):
        return False
    largest = max(1.0, float(np.abs(expected[finite]).max(initial=0.0)))
    return float(np.abs(actual[finite] - expected[finite]).max(initial=0.0)) <= TOLERANCE * largest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--form", choices=FORMS, default="keras")
    arguments = parser.parse_args()
    emit, run = FORMS[arguments.form]()
    counts: Counter[str] = Counter()
    for path in sorted(arguments.folder.glob("*.pkl")):
        try:
            found = outcome(pickle.loads(path.read_bytes()), emit, run)
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            NameError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as problem:
            found = f"fails: {str(problem).splitlines()[0]}"
        counts[found] += 1
        if found != "the same" and not found.startswith("refused"):
            print(f"{path.name}: {found}")
    for found, count in counts.most_common():
        print(f"{count:5} {found}")
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
