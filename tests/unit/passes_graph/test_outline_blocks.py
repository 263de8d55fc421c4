"""Blocks become functions and calls: the values stay, and inlining leaves the ops that there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.compare import assert_pass_preserves
from support.graph_modules import GraphModule, tensor
from support.random_graph import RandomProgram, graph_programs
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.graph.outline_blocks import OutlineBlocksPass
from neuralc.passes.registry import parse_pipeline
from neuralc.passes.scopes import Scope, located
from neuralc.passes.verifier import verify_module

PATHS = ("a", "a.0", "a.0.attention", "a.1", "a.1.attention", "b", "b.c")


def in_scopes(module: ModuleOp, places: Sequence[int]) -> None:
    """Put the ops of a model into modules: stretches of them in the same one, as a trace has them."""
    ops = [op for op in graph.the_model(module).block.ops if op.results]
    for index, op in enumerate(ops):
        path = PATHS[places[index // 3 % len(places)]]
        parts = path.split(".")
        paths = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
        scopes = [Scope(path, "" if len(path) % 2 else f"Kind{len(path)}") for path in paths]
        op.location = located(f"op{index}", scopes)


def kinds(module: ModuleOp) -> Counter[str]:
    return Counter(op.name for op in graph.the_model(module).walk() if not isinstance(op, graph.ConstantOp))


@pytest.mark.thorough
@settings(max_examples=25)
@given(program=graph_programs(), places=st.lists(st.integers(0, len(PATHS) - 1), min_size=1, max_size=6))
def test_any_scopes_leave_values_and_ops_as_they_were(program: RandomProgram, places: list[int]) -> None:
    module = program.module.clone()
    for each in parse_pipeline("graph-inline"):
        each.run_in(module, PassContext())
    in_scopes(module, places)
    before = kinds(module)
    outline = OutlineBlocksPass(min_ops=2)
    assert_pass_preserves(outline, module, WeightStore(program.weights), program.inputs)
    assert_pass_preserves(parse_pipeline("graph-inline"), module, WeightStore(program.weights), program.inputs)
    after = kinds(module)
    assert {name: count for name, count in after.items() if "weight" not in name} == {
        name: count for name, count in before.items() if "weight" not in name
    }


def test_a_block_at_a_number_is_called_as_a_value_may_be() -> None:
    """`Sequential(Sequential(..))` has the paths 0 and 0.1, and weights such as 0.1.391.kernel."""

    def model(x: SSAValue) -> SSAValue:
        for _ in range(3):
            x = graph.ReluOp.of(graph.AbsOp.of(graph.NegOp.of(x).result).result).result
        return x

    module = GraphModule().model({"x": tensor(2, 3)}, model)
    for index, op in enumerate(graph.the_model(module).block.ops):
        op.location = located(f"op{index}", [Scope("0", "Stage"), Scope(f"0.{index // 3}", "Block")])
    OutlineBlocksPass(min_ops=2).run_in(module, PassContext())
    calls = [op for op in graph.the_model(module).block.ops if isinstance(op, graph.CallOp)]
    assert [call.results[0].name_hint for call in calls] == ["layers.0.0", "layers.0.1", "layers.0.2"]


def test_modules_that_need_each_other_are_taken_apart() -> None:
    """Nothing between the ops of one reads it and is read by it; as two calls neither could be the first."""

    def model(x: SSAValue, y: SSAValue) -> SSAValue:
        first = graph.ReluOp.of(graph.AbsOp.of(x).result).result
        second = graph.LogOp.of(first).result
        third = graph.TanhOp.of(y).result
        back = graph.ReluOp.of(graph.NegOp.of(third).result).result
        return graph.AddOp.of(second, back).result

    module = GraphModule().model({"x": tensor(2, 3), "y": tensor(2, 3)}, model)
    ops = graph.the_model(module).block.ops
    for op, path in zip(ops, ("a", "a", "b", "b", "a", "a", ""), strict=False):
        op.location = located(op.name, [Scope(path, "Stage")] if path else [])
    OutlineBlocksPass(min_ops=2).run_in(module, PassContext())
    verify_module(module)
    calls = [op for op in graph.the_model(module).block.ops if isinstance(op, graph.CallOp)]
    assert [call.path.data if call.path else "" for call in calls] == ["a", "b", "a"]


# -- what a person would cut -----------------------------------------------------------------------------------------


class Net:
    """A model without any names, written op by op."""

    def __init__(self) -> None:
        self._module = GraphModule()

    def weight(self, *shape: int) -> SSAValue:
        return self._module.weight("w", np.full(shape, 0.1, np.float32))

    def conv(self, x: SSAValue, filters: int, size: int = 3, stride: int = 1, groups: int = 1) -> SSAValue:
        depth, pad = int(str(shape_of(x.type)[3])), size // 2
        kernel = self.weight(size, size, depth // groups, filters)
        strides, pads = (stride, stride), (pad, pad, pad, pad)
        return graph.ConvOp.of(x, kernel, self.weight(filters), pads=pads, strides=strides, groups=groups).result

    def dense(self, x: SSAValue, units: int) -> SSAValue:
        depth = int(str(shape_of(x.type)[-1]))
        return graph.DenseOp.of(x, self.weight(depth, units), self.weight(units)).result

    def norm(self, x: SSAValue) -> SSAValue:
        depth = int(str(shape_of(x.type)[-1]))
        return graph.LayerNormOp.of(x, self.weight(depth), self.weight(depth)).result

    def attention(self, x: SSAValue) -> SSAValue:
        query, key, value = (self.dense(x, 8) for _ in range(3))
        turned = graph.TransposeOp.of(key, perm=(0, 2, 1)).result
        scores = graph.SoftmaxOp.of(graph.MatmulOp.of(query, turned).result).result
        return self.dense(graph.MatmulOp.of(scores, value).result, 8)

    def feed_forward(self, x: SSAValue) -> SSAValue:
        return self.dense(graph.GeluOp.of(self.dense(x, 16)).result, 8)

    def calls(self, shape: Sequence[int], body: Callable[[SSAValue], SSAValue]) -> list[str]:
        """The functions that the model calls, in their order, when its blocks are outlined."""
        module = self._module.model({"x": tensor(*shape)}, body)
        inputs = {"x": np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)}
        assert_pass_preserves(OutlineBlocksPass(), module, self._module.weights, inputs)
        calls = [op for op in graph.the_model(module).block.ops if isinstance(op, graph.CallOp)]
        assert [call.path.data for call in calls if call.path] == [f"blocks.{index}" for index in range(len(calls))]
        return [call.callee.root_reference.data for call in calls]


def relu(x: SSAValue) -> SSAValue:
    return graph.ReluOp.of(x).result


def add(x: SSAValue, y: SSAValue) -> SSAValue:
    return graph.AddOp.of(x, y).result


def test_blocks_of_a_resnet_are_its_residual_blocks_with_and_without_a_downsample() -> None:
    net = Net()

    def block(x: SSAValue, filters: int, stride: int) -> SSAValue:
        y = net.conv(relu(net.conv(x, filters, stride=stride)), filters)
        plain = stride == 1 and shape_of(x.type)[3] == filters
        return relu(add(y, x if plain else net.conv(x, filters, size=1, stride=stride)))

    def model(x: SSAValue) -> SSAValue:
        x = relu(net.conv(x, 4, size=7))
        for filters, stride in ((4, 1), (4, 1), (8, 2), (8, 1), (16, 2), (16, 1)):
            x = block(x, filters, stride)
        return net.dense(graph.ReduceOp.of(x, kind="mean", axes=(1, 2)).result, 3)

    assert net.calls((1, 8, 8, 3), model) == [
        "residual_block", "residual_block", "downsample_block", "residual_block_1", "downsample_block_1",
        "residual_block_2",
    ]  # fmt: skip


def test_blocks_of_an_encoder_end_with_their_norm() -> None:
    net = Net()

    def model(x: SSAValue) -> SSAValue:
        x = net.norm(net.dense(x, 8))
        for _ in range(3):
            x = net.norm(add(net.attention(x), x))
            x = net.norm(add(net.feed_forward(x), x))
        return x

    assert net.calls((2, 4, 8), model) == ["transformer_block"] * 3


def test_blocks_of_a_decoder_begin_with_their_norm() -> None:
    net = Net()

    def model(x: SSAValue) -> SSAValue:
        x = net.dense(x, 8)
        for _ in range(3):
            x = add(x, net.attention(net.norm(x)))
            x = add(x, net.feed_forward(net.norm(x)))
        return net.dense(net.norm(x), 5)

    assert net.calls((2, 4, 8), model) == ["transformer_block"] * 3


def test_blocks_of_a_unet_are_two_convolutions_on_either_side() -> None:
    net = Net()

    def double(x: SSAValue, filters: int) -> SSAValue:
        return relu(net.conv(relu(net.conv(x, filters)), filters))

    def model(x: SSAValue) -> SSAValue:
        skips = []
        for filters in (4, 8):
            x = double(x, filters)
            skips.append(x)
            x = graph.MaxPoolOp.of(x, window=(2, 2), strides=(2, 2)).result
        x = double(x, 16)
        for filters, skip in zip((8, 4), reversed(skips), strict=True):
            x = graph.ConvTransposeOp.of(x, net.weight(2, 2, 2 * filters, filters), strides=(2, 2)).result
            x = double(graph.ConcatOp.of(x, skip, axis=-1).result, filters)
        return net.conv(x, 2, size=1)

    assert [name.rstrip("_0123456789") for name in net.calls((1, 8, 8, 3), model)] == ["conv_block"] * 5


def test_a_model_that_repeats_nothing_keeps_its_ops() -> None:
    net = Net()
    assert net.calls((2, 8), lambda x: net.dense(relu(net.dense(x, 16)), 3)) == []


@pytest.mark.parametrize("blocks", [2, 3, 12, 48])
def test_a_block_is_one_function_however_often_it_comes(blocks: int) -> None:
    net = Net()

    def model(x: SSAValue) -> SSAValue:
        for _ in range(blocks):
            x = add(x, net.feed_forward(net.norm(x)))
        return x

    assert net.calls((2, 8), model) == ["feed_forward"] * blocks
