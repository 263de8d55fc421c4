"""ONNX in and ONNX out: how many graphs of a folder can be written again, and whether the numbers are the same.

python -m benchmarks.onnx_round_trip FOLDER

FOLDER holds pickles of random graphs, as nnsmith's are collected: {"model": bytes, "data": [(inputs, outputs)]}, inputs
in the order of the model, outputs of an engine that was recorded. Each model is imported, emitted and checked by ONNX.
onnxruntime runs both, without its optimizer; results may differ by 1e-5 of the largest value. Where a graph makes more
of that (a tangent of large numbers), the result may be twice as far from the exact reference as that of the source.
Where the source is not run, the recorded outputs are what counts, with 1e-3.
"""

from __future__ import annotations

import pickle
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from neuralc.dialects.interp import run_module
from neuralc.emit.onnx import emit
from neuralc.frontends.onnx.load import load_bytes
from neuralc.grammar.diagnostics import NeuralcError

TOLERANCE, RECORDED = 1e-5, 1e-3


def outcome(record: dict[str, Any]) -> str:
    """What became of one graph."""
    try:
        loaded = load_bytes(record["model"])
    except NeuralcError:
        return "not imported"
    try:
        written = emit(loaded.module, loaded.store).whole()
    except NeuralcError as refusal:
        return f"refused: {refusal.diagnostics[0].message}"
    onnx.checker.check_model(onnx.load_from_string(written), full_check=True)
    inputs, recorded = record["data"][0]
    names = [port.name for port in onnx.load_from_string(record["model"]).graph.input]
    given = dict(zip(names, inputs, strict=True))
    try:
        expected, tolerance = _run(record["model"], given), TOLERANCE
    except Exception:  # what onnxruntime has against a model has no type of its own
        expected, tolerance = recorded, RECORDED
    found = _run(written, given)
    if all(_close(actual, reference, tolerance) for actual, reference in zip(found, expected, strict=True)):
        return "the same"
    exact = run_module(loaded.module, given, loaded.store)
    as_near = all(
        actual.dtype.kind == "f" and _distance(actual, truth) <= 2 * _distance(reference, truth)
        for actual, reference, truth in zip(found, expected, exact, strict=True)
        if not _close(actual, reference, tolerance)
    )
    return "as near to the exact result as the source" if as_near else "different"


def _distance(actual: Any, exact: Any) -> float:
    return float(np.abs(actual.astype(np.float64) - exact).max(initial=0.0))


def _run(model: bytes, inputs: dict[str, Any]) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(None, {port.name: inputs[port.name] for port in session.get_inputs()})
    return found


def _close(actual: Any, expected: Any, tolerance: float) -> bool:
    """Equal, or within the tolerance of the largest finite value; NaN and infinities at the same places."""
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return False
    if actual.dtype.kind in "biu":
        return bool((actual == expected).all())
    finite = np.isfinite(expected)
    if not np.array_equal(actual[~finite], expected[~finite], equal_nan=True):
        return False
    largest = np.abs(expected[finite]).max(initial=0.0)
    return bool(np.abs(actual[finite] - expected[finite]).max(initial=0.0) <= tolerance * max(1.0, largest))


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    files = sorted(folder.glob("*.pkl"))
    if not files:
        print(f"{folder}: no graphs there, nothing was measured")
        return 0
    onnxruntime.set_default_logger_severity(4)
    found: Counter[str] = Counter()
    for file in files:
        result = outcome(pickle.loads(file.read_bytes()))
        found[result] += 1
        if result.startswith(("different", "refused")):
            print(f"{file.name}: {result}")
    for result, count in found.most_common():
        print(f"{count:5} of {len(files)} {result}")
    return 1 if found["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
