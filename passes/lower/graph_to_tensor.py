"""graph-to-tensor: layers become loops.

    %1 = graph.conv %x, %k, %b {pads = [1, 1, 1, 1]}        %0 = tensor.pad %x {low = [0, 1, 1, 0], ..}
                                                            %1 = tensor.window %0 {dims = [1, 2], sizes = [3, 3], ..}
                                                     ->     %2 = tensor.contract "nhwijc,ijco->nhwo" %1, %k
                                                            %3 = tensor.map "nhwo,o->nhwo" %2, %b { add }

Convolution is a contraction over windows, pooling a reduction over them, softmax four loops. What runs together is
decided later by rule (tensor-fuse-groups), not by the layer's name. Expects an inlined model without training-only
ops: graph-inline and graph-specialize-inference stand before it in every pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.shapes import CHANNEL, SPATIAL, normalize_axis
from neuralc.dialects.tensor.subscripts import ONE, identity
from neuralc.dialects.types import Shape, as_tensor, element_of, format_shape, shape_of, tensor_type
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.locations import inherit_location, span_of
from neuralc.passes.lower.scalar_functions import ACTIVATIONS, BINARY_FUNCTIONS, ScalarBuilder, leaky

OpT = TypeVar("OpT", bound=Operation)


@dataclass(frozen=True)
class Lowering:
    """Where the loops of one layer are written: before it, or at the end of a block."""

    op: Operation
    block: Block | None = None

    def emit(self, new: OpT) -> SSAValue:
        inherit_location(new, self.op.location)
        at = InsertPoint.before(self.op) if self.block is None else InsertPoint.at_end(self.block)
        Rewriter.insert_op(new, at)
        return new.results[0]

    def known(self, name: str, body: Callable[[Lowering], SSAValue]) -> SSAValue:
        """A value that depends on nothing: a weight that is computed once, when the model is compiled."""
        block = Block()
        value = body(Lowering(self.op, block))
        block.add_op(graph.ReturnOp([value]))
        model = self.op.parent_op()
        if not isinstance(model, graph.ModelOp) or not isinstance(module := model.parent_op(), ModuleOp):
            raise TypeError(f"{self.op.name} is lowered inside a model")
        taken = graph.symbols(module)
        symbol = next(n for i in range(len(taken) + 1) if (n := f"{name}_{i}" if i else name) not in taken)
        weight = graph.WeightOp(symbol, as_tensor(value.type), body=Region(block))
        inherit_location(weight, self.op.location)
        Rewriter.insert_op(weight, InsertPoint.before(model))
        return self.emit(graph.GetWeightOp(symbol, as_tensor(value.type)))

    def map(self, spec: str, args: Sequence[SSAValue], shape: Shape, body: Callable[..., SSAValue]) -> SSAValue:
        """A map whose region is what `body(builder, *values)` builds."""
        builder = ScalarBuilder([element_of(arg.type) for arg in args])
        value = body(builder, *builder.args)
        region = builder.finish(value)
        return self.emit(tensor.MapOp(spec, args, tensor_type(shape, value.type), region))

    def unary(self, function: str, x: SSAValue) -> SSAValue:
        letters = identity(len(shape_of(x.type)))
        return self.map(f"{letters}->{letters}", [x], shape_of(x.type), lambda b, v: b.call(function, v))

    def binary(self, function: str, lhs: SSAValue, rhs: SSAValue, spec: str, shape: Shape) -> SSAValue:
        return self.map(spec, [lhs, rhs], shape, lambda b, x, y: b.call(function, x, y))

    def reshape(self, x: SSAValue, shape: Sequence[int | Dim]) -> SSAValue:
        type_ = tensor_type(shape, element_of(x.type))
        return x if x.type == type_ else self.emit(tensor.ReshapeOp.of(x, result=type_))

    def windows(self, op: Operation, x: SSAValue, window: Sequence[int], value: float) -> SSAValue:
        """Pad height and width by the op's `pads`, then slide: [N, OH, OW, KH, KW, C] or [N, C, OH, OW, KH, KW]."""
        literals = op.literals() if isinstance(op, graph.ConvOp | graph.MaxPoolOp | graph.AveragePoolOp) else {}
        axes = SPATIAL[literals["data_format"]]
        pads = literals["pads"]
        if any(pads):
            low, high = [0] * 4, [0] * 4
            for i, axis in enumerate(axes):
                low[axis], high[axis] = pads[i], pads[i + 2]
            x = self.emit(tensor.PadOp.of(x, low=tuple(low), high=tuple(high), value=value))
        return self.emit(
            tensor.WindowOp.of(
                x,
                dims=axes,
                sizes=tuple(window),
                strides=tuple(literals["strides"]),
                dilations=tuple(literals.get("dilations", (1, 1))),
            )
        )


