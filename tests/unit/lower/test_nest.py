"""Loop nests of groups: which loops there are, which merge, and that merging visits the same memory."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import f32

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import RefType
from neuralc.dialects.types import as_tensor, shape_of
from neuralc.passes.lower.nest import Nest, Operand, drop_unit_loops, make_nest, merge_loops
from neuralc.passes.parsing import parse_module

pytestmark = pytest.mark.thorough


def nest_of(arguments: dict[str, str], body: str, result: str, packed: dict[str, RefType] | None = None) -> Nest:
    """The nest of a group that reads its arguments, dense in memory, or packed as given."""
    types = ", ".join(f"%{name}: {type_}" for name, type_ in arguments.items())
    names = ", ".join(f'"{name}"' for name in arguments)
    pairs = ", ".join(f"%{name}_in = %{name}" for name in arguments)
    module = parse_module(
        f"""graph.dim @batch from 1
            graph.model @m({types}) -> ({result}) inputs [{names}] outputs ["out"] {{
              %out = tensor.group "g"({pairs}) -> ({result}) {{ {body} }}
              graph.return %out
            }}"""
    )
    (group,) = (op for op in module.walk() if isinstance(op, tensor.GroupOp))
    refs = []
    for name, argument in zip(arguments, group.args, strict=True):
        dense = RefType.of(shape_of(argument.type), as_tensor(argument.type).element_type)
        refs.append(((packed or {}).get(name, dense), name in (packed or {})))
    output = as_tensor(group.res[0].type)
    return make_nest(group, refs, RefType.of(shape_of(output), output.element_type))[0]


def rounds(nest: Nest) -> Counter[tuple[int, ...]]:
    """For every round of the loops, the place in memory of each operand."""
    sizes = {letter: int(str(size)) for letter, size in nest.sizes.items()}
    found = Counter()
    for at in itertools.product(*(range(size) for size in sizes.values())):
        position = dict(zip(sizes, at, strict=True))
        found[tuple(address(operand, position) for operand in nest.operands)] += 1
    return found


def address(operand: Operand, position: dict[str, int]) -> int:
    strides = [int(str(stride)) for stride in operand.ref.strides]
    index = [position[letter] for letter in operand.word]
    if operand.packed:
        panel, inside = divmod(index[-1], operand.panel)
        index = [panel, *index[:-1], inside]
    return sum(i * stride for i, stride in zip(index, strides, strict=True))


CONV = """
  %c = tensor.contract "nhwijc,ijco->nhwo" %x_in, %k_in -> {y}
  %r = tensor.map "abcd,d->abcd" %c, %b_in -> {y} {{
  ^bb0(%0: f32, %1: f32):
    %2 = tensor.scalar add %0, %1 -> f32
    tensor.yield %2
  }}
  tensor.yield %r"""


def conv_nest(depth: int = 4, window: int = 3) -> Nest:
    """Windows that are dense in memory, which a convolution's are along the last window dim and the channels only."""
    result = "tensor<2x5x6x8xf32>"
    arguments = {
        "x": f"tensor<2x5x6x{window}x{window}x{depth}xf32>",
        "k": f"tensor<{window}x{window}x{depth}x8xf32>",
        "b": "tensor<8xf32>",
    }
    return nest_of(arguments, CONV.format(y=result), result)


def test_loops_of_the_result_come_first_and_reductions_behind() -> None:
    nest = conv_nest()
    assert list(nest.sizes.values()) == [2, 5, 6, 8, 3, 3, 4]
    assert [operand.name for operand in nest.operands] == ["x_in", "k_in", "b_in", "out"]
    assert nest.reduced == "".join(nest.sizes)[4:]
    assert [stage.reduced for stage in nest.stages] == [nest.reduced, ""]
    assert nest.output.word == nest.stages[-1].word == nest.stages[0].word


def test_loops_that_all_operands_walk_as_one_are_merged() -> None:
    nest = merge_loops(conv_nest())
    assert sorted(map(str, nest.sizes.values())) == ["36", "60", "8"]


def test_a_loop_that_is_kept_is_not_merged() -> None:
    nest = conv_nest()
    last = nest.reduced[-1]
    merged = merge_loops(nest, keep=last)
    assert merged.sizes[last] == 4
    assert sorted(map(str, merged.sizes.values())) == ["4", "60", "8", "9"]


def test_a_gap_in_one_operand_keeps_loops_apart() -> None:
    body = """%r = tensor.map "ab->ab" %x_in -> tensor<4x6xf32> {
      ^bb0(%0: f32):
        tensor.yield %0
      }
      tensor.yield %r"""
    dense = nest_of({"x": "tensor<4x6xf32>"}, body, "tensor<4x6xf32>")
    assert list(merge_loops(dense).sizes.values()) == [24]
    padded = Nest(
        dense.name, dense.sizes, (Operand("x", "ab", RefType.of([4, 6], f32, [8, 1])),), dense.output, dense.stages
    )
    assert list(merge_loops(padded).sizes.values()) == [4, 6]


