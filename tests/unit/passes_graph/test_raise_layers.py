"""Rules of graph-raise-layers that look at numbers of the model."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from support.compare import assert_pass_preserves
from support.graph_modules import GraphModule, tensor
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import DimsAttr
from neuralc.emit.placements import Part
from neuralc.emit.weight_sources import pieces_of
from neuralc.passes.base import PassContext
from neuralc.passes.graph.raise_layers import RaiseLayersPass


@pytest.mark.parametrize(("swapped", "expected"), [(False, "graph.reshape"), (True, "graph.gather_nd")])
def test_a_gather_of_all_places_in_their_order_is_a_reshape(swapped: bool, expected: str) -> None:
    places = np.stack(np.unravel_index(np.arange(6), (2, 3)), axis=-1).reshape(1, 6, 2)
    if swapped:
        places[0, [1, 2]] = places[0, [2, 1]]
    module = GraphModule()

    def model(x: SSAValue) -> SSAValue:
        return graph.GatherNdOp.of(x, module.weight("places", places)).result

    built = module.model({"x": tensor(2, 3)}, model)
    inputs = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
    assert_pass_preserves(RaiseLayersPass(), built, module.weights, inputs)
    assert Counter(op.name for op in graph.the_model(built).block.ops)[expected] == 1


def test_a_mask_that_is_cut_to_an_open_length_stays_whole() -> None:
    module = GraphModule()

    def model(x: SSAValue) -> SSAValue:
        mask = module.weight("mask", np.tri(8, dtype=np.float32))
        starts = DimsAttr((as_dim(0), as_dim(0)))
        cut = graph.SliceOp.of(mask, starts=starts, steps=(1, 1), result=tensor("S", "S")).result
        return graph.MulOp.of(x, cut).result

    built = module.model({"x": tensor("S", "S")}, model)
    assert_pass_preserves(RaiseLayersPass(), built, module.weights, {"x": np.ones((3, 3), np.float32)})
    assert [name for name, op in graph.symbols(built).items() if isinstance(op, graph.WeightOp)] == ["mask"]


def test_a_declared_view_tells_how_it_is_made_of_the_weight_in_the_file() -> None:
    module = GraphModule()

    def model(x: SSAValue) -> SSAValue:
        kernel = module.weight("conv.weight", np.arange(36, dtype=np.float32).reshape(4, 1, 3, 3))
        turned = graph.TransposeOp.of(kernel, perm=(2, 3, 1, 0)).result
        return graph.ConvOp.of(x, turned, groups=4, data_format="NCHW").result

    built = module.model({"x": tensor(1, 4, 5, 5)}, model)
    inputs = {"x": np.linspace(-1, 1, 100, dtype=np.float32).reshape(1, 4, 5, 5)}
    assert_pass_preserves(RaiseLayersPass(), built, module.weights, inputs)
    declared = graph.symbols(built)["conv.kernel"]
    assert isinstance(declared, graph.WeightOp)
    pieces = pieces_of(declared)
    assert pieces is not None
    (source,) = (piece.source for piece in pieces)
    assert (source.key, source.sizes, source.parts) == ("conv.weight", (4, 1, 3, 3), ((2,), (3,), (1,), (0,)))
    assert source.reordered((3, 2, 0, 1)) == (0, 1, 2, 3)  # as PyTorch has it: what the file holds


def test_a_kernel_that_is_read_backwards_goes_both_ways() -> None:
    """What is no adjoint to the source is one here: its window is turned around, which a file says by its order."""
    module = GraphModule()
    values = np.arange(12, dtype=np.float32).reshape(2, 3, 1, 2)

    def model(x: SSAValue) -> SSAValue:
        kernel = module.weight("up.kernel", values)
        turned = graph.SliceOp.of(
            kernel, starts=DimsAttr(tuple(map(as_dim, (1, 2, 0, 0)))), steps=(-1, -1, 1, 1), result=kernel.type
        )
        return graph.ConvTransposeOp.of(x, turned.result, data_format="NHWC").result

    built = module.model({"x": tensor(1, 4, 4, 1)}, model)
    RaiseLayersPass().run_in(built, PassContext(weights=module.weights))
    (declared,) = [op for op in graph.symbols(built).values() if isinstance(op, graph.WeightOp) and op.body]
    (piece,) = pieces_of(declared) or ()
    part = Part(piece.source.key, piece.source.shape, piece.source.places, (0, 1, 2, 3))
    np.testing.assert_array_equal(part.taken(values), values[::-1, ::-1])
    again = np.zeros_like(values)
    part.put(part.taken(values), again)
    np.testing.assert_array_equal(again, values)
