"""Pooling over windows and over whole images."""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import SPATIAL
from neuralc.frontends.nr.layers.shared import Lowering, data_format, image, pads
from neuralc.frontends.nr.site import Site
from neuralc.grammar.binding import Bound


def _pool(op: type[graph.MaxPoolOp] | type[graph.AveragePoolOp]) -> Lowering:
    def lower(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        form = data_format(arguments)
        _, size = image(x, form)
        window: tuple[int, int] = arguments["pool_size"]
        strides: tuple[int, int] = arguments["strides"] or window
        edges = pads(arguments["padding"], size, window, strides)
        return site.add(op.of(x, window=window, strides=strides, pads=edges, data_format=form))

    return lower


def _global_pool(kind: str) -> Lowering:
    def lower(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        form = data_format(arguments)
        image(x, form)
        return site.add(graph.ReduceOp.of(x, kind=kind, axes=SPATIAL[form], keepdims=arguments["keepdims"]))

    return lower


LOWERINGS: dict[str, Lowering] = {
    "MaxPooling2D": _pool(graph.MaxPoolOp),
    "AveragePooling2D": _pool(graph.AveragePoolOp),
    "GlobalAveragePooling2D": _global_pool("mean"),
    "GlobalMaxPooling2D": _global_pool("maximum"),
}