def test_symbolic_loops_are_not_merged() -> None:
    type_ = "tensor<?x4x6xf32, #graph.dims<batch>>"
    body = f"""%r = tensor.map "abc->abc" %x_in -> {type_} {{
      ^bb0(%0: f32):
        tensor.yield %0
      }}
      tensor.yield %r"""
    nest = merge_loops(nest_of({"x": type_}, body, type_))
    assert list(nest.sizes.values()) == [Dim.symbol("batch"), 24]
    assert nest.dims == ["batch"]


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1)])
def test_unit_loops_leave_but_a_reduction_keeps_one(shape: tuple[int, int]) -> None:
    rows, length = shape
    body = f"""%m = tensor.reduce add %x_in {{dims = [1]}} -> tensor<{rows}xf32>
      %r = tensor.map "ab,a->ab" %x_in, %m -> tensor<{rows}x{length}xf32> {{
      ^bb0(%0: f32, %1: f32):
        %2 = tensor.scalar div %0, %1 -> f32
        tensor.yield %2
      }}
      tensor.yield %r"""
    nest = drop_unit_loops(nest_of({"x": f"tensor<{rows}x{length}xf32>"}, body, f"tensor<{rows}x{length}xf32>"))
    assert list(nest.sizes.values()) == ([length] if rows == 1 else [rows, length])
    assert nest.stages[0].reduced == nest.stages[0].sources[0].word[-1]


def test_a_unit_loop_that_is_kept_stays() -> None:
    body = """%r = tensor.contract "mk,kn->mn" %x_in, %w_in -> tensor<3x1xf32>
      tensor.yield %r"""
    nest = nest_of({"x": "tensor<3x4xf32>", "w": "tensor<4x1xf32>"}, body, "tensor<3x1xf32>")
    assert list(drop_unit_loops(nest).sizes.values()) == [3, 4]
    assert list(drop_unit_loops(nest, keep=nest.output.word[-1]).sizes.values()) == [3, 1, 4]


def test_the_panels_of_a_packed_operand_stay_one_loop() -> None:
    body = """%r = tensor.contract "mjk,jkn->mn" %x_in, %w_in -> tensor<3x20xf32>
      tensor.yield %r"""
    packed = {"w": RefType.of([3, 2, 4, 8], f32)}
    nest = nest_of({"x": "tensor<3x2x4xf32>", "w": "tensor<2x4x20xf32>"}, body, "tensor<3x20xf32>", packed)
    merged = merge_loops(nest)
    weight = merged.inputs[1]
    assert list(merged.sizes.values()) == [3, 20, 8]
    assert weight.panel == 8
    assert [weight.stride(letter) for letter in merged.sizes] == [0, 1, 8]
    assert rounds(merged) == rounds(nest)


def test_an_operand_read_along_two_orders_stands_twice() -> None:
    body = """%r = tensor.map "ab,ba->ab" %x_in, %x_in -> tensor<3x3xf32> {
      ^bb0(%0: f32, %1: f32):
        %2 = tensor.scalar add %0, %1 -> f32
        tensor.yield %2
      }
      tensor.yield %r"""
    nest = nest_of({"x": "tensor<3x3xf32>"}, body, "tensor<3x3xf32>")
    assert [operand.name for operand in nest.inputs] == ["x_in", "x_in_1"]
    assert nest.inputs[0].word == nest.inputs[1].word[::-1]


SHAPES = st.tuples(*[st.integers(1, 3)] * 4)


@given(SHAPES, st.permutations("abcd"), st.sets(st.sampled_from("abcd")), st.sampled_from(["", "a", "d"]))
def test_merging_visits_the_same_memory(
    shape: tuple[int, ...], order: list[str], stretched: set[str], keep: str
) -> None:
    sizes = dict(zip("abcd", shape, strict=True))
    word = "".join(order)
    broadcast = "".join("1" if letter in stretched else letter for letter in "abcd")
    types = {
        "x": "tensor<" + "".join(f"{sizes[letter]}x" for letter in word) + "f32>",
        "y": "tensor<" + "".join("1x" if letter == "1" else f"{sizes[letter]}x" for letter in broadcast) + "f32>",
    }
    result = "tensor<" + "".join(f"{size}x" for size in shape) + "f32>"
    body = f"""%r = tensor.map "{word},{broadcast}->abcd" %x_in, %y_in -> {result} {{
      ^bb0(%0: f32, %1: f32):
        %2 = tensor.scalar add %0, %1 -> f32
        tensor.yield %2
      }}
      tensor.yield %r"""
    nest = nest_of(types, body, result)
    merged = merge_loops(nest, keep)
    assert rounds(merged) == rounds(nest)
    assert len(merged.sizes) <= len(nest.sizes)
    assert np.prod(list(merged.sizes.values()), dtype=int) == np.prod(shape)
