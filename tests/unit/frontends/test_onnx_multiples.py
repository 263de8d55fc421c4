"""Sizes that only work as multiples: what an import assumes of them, and what a run of other sizes is told."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import neuralc
from neuralc.dialects.dims import Dim
from neuralc.frontends.multiples import in_lowest_terms, multiples
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.runtime.errors import ModelError


def smallest(lhs: str, rhs: str) -> dict[str, int] | None:
    a, b = Dim.parse(lhs), Dim.parse(rhs)
    found = multiples((a, b), lambda sizes: a.substitute(sizes) == b.substitute(sizes))
    return None if found is None else dict(found)


@pytest.mark.parametrize(
    ("lhs", "rhs", "factors"),
    [
        ("floordiv(H, 2) * 2", "H", {"H": 2}),
        ("floordiv(floordiv(H, 2), 2) * 2", "floordiv(H, 2)", {"H": 4}),
        ("floordiv(H - 1, 2) * 2 + 2", "H", {"H": 2}),
        ("floordiv(H, 4) * floordiv(W, 3) * 12", "H * W", {"H": 4, "W": 3}),
        ("ceildiv(H, 3) * 3", "H", {"H": 3}),
        ("floordiv(H, 2)", "W", None),
        ("H", "W", None),
    ],
)
def test_the_smallest_factors_are_found(lhs: str, rhs: str, factors: dict[str, int] | None) -> None:
    assert smallest(lhs, rhs) == factors


def test_common_factors_are_taken_out() -> None:
    assert in_lowest_terms(Dim.parse("B * H * W * 4"), Dim.parse("B * W * 8")) == (Dim.symbol("H"), Dim.constant(2))
    assert in_lowest_terms(Dim.parse("B * 2 + 2"), Dim.parse("B * 4")) == (Dim.parse("B + 1"), Dim.parse("B * 2"))


def reshaped(path: Path, shape: Sequence[str | int], sizes: Sequence[int]) -> Path:
    """A model that gives its input of this shape other sizes."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y",)]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    wanted = helper.make_tensor("sizes", TensorProto.INT64, [len(sizes)], list(sizes))
    node = helper.make_node("Reshape", ["x", "sizes"], ["y"])
    model = helper.make_model(
        helper.make_graph([node], "g", [x], ports, [wanted]), opset_imports=[helper.make_opsetid("", 18)]
    )
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("target", ["cpu", "interp"])
def test_a_reshape_into_blocks_takes_multiples_and_refuses_other_sizes(target: str, tmp_path: Path) -> None:
    model = neuralc.compile(reshaped(tmp_path / "m.onnx", ["B", "T"], [0, -1, 4]), target=target)
    x = np.arange(24, dtype=np.float32).reshape(3, 8)
    np.testing.assert_array_equal(model(x), x.reshape(3, 2, 4))
    with pytest.raises((ModelError, NeuralcError), match=r"E0904.*T_by_4 \* 4"):
        model(x[:, :7])
    with pytest.raises((ModelError, NeuralcError), match=r"E0904.*T_by_4"):
        model(x[:, :3])
