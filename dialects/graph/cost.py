"""What each op costs: arithmetic, and bytes moved if every operand is read and every result written once.

| family       | flops |
|--------------|-------|
| elementwise  | a number for each element of the result; exp, sin and the like count as 1 |
| contraction  | 2 for each product: 2 * M * N * K |
| windows      | one (a sum, a comparison) for each place under each window |
| along axes   | a number for each element of the operand |
| views, moves | none; a view moves nothing, a move its result only |
| control      | the body once a round; a choice costs its dearer branch; a call what it calls |

Sizes are expressions over the module's symbols, so costs are too. Costs of a model as written: what fusion saves in
traffic and what an implementation computes in addition are seen on the levels below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, product
from neuralc.dialects.graph.contraction import einsum_sizes, einsum_words
from neuralc.dialects.graph.resampling import REACHES
from neuralc.dialects.types import element_bytes, element_of, shape_of

NOTHING = Dim.constant(0)


@dataclass(frozen=True)
class Cost:
    """`flops`: additions, products, comparisons and functions of single numbers. `bytes`: read and written."""

    flops: Dim = NOTHING
    bytes: Dim = NOTHING

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.bytes + other.bytes)

    def __mul__(self, times: int | Dim) -> Cost:
        return Cost(self.flops * times, self.bytes * times)

    def max(self, other: Cost) -> Cost:
        return Cost(self.flops.max(other.flops), self.bytes.max(other.bytes))


Rule: TypeAlias = Callable[[Any], Cost]


def cost(op: Operation) -> Cost:
    """The cost of one op of the graph level. Raises KeyError for an op without a rule."""
    return RULES[type(op)](op)


def total(ops: Iterable[Operation]) -> Cost:
    """The cost of ops that run one after the other."""
    return sum((cost(op) for op in ops), Cost())


# -- sizes -------------------------------------------------------------------------------------------------------------


def _elements(value: SSAValue) -> Dim:
    return product(list(shape_of(value.type)))


def _bytes(values: Iterable[SSAValue]) -> Dim:
    tensors = [value for value in values if isinstance(value.type, TensorType)]
    return sum((_elements(value) * element_bytes(element_of(value.type)) for value in tensors), NOTHING)


def _traffic(op: Operation) -> Dim:
    return _bytes([*op.operands, *op.results])


def _moves(op: Operation) -> Cost:
    """What takes some places of an operand reads as much as it writes; indices come on top."""
    indices = [operand for operand in op.operands[1:] if operand.type != op.operands[0].type]
    return Cost(NOTHING, _bytes(op.results) * 2 + _bytes(indices))


def _free(op: Operation) -> Cost:
    return Cost()


def _copies(op: Operation) -> Cost:
    return Cost(NOTHING, _traffic(op))


# -- families ----------------------------------------------------------------------------------------------------------


def _by_result(flops: int) -> Rule:
    return lambda op: Cost(_elements(op.results[0]) * flops, _traffic(op))


def _by_operand(flops: int) -> Rule:
    return lambda op: Cost(_elements(op.operands[0]) * flops, _traffic(op))


def _contraction(op: Operation, products: Dim) -> Cost:
    return Cost(products * 2, _traffic(op))


def _conv(op: graph.ConvOp | graph.DeformConvOp) -> Cost:
    """Each result sums a kernel's worth of products: all dims of the kernel but the last."""
    return _contraction(op, _elements(op.result) * product(list(shape_of(op.kernel.type)[:-1])))


def _conv_transpose(op: graph.ConvTransposeOp) -> Cost:
    """Each operand value is spread by a kernel: [*k, in, out / groups]."""
    *window, _, out = shape_of(op.kernel.type)
    return _contraction(op, _elements(op.x) * product([*window, out]))


def _deform_conv(op: graph.DeformConvOp) -> Cost:
    """A convolution whose every operand is read between four places: a bilinear mean of 8 flops."""
    taps = _elements(op.offset) // 2
    return _conv(op) + Cost(taps * 8)


def _matmul(op: graph.MatmulOp) -> Cost:
    return _contraction(op, _elements(op.result) * shape_of(op.lhs.type)[-1])


def _dense(op: graph.DenseOp) -> Cost:
    return _contraction(op, _elements(op.result) * shape_of(op.kernel.type)[0])


def _einsum(op: graph.EinsumOp) -> Cost:
    """One sum over all letters at once: a product an operand, and an addition."""
    words, _ = einsum_words(op.literal("spec"), len(op.operands))
    sizes = einsum_sizes(words, [shape_of(operand.type) for operand in op.operands])
    return Cost(product(list(sizes.values())) * len(op.operands), _traffic(op))


def _det(op: graph.DetOp) -> Cost:
    """Elimination: a third of n ** 3 products and as many differences."""
    return Cost((_elements(op.x) * shape_of(op.x.type)[-1] * 2).ceildiv(3), _traffic(op))


def _pool(op: graph.MaxPoolOp | graph.AveragePoolOp | graph.ArgMaxPoolOp) -> Cost:
    return Cost(_elements(op.result) * product(list(op.literal("window"))), _traffic(op))


def _lrn(op: graph.LrnOp) -> Cost:
    return Cost(_elements(op.result) * (op.literal("size") + 5), _traffic(op))


def _interpolation(op: graph.ResizeOp | graph.GridSampleOp) -> Cost:
    """Each result is a sum over 1 place or some along each dim that is interpolated, with weights."""
    rank = len(shape_of(op.result.type)) - 2 if isinstance(op, graph.GridSampleOp) else _resized_dims(op)
    taps = (2 * REACHES.get(op.literal("mode"), 0)) ** rank
    return Cost(_elements(op.result) * (2 * taps), _bytes(op.operands[1:]) + _bytes(op.results) * 2)


