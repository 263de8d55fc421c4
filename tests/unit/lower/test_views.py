"""Views as references: sizes and strides say what numpy's views hold, and no view is claimed where numpy must copy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided
from support.graph_modules import tensor
from xdsl.dialects.builtin import f32
from xdsl.utils.test_value import create_ssa_value

from neuralc.dialects.dims import Dim
from neuralc.dialects.interp import run_module
from neuralc.dialects.kernel import RefType
from neuralc.dialects.tensor import TransposeOp, WindowOp
from neuralc.dialects.weights import WeightStore
from neuralc.passes.lower import views
from neuralc.passes.parsing import parse_module

pytestmark = pytest.mark.thorough

sizes = st.integers(1, 6)
shapes = st.lists(sizes, min_size=1, max_size=4).map(tuple)


def reference(array: Any) -> RefType:
    return RefType.of(array.shape, f32, [stride // array.itemsize for stride in array.strides])


def seen(ref: RefType, memory: Any) -> Any:
    """What a reference shows of memory that starts at its first element."""
    shape = [int(str(size)) for size in ref.shape]
    return as_strided(memory, shape, [int(str(stride)) * memory.itemsize for stride in ref.strides])


@st.composite
def strided_arrays(draw: st.DrawFn) -> Any:
    """Part of a larger array, its dims in any order: what pads and transposes leave."""
    shape = draw(shapes)
    padding = [draw(st.integers(0, 2)) for _ in shape]
    whole = np.arange(math.prod(a + b for a, b in zip(shape, padding, strict=True)), dtype=np.float32)
    part = whole.reshape([a + b for a, b in zip(shape, padding, strict=True)])[tuple(slice(n) for n in shape)]
    return part.transpose(draw(st.permutations(range(len(shape)))))


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[Any, tuple[int, ...]]:
    """An array and another shape for it."""
    array = draw(strided_arrays())
    rest, new = array.size, []
    while rest > 1 and len(new) < 4:
        new.append(draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0])))
        rest //= new[-1]
    return array, tuple(draw(st.permutations([*new, rest])))


@given(reshapes())
@example((np.zeros((2, 1, 3), np.float32)[:, :, :2], (2, 2, 1)))
@example((np.zeros((1, 1), np.float32), (1,)))
@example((np.zeros((4, 6), np.float32).T, (6, 2, 2)))
def test_reshape_is_a_view_exactly_where_numpy_needs_no_copy(case: tuple[Any, tuple[int, ...]]) -> None:
    array, shape = case
    found = views.reshape(reference(array), shape)
    view = array.view()
    try:
        view.shape = shape
    except AttributeError:
        assert found is None
    else:
        assert found is not None
        np.testing.assert_array_equal(seen(found, array), view)


def test_reshape_of_symbolic_dims() -> None:
    batch = Dim.symbol("batch")
    ref = RefType.of([batch, 4, 6], f32, [24, 6, 1])
    assert views.reshape(ref, (batch * 4, 6)) == RefType.of([batch * 4, 6], f32, [6, 1])
    assert views.reshape(ref, (batch, 24)) == RefType.of([batch, 24], f32, [24, 1])
    assert views.reshape(ref, (batch * 24,)) == RefType.of([batch * 24], f32, [1])
    assert views.reshape(ref, (batch, 1, 4, 2, 3)) is not None
    padded = RefType.of([batch, 4, 6], f32, [40, 8, 1])
    assert views.reshape(padded, (batch, 4, 3, 2)) == RefType.of([batch, 4, 3, 2], f32, [40, 8, 2, 1])
    assert views.reshape(padded, (batch, 24)) is None


@given(strided_arrays(), st.randoms(use_true_random=False))
def test_transpose_permutes_strides(array: Any, random: Any) -> None:
    perm = list(range(array.ndim))
    random.shuffle(perm)
    source = create_ssa_value(tensor(*array.shape))
    found = views.transpose(TransposeOp.of(source, perm=tuple(perm)), reference(array))
    np.testing.assert_array_equal(seen(found, array), array.transpose(perm))


@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1), (1, 2), (0, 2)])
@given(st.data())
def test_windows_overlap_by_their_strides(dims: tuple[int, ...], data: st.DataObject) -> None:
    shape = data.draw(st.tuples(*[st.integers(1, 7)] * 3))
    window, strides, dilations = (tuple(data.draw(st.integers(1, 3)) for _ in dims) for _ in range(3))
    assume(all(d * (n - 1) + 1 <= shape[axis] for axis, n, d in zip(dims, window, dilations, strict=True)))
    array = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    source = create_ssa_value(tensor(*shape))
    op = WindowOp.of(source, dims=dims, sizes=window, strides=strides, dilations=dilations)
    properties = f"dims = {[*dims]}, sizes = {[*window]}, strides = {[*strides]}, dilations = {[*dilations]}"
    module = parse_module(
        f"""graph.model @m(%x: {source.type}) -> ({op.result.type}) inputs ["x"] outputs ["y"] {{
              %y = tensor.window %x {{{properties}}} -> {op.result.type}
              graph.return %y
            }}"""
    )
    expected = run_module(module, [array], WeightStore())[0]
    np.testing.assert_array_equal(seen(views.window(op, reference(array)), array), expected)
