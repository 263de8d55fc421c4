"""slice, concat, expand, pad, iota and size are numpy's, for every element type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.graph_modules import GraphModule, single_op, tensor
from xdsl.dialects.builtin import f64, i64
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.numerics import Numerics
from neuralc.dialects.types import DimAttr, DimsAttr, element_type_of, tensor_type
from neuralc.dialects.weights import WeightStore

DTYPES = ["float16", "float32", "float64", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint64"]


def evaluate(op: type[Any], *operands: Any, **properties: Any) -> Any:
    module = single_op(op, *operands, **properties)
    module.verify()
    (found,) = run_module(module, operands, WeightStore(), numerics=Numerics.ROUNDED)
    return found


def values(*shape: int, dtype: str = "float64") -> Any:
    return (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 5).astype(dtype)


def starts(*places: int) -> DimsAttr:
    return DimsAttr(tuple(map(as_dim, places)))


@st.composite
def slices(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[slice, ...]]:
    """A shape and a Python slice with bounds inside for each dim."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    found = []
    for size in shape:
        first, last = draw(st.integers(0, size - 1)), draw(st.integers(0, size))
        step = draw(st.sampled_from([1, 2, 3] if last >= first else [-1, -2, -3]))
        found.append(slice(first, last, step))
    return tuple(shape), tuple(found)


@given(slices())
def test_slice_is_numpy_indexing(case: tuple[tuple[int, ...], tuple[slice, ...]]) -> None:
    shape, places = case
    x = values(*shape)
    expected = x[places]
    found = evaluate(
        graph.SliceOp,
        x,
        starts=starts(*(each.start for each in places)),
        steps=tuple(each.step for each in places),
        result=tensor_type(expected.shape, f64),
    )
    np.testing.assert_array_equal(found, expected)


def test_slice_backwards_reaches_the_first_place() -> None:
    result = tensor_type((3,), f64)
    found = evaluate(graph.SliceOp, np.arange(5.0), starts=starts(4), steps=(-2,), result=result)
    np.testing.assert_array_equal(found, [4, 2, 0])


def test_slice_starts_at_a_symbolic_place() -> None:
    """The last two of S rows."""
    size = Dim.symbol("S")

    def body(x: Any) -> Any:
        type_ = tensor(2, 3, element=f64)
        return graph.SliceOp.of(x, starts=DimsAttr((size - 2, as_dim(0))), steps=(1, 1), result=type_).result

    module = GraphModule().model({"x": tensor("S", 3, element=f64)}, body)
    x = values(7, 3)
    np.testing.assert_array_equal(run_module(module, {"x": x}, WeightStore())[0], x[-2:])


@pytest.mark.parametrize(
    ("start", "step", "count", "message"),
    [
        (0, 0, 1, "step along axis 0 is 0"),
        (3, 1, 3, "reads place 5"),
        (3, -2, 3, "reads place -1"),
        (5, -1, 1, "reads place 5"),
    ],
)
def test_slice_outside_is_refused(start: int, step: int, count: int, message: str) -> None:
    module = single_op(
        graph.SliceOp, np.zeros(5), starts=starts(start), steps=(step,), result=tensor_type((count,), f64)
    )
    with pytest.raises(VerifyException, match=message):
        module.verify()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concat(dtype: str, axis: int) -> None:
    xs = [values(2, 3, 4, dtype=dtype), values(2, 3, 4, dtype=dtype), values(2, 3, 4, dtype=dtype)]
    found = evaluate(graph.ConcatOp, *xs, axis=axis)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.concatenate(xs, axis))


def test_concat_adds_symbolic_sizes() -> None:
    types = [tensor("S", 3), tensor(2, 3), tensor("T", 3)]
    assert graph.ConcatOp.infer(types, axis=0) == tensor(Dim.parse("S + T + 2"), 3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "wide"), [((3, 1), (2, 3, 4)), ((), (2, 2)), ((1, 4), (1, 4)), ((1,), (0,))])
def test_expand(dtype: str, shape: tuple[int, ...], wide: tuple[int, ...]) -> None:
    x = values(*shape, dtype=dtype)
    found = evaluate(graph.ExpandOp, x, result=tensor_type(wide, element_type_of(dtype)))
    np.testing.assert_array_equal(found, np.broadcast_to(x, wide))


def test_expand_of_another_size_is_refused() -> None:
    module = single_op(graph.ExpandOp, np.zeros((2, 3)), result=tensor_type((4, 3), f64))
    with pytest.raises(VerifyException, match=r"cannot expand \(2, 3\) to \(4, 3\)"):
        module.verify()


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    mode=st.sampled_from(["constant", "reflect", "edge", "wrap"]),
    data=st.data(),
)
@pytest.mark.thorough
def test_pad_is_numpys(shape: list[int], mode: str, data: st.DataObject) -> None:
    low, high = (tuple(data.draw(st.integers(0, 9)) for _ in shape) for _ in range(2))
    x = values(*shape)
    around = list(zip(low, high, strict=True))
    expected = np.pad(x, around, constant_values=2.5) if mode == "constant" else np.pad(x, around, mode=mode)
    found = evaluate(graph.PadOp, x, low=low, high=high, mode=mode, value=2.5)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [name for name in DTYPES if "float" not in name])
def test_pad_of_integers(dtype: str) -> None:
    found = evaluate(graph.PadOp, values(3, dtype=dtype), low=(1,), high=(0,), value=1)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.array([1, 0, 1, 2]).astype(dtype))


def test_iota_and_size_depend_on_the_sizes_of_the_run() -> None:
    size = Dim.symbol("S")

    def body(x: Any) -> list[Any]:
        return [
            graph.IotaOp.of(result=tensor_type((size + 1,), i64)).result,
            graph.SizeOp.of(dim=DimAttr(size * 2)).result,
        ]

    module = GraphModule().model({"x": tensor("S")}, body)
    counted, twice = run_module(module, {"x": np.zeros(3, np.float32)}, WeightStore())
    np.testing.assert_array_equal(counted, [0, 1, 2, 3])
    assert twice == 6
    assert counted.dtype == twice.dtype == np.int64