def _windowed(letters: str, data_format: str) -> tuple[str, str]:
    """Letters of a window view and of its result; `letters` holds those that stand for the channels."""
    return (f"nhwij{letters}", f"nhw{letters}") if data_format == "NHWC" else (f"n{letters}hwij", f"n{letters}hw")


def _bias(at: Lowering, y: SSAValue, bias: SSAValue | None, axis: int) -> SSAValue:
    if bias is None:
        return y
    letters = identity(len(shape_of(y.type)))
    return at.binary("add", y, bias, f"{letters},{letters[axis]}->{letters}", shape_of(y.type))


def _conv(at: Lowering, op: graph.ConvOp) -> SSAValue:
    data_format, groups = op.literal("data_format"), op.literal("groups")
    kernel, kernel_shape = op.kernel, cast("tuple[int, int, int, int]", shape_of(op.kernel.type))
    kh, kw, depth, out = kernel_shape
    pointwise = (kh, kw) == (1, 1) and op.literal("strides") == (1, 1) and not any(op.literal("pads"))
    if pointwise and groups == 1:
        spec = "nhwc,co->nhwo" if data_format == "NHWC" else "nchw,co->nohw"
        y = at.emit(tensor.ContractOp.of(op.x, at.reshape(kernel, (depth, out)), spec=spec))
        return _bias(at, y, op.bias, CHANNEL[data_format])
    view = at.windows(op, op.x, (kh, kw), 0.0)
    if groups == 1:
        inputs, outputs = _windowed("c", data_format)[0], _windowed("o", data_format)[1]
        y = at.emit(tensor.ContractOp.of(view, kernel, spec=f"{inputs},ijco->{outputs}"))
        return _bias(at, y, op.bias, CHANNEL[data_format])
    # Grouped: channels are (group, channel in group) on both sides. A channel count of one has no letter.
    per_group = out // groups
    inner, outer = ("c" if depth > 1 else "", "o" if per_group > 1 else "")
    inputs, outputs = _windowed("g" + inner, data_format)[0], _windowed("g" + outer, data_format)[1]
    sizes: dict[str, int | Dim] = {"g": groups, "c": depth, "o": per_group, "i": kh, "j": kw}
    view_sizes = dict(zip(_windowed("g", data_format)[0], shape_of(view.type), strict=True)) | sizes
    view = at.reshape(view, [view_sizes[letter] for letter in inputs])
    weights = "ij" + inner + "g" + outer
    kernel = at.reshape(kernel, [sizes[letter] for letter in weights])
    y = at.emit(tensor.ContractOp.of(view, kernel, spec=f"{inputs},{weights}->{outputs}"))
    return _bias(at, at.reshape(y, shape_of(op.result.type)), op.bias, CHANNEL[data_format])


def _dense(at: Lowering, op: graph.DenseOp) -> SSAValue:
    rows = identity(len(shape_of(op.x.type)) - 1).replace("k", "z").replace("u", "y")
    y = at.emit(tensor.ContractOp.of(op.x, op.kernel, spec=f"{rows}k,ku->{rows}u"))
    return _bias(at, y, op.bias, -1)


def _batch_norm(at: Lowering, op: graph.BatchNormOp) -> SSAValue:
    shape, epsilon = shape_of(op.x.type), op.literal("epsilon")
    letters = identity(len(shape))
    channel = letters[normalize_axis(op.literal("axis"), len(shape))]

    def body(b: ScalarBuilder, x: SSAValue, gamma: SSAValue, beta: SSAValue, mean: SSAValue, var: SSAValue) -> SSAValue:
        scale = b.call("mul", gamma, b.call("rsqrt", b.call("add", var, epsilon)))
        return b.call("add", b.call("mul", b.call("sub", x, mean), scale), beta)

    spec = f"{letters},{channel},{channel},{channel},{channel}->{letters}"
    return at.map(spec, [op.x, op.gamma, op.beta, op.mean, op.variance], shape, body)