def _resized_dims(op: graph.ResizeOp) -> int:
    before, after = shape_of(op.x.type), shape_of(op.result.type)
    return sum(a != b for a, b in zip(before, after, strict=True)) or 1


def _roi(op: graph.RoiAlignOp | graph.MaxRoiPoolOp) -> Cost:
    """How many places a region covers is known at run time only: four a result, a sample between four for the mean."""
    return Cost(_elements(op.result) * (36 if isinstance(op, graph.RoiAlignOp) else 4), _traffic(op))


def _recurrent(op: graph.LstmOp | graph.GruOp | graph.RnnOp) -> Cost:
    """At each step two products of matrices, then about four functions a gate."""
    time, batch, depth = shape_of(op.x.type)
    width = as_dim(shape_of(op.kernel.type)[1])
    steps = product([time, batch])
    return Cost(steps * width * ((as_dim(depth) + op.units) * 2 + 4), _traffic(op))


# -- control -----------------------------------------------------------------------------------------------------------


def _body(block: Block) -> Cost:
    return total(block.ops)


def _if(op: graph.IfOp) -> Cost:
    first, second = (_body(region.block) for region in op.regions)
    return first.max(second)


def _rounds(op: graph.LoopOp | graph.ScanOp) -> Cost:
    """A loop that ends by its data alone counts with one round."""
    return _body(op.block) * (op.trips.data if op.trips is not None else 1)


def _call(op: graph.CallOp) -> Cost:
    module: Operation = op
    while not isinstance(module, ModuleOp) and (parent := module.parent_op()) is not None:
        module = parent
    callee = graph.symbols(module)[op.callee.string_value()]
    return _body(callee.block) if isinstance(callee, graph.FuncOp) else Cost()


# -- the table ---------------------------------------------------------------------------------------------------------

PER_ELEMENT: Mapping[type[Operation], int] = {
    graph.EluOp: 4,
    graph.GeluOp: 5,
    graph.HardSigmoidOp: 4,
    graph.HardSwishOp: 5,
    graph.IdentityOp: 0,
    graph.LeakyReluOp: 2,
    graph.MishOp: 7,
    graph.Relu6Op: 2,
    graph.RemainderOp: 4,
    graph.RsqrtOp: 2,
    graph.SeluOp: 5,
    graph.SigmoidOp: 3,
    graph.SiluOp: 4,
    graph.SoftplusOp: 5,
    graph.SoftsignOp: 3,
}
"""Elementwise ops that are more than one function of the scalar table."""

RULES: Mapping[type[Operation], Rule] = {
    **{op: _by_result(PER_ELEMENT.get(op, 1)) for op in (*graph.derived(graph.UnaryOp), *graph.BINARY)},
    graph.PreluOp: _by_result(2),
    graph.WhereOp: _by_result(1),
    graph.CastOp: _by_result(1),
    graph.BitcastOp: _copies,
    # contraction
    graph.ConvOp: _conv,
    graph.ConvTransposeOp: _conv_transpose,
    graph.DeformConvOp: _deform_conv,
    graph.DenseOp: _dense,
    graph.DetOp: _det,
    graph.EinsumOp: _einsum,
    graph.MatmulOp: _matmul,
    # windows and sampling
    graph.ArgMaxPoolOp: _pool,
    graph.AveragePoolOp: _pool,
    graph.FoldOp: _by_operand(1),
    graph.GridSampleOp: _interpolation,
    graph.LrnOp: _lrn,
    graph.MaxPoolOp: _pool,
    graph.MaxRoiPoolOp: _roi,
    graph.ResizeOp: _interpolation,
    graph.RoiAlignOp: _roi,
    # along axes
    graph.ArgReduceOp: _by_operand(3),
    graph.BatchNormOp: _by_operand(2),
    graph.CumulateOp: _by_operand(1),
    graph.GroupNormOp: _by_operand(7),
    graph.LayerNormOp: _by_operand(7),
    graph.LogSoftmaxOp: _by_operand(5),
    graph.ReduceOp: _by_operand(1),
    graph.RmsNormOp: _by_operand(5),
    graph.SoftmaxOp: _by_operand(5),
    graph.TopKOp: _by_operand(1),
    # quantization
    graph.DequantizeOp: _by_result(2),
    graph.QuantizeOp: _by_result(5),
    # recurrent and control
    graph.CallOp: _call,
    graph.GruOp: _recurrent,
    graph.IfOp: _if,
    graph.LoopOp: _rounds,
    graph.LstmOp: _recurrent,
    graph.RnnOp: _recurrent,
    graph.ScanOp: _rounds,
    # nobody knows what it computes
    graph.CustomOp: _copies,
    # moves
    graph.ConcatOp: _copies,
    graph.ExpandOp: _copies,
    graph.GatherElementsOp: _moves,
    graph.GatherNdOp: _moves,
    graph.GatherOp: _moves,
    graph.IotaOp: _copies,
    graph.PadOp: _copies,
    graph.ReverseSequenceOp: _copies,
    graph.ScatterElementsOp: _copies,
    graph.ScatterNdOp: _copies,
    graph.TransposeOp: _copies,
    # no work when the model runs
    **dict.fromkeys(
        (
            graph.ConstantOp, *graph.derived(graph.TrainingOp), graph.GetWeightOp, graph.ReshapeOp, graph.ReturnOp,
            graph.SizeOp, graph.SliceOp, graph.YieldOp, graph.DimOp, graph.WeightOp, graph.FuncOp,
            graph.StateOp, graph.GetStateOp, graph.SetStateOp,
        ),
        _free,
    ),
    graph.IdentityOp: _free,
    graph.ModelOp: lambda op: _body(op.block),
}  # fmt: skip
"""How each op is counted; that of a model is the sum of its ops."""
