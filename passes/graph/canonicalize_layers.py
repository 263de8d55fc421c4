"""The rules of graph-canonicalize for layers with weights and windows.

    %0 = graph.matmul %x, %w -> tensor<?x8xf32>          %0 = graph.dense %x, %w, %b -> tensor<?x8xf32>
    %1 = graph.add %0, %b -> tensor<?x8xf32>       ->

The forms: dense for a matmul with a weight, so that what knows dense knows it; the bias of a layer in the layer; one
layer for several on one value whose kernels are the parts of one kernel; no dilation of a window of one place. A vector
of another type than the layer's channels, a bias that would enlarge the result, and a layer that others read without
its bias stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph.shapes import CHANNEL, normalize_axis, static_shape
from neuralc.dialects.syntax import PlainOp, to_attribute
from neuralc.dialects.types import element_of, shape_of, tensor_type
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.weight_values import is_known

Layer: TypeAlias = graph.ConvOp | graph.ConvTransposeOp | graph.DenseOp


class MatmulWithWeight(RewritePattern[graph.MatmulOp]):
    """A product with a known matrix is a dense layer."""

    op_types = (graph.MatmulOp,)

    def __init__(self, known: Callable[[SSAValue], bool] = is_known) -> None:
        self._known = known

    def rewrite(self, op: graph.MatmulOp, rewriter: Rewriter) -> None:
        if len(shape_of(op.rhs.type)) == 2 and self._known(op.rhs) and not self._known(op.lhs):
            rewriter.replace(op, graph.DenseOp.of(op.lhs, op.rhs))


class BiasOfLayer(RewritePattern[graph.AddOp]):
    """A known vector along the channels that is added to a layer without bias is its bias."""

    op_types = (graph.AddOp,)

    def __init__(self, known: Callable[[SSAValue], bool] = is_known) -> None:
        self._known = known

    def rewrite(self, op: graph.AddOp, rewriter: Rewriter) -> None:
        for layer, bias in ((op.lhs.owner, op.rhs), (op.rhs.owner, op.lhs)):
            if not isinstance(layer, graph.ConvOp | graph.ConvTransposeOp | graph.DenseOp) or layer.bias is not None:
                continue
            if layer.result.uses.get_length() != 1 or layer.result.type != op.result.type or not self._known(bias):
                continue
            if (views := _as_vector(bias, layer)) is not None:
                held = views[0].result if views else bias
                new = type(layer).of(layer.x, layer.kernel, held, **layer.literals())
                rewriter.replace(op, [*views, new], fused=[layer])
                return


def _as_vector(bias: SSAValue, layer: Layer) -> list[graph.ReshapeOp] | None:
    """What makes a bias a vector of the layer's channels, nothing where it is one; None where it runs otherwise."""
    shape, result = shape_of(bias.type), shape_of(layer.result.type)
    channel = len(result) - 1 if isinstance(layer, graph.DenseOp) else CHANNEL[layer.literal("data_format")]
    place = channel - (len(result) - len(shape))
    if place < 0 or shape[place] != result[channel] or any(size != 1 for size in (*shape[:place], *shape[place + 1 :])):
        return None
    if len(shape) == 1:
        return []
    return [graph.ReshapeOp.of(bias, result=tensor_type((result[channel],), element_of(bias.type)))]


class PartsOfOneKernel(RewritePattern[graph.ConcatOp]):
    """Layers on one value that stand side by side, and whose kernels are all the parts of one, are one layer.

    So leave the gates of a recurrent layer that training drops values of for each gate by itself.
    """

    op_types = (graph.ConcatOp,)

    def rewrite(self, op: graph.ConcatOp, rewriter: Rewriter) -> None:
        first, *others = (x.owner for x in op.xs)
        if not others or not isinstance(first, graph.ConvOp | graph.DenseOp):
            return
        layers = [first, *(other for other in others if isinstance(other, type(first)))]
        if len(layers) != len(op.xs) or not all(self._beside(first, layer) for layer in layers):
            return
        rank = len(shape_of(op.result.type))
        channel = CHANNEL[first.literal("data_format")] if isinstance(first, graph.ConvOp) else rank - 1
        kernel = _whole([layer.kernel for layer in layers])
        biases = [layer.bias for layer in layers if layer.bias is not None]
        bias = _whole(biases)
        if normalize_axis(op.literal("axis"), rank) != channel or kernel is None or (biases and bias is None):
            return
        if len(biases) in (0, len(layers)):
            rest = [] if bias is None else [bias]
            rewriter.replace(op, type(first).of(first.x, kernel, *rest, **first.literals()), fused=layers)

    def _beside(self, first: Layer, other: Layer) -> bool:
        """Whether another layer reads the same value in the same way, and nothing else reads what it gives."""
        alike = other.properties == first.properties and other.result.uses.get_length() == 1
        groups = other.literal("groups") if isinstance(other, graph.ConvOp) else 1
        return alike and groups == 1 and _same(first.x, other.x)


def _whole(parts: Sequence[SSAValue]) -> SSAValue | None:
    """The value whose slices along the last dim, one behind the other, are the parts; None where there is none."""
    end = nothing = Dim.constant(0)
    found: SSAValue | None = None
    for part in parts:
        cut = part.owner
        if not isinstance(cut, graph.SliceOp) or set(cut.literal("steps")) != {1} or found not in (None, cut.x):
            return None
        *outer, start = cut.starts.data
        if (
            any(place != nothing for place in outer)
            or start != end
            or shape_of(part.type)[:-1] != shape_of(cut.x.type)[:-1]
        ):
            return None
        end, found = end + shape_of(part.type)[-1], cut.x
    return found if found is not None and end == as_dim(shape_of(found.type)[-1]) else None


def _same(x: SSAValue, y: SSAValue, depth: int = 3) -> bool:
    """Whether two values are one, or made by equal ops of what is."""
    if x is y or depth == 0:
        return x is y
    ours, theirs = x.owner, y.owner
    if not isinstance(ours, PlainOp) or not isinstance(theirs, type(ours)) or x.type != y.type:
        return False
    pairs = zip(ours.operands, theirs.operands, strict=False)
    equal = ours.properties == theirs.properties and len(ours.operands) == len(theirs.operands)
    return equal and bool(ours.operands) and all(_same(a, b, depth - 1) for a, b in pairs)


class UndilatedPlaces(RewritePattern[PlainOp]):
    """A window of one place along a dim has no taps to set apart."""

    op_types = (graph.ConvOp, graph.ConvTransposeOp, graph.MaxPoolOp, graph.ArgMaxPoolOp, graph.AveragePoolOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        dilations = op.literal("dilations")
        layer = isinstance(op, graph.ConvOp | graph.ConvTransposeOp)
        window = static_shape("kernel", op.operands[1].type)[: len(dilations)] if layer else op.literal("window")
        plain = tuple(1 if size == 1 else d for size, d in zip(window, dilations, strict=True))
        if plain != tuple(dilations):
            op.properties["dilations"] = to_attribute(plain)
            rewriter.modified(op)


PATTERNS: Sequence[RewritePattern[Any]] = (
    MatmulWithWeight(),
    BiasOfLayer(),
    PartsOfOneKernel(),
    UndilatedPlaces(),
)