def _max_pool(at: Lowering, op: graph.MaxPoolOp) -> SSAValue:
    view = at.windows(op, op.x, op.literal("window"), float("-inf"))
    return _reduce_windows(at, "maximum", view, op.literal("data_format"))


def _reduce_windows(at: Lowering, kind: str, view: SSAValue, data_format: str) -> SSAValue:
    return at.emit(tensor.ReduceOp.of(view, kind=kind, dims=(3, 4) if data_format == "NHWC" else (4, 5)))


def _average_pool(at: Lowering, op: graph.AveragePoolOp) -> SSAValue:
    data_format, window = op.literal("data_format"), op.literal("window")
    total = _reduce_windows(at, "add", at.windows(op, op.x, window, 0.0), data_format)
    shape = shape_of(total.type)
    letters = identity(4)
    if not any(op.literal("pads")) or op.literal("count_include_pad"):
        scale = 1.0 / (window[0] * window[1])
        return at.map(f"{letters}->{letters}", [total], shape, lambda b, x: b.call("mul", x, scale))
    # How many places of each window are real depends on the position alone: ones are pooled too.
    axes = SPATIAL[data_format]
    ones_shape = [shape_of(op.x.type)[axis] if axis in axes else 1 for axis in range(4)]

    def pooled_ones(inner: Lowering) -> SSAValue:
        ones = inner.emit(tensor.FillOp.of(result=tensor_type(ones_shape, element_of(op.x.type)), value=1.0))
        return _reduce_windows(inner, "add", inner.windows(op, ones, window, 0.0), data_format)

    symbolic = any(isinstance(size, Dim) for size in ones_shape)
    count = pooled_ones(at) if symbolic else at.known("average_pool.counts", pooled_ones)
    places = "".join(letters[axis] if axis in axes else ONE for axis in range(4))
    return at.binary("div", total, count, f"{letters},{places}->{letters}", shape)


def _reduce(at: Lowering, op: graph.ReduceOp) -> SSAValue:
    shape = shape_of(op.x.type)
    axes = tuple(sorted(normalize_axis(axis, len(shape)) for axis in op.literal("axes")))
    if not axes:
        return op.x
    kind = {"sum": "add", "mean": "add"}.get(op.literal("kind"), op.literal("kind"))
    y = at.emit(tensor.ReduceOp.of(op.x, kind=kind, dims=axes))
    if op.literal("kind") == "mean":
        count = 1
        for axis in axes:
            size = shape[axis]
            if isinstance(size, Dim):
                raise _unsupported(op, f"a mean over the symbolic size {size} is not compiled yet")
            count *= size
        letters = identity(len(shape) - len(axes))
        y = at.map(f"{letters}->{letters}", [y], shape_of(y.type), lambda b, x: b.call("mul", x, 1.0 / count))
    return at.reshape(y, shape_of(op.result.type))


def _shifted(at: Lowering, x: SSAValue, axis: int) -> tuple[SSAValue, str, str]:
    """x - max(x) along an axis, with the subscripts of x and of a value that the axis was reduced from."""
    letters = identity(len(shape_of(x.type)))
    kept = letters.replace(letters[axis], "")
    largest = at.emit(tensor.ReduceOp.of(x, kind="maximum", dims=(axis,)))
    return at.binary("sub", x, largest, f"{letters},{kept}->{letters}", shape_of(x.type)), letters, kept


def _softmax(at: Lowering, op: graph.SoftmaxOp | graph.LogSoftmaxOp) -> SSAValue:
    shape = shape_of(op.x.type)
    axis = normalize_axis(op.literal("axis"), len(shape))
    shifted, letters, kept = _shifted(at, op.x, axis)
    exponential = at.unary("exp", shifted)
    total = at.emit(tensor.ReduceOp.of(exponential, kind="add", dims=(axis,)))
    spec = f"{letters},{kept}->{letters}"
    if isinstance(op, graph.SoftmaxOp):
        return at.binary("div", exponential, total, spec, shape)
    return at.binary("sub", shifted, at.unary("log", total), spec, shape)


def _binary(at: Lowering, op: graph.BinaryOp) -> SSAValue:
    result = shape_of(op.result.type)
    words = []
    for operand in (op.lhs, op.rhs):
        shape = shape_of(operand.type)
        tail = identity(len(result))[len(result) - len(shape) :]
        own = result[len(result) - len(shape) :]
        words.append("".join(c if a == b else ONE for c, a, b in zip(tail, shape, own, strict=True)))
    spec = f"{words[0]},{words[1]}->{identity(len(result))}"
    return at.binary(BINARY_FUNCTIONS[type(op)], op.lhs, op.rhs, spec, result)


def _prelu(at: Lowering, op: graph.PreluOp) -> SSAValue:
    shape, alpha = shape_of(op.x.type), shape_of(op.alpha.type)
    letters = identity(len(shape))
    tail, own = letters[len(shape) - len(alpha) :], shape[len(shape) - len(alpha) :]
    word = "".join(c if a == b else ONE for c, a, b in zip(tail, alpha, own, strict=True))
    return at.map(f"{letters},{word}->{letters}", [op.x, op.alpha], shape, leaky)


def _unary(at: Lowering, op: Operation) -> SSAValue:
    x = op.operands[0]
    letters = identity(len(shape_of(x.type)))
    activation = ACTIVATIONS[type(op)]
    return at.map(f"{letters}->{letters}", [x], shape_of(x.type), lambda b, value: activation(b, value, op))


def _constant(at: Lowering, op: graph.ConstantOp) -> SSAValue:
    return at.emit(tensor.FillOp.of(result=op.result.type, value=op.properties["value"]))


Conversion = Callable[[Lowering, OpT], SSAValue]

CONVERSIONS: dict[type[Operation], Callable[..., SSAValue]] = {
    graph.ConvOp: _conv,
    graph.DenseOp: _dense,
    graph.BatchNormOp: _batch_norm,
    graph.MaxPoolOp: _max_pool,
    graph.AveragePoolOp: _average_pool,
    graph.ReduceOp: _reduce,
    graph.SoftmaxOp: _softmax,
    graph.LogSoftmaxOp: _softmax,
    graph.PreluOp: _prelu,
    graph.ConstantOp: _constant,
    graph.ReshapeOp: lambda at, op: at.reshape(op.x, shape_of(op.result.type)),
    graph.TransposeOp: lambda at, op: at.emit(tensor.TransposeOp.of(op.x, perm=op.literal("perm"))),
    **dict.fromkeys(BINARY_FUNCTIONS, _binary),
    **dict.fromkeys(ACTIVATIONS, _unary),
}
"""How each op of the graph level is written in loops."""

KEPT = (graph.GetWeightOp, graph.ReturnOp)
"""Ops that both levels share."""


def _unsupported(op: Operation, reason: str) -> NeuralcError:
    return NeuralcError([Diagnostic("E0701", f"{op.name}: {reason}", span_of(op.location))])


@dataclass(frozen=True)
class GraphToTensorPass(ModulePass):
    """Rewrites every graph.model and the regions of derived weights stay as they are: they run at compile time."""

    name = "graph-to-tensor"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        model = graph.the_model(module)
        ops = [op for op in model.block.ops if not isinstance(op, KEPT)]
        unknown = [op for op in ops if op.name.startswith("graph.") and type(op) not in CONVERSIONS]
        if unknown:
            problems = [f"{op.name} has no form in loops; which pass should have removed it?" for op in unknown]
            raise NeuralcError(
                [Diagnostic("E0701", text, span_of(op.location)) for text, op in zip(problems, unknown, strict=True)]
            )
        for op in ops:
            if not op.name.startswith("graph."):
                continue
            result = CONVERSIONS[type(op)](Lowering(op), op)
            _check_type(op, result.type)
            if result.name_hint is None:
                result.name_hint = op.results[0].name_hint
            op.results[0].replace_all_uses_with(result)
            Rewriter.erase_op(op)
            context.count(op.name)


def _check_type(op: Operation, found: Attribute) -> None:
    if found != op.results[0].type:
        expected, got = format_shape(shape_of(op.results[0].type)), format_shape(shape_of(as_tensor(found)))
        raise RuntimeError(f"{op.name} was lowered to shape {got}, its result is {expected}")
