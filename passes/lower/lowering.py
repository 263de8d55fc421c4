"""What the conversions of layers write with: a cursor on the tensor level, in terms of the layer that is lowered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from xdsl.dialects.builtin import ModuleOp, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph, tensor
from neuralc.dialects.control import Control
from neuralc.dialects.dims import Dim
from neuralc.dialects.tensor.compute import region_types
from neuralc.dialects.tensor.subscripts import ONE, Subscripts, identity
from neuralc.dialects.types import Shape, as_tensor, element_of, shape_of, tensor_type
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError
from neuralc.passes.locations import inherit_location, span_of
from neuralc.passes.lower.scalar_functions import ScalarBuilder

OpT = TypeVar("OpT", bound=Operation)

Conversion = Callable[..., SSAValue | Sequence[SSAValue]]
"""`f(at, op)` writes the loops of an op and gives its result, or its results."""


@dataclass(frozen=True)
class Lowering:
    """Where the loops of one layer are written: before it, or at the end of a block."""

    op: Operation
    block: Block | None = None

    def emit(self, new: OpT) -> SSAValue:
        self.insert(new)
        return new.results[0]

    def insert(self, new: Operation) -> None:
        inherit_location(new, self.op.location)
        at = InsertPoint.before(self.op) if self.block is None else InsertPoint.at_end(self.block)
        Rewriter.insert_op(new, at)

    def known(self, name: str, body: Callable[[Lowering], SSAValue]) -> SSAValue:
        """A value that depends on nothing: a weight that is computed once, when the model is compiled."""
        block = Block()
        return self._derived(name, (), block, body(Lowering(self.op, block)))

    def prepared(self, x: SSAValue, name: str, body: Callable[[Lowering, SSAValue], SSAValue]) -> SSAValue:
        """What `body` makes of a value: once, when the model is compiled, if it is a weight; in each run otherwise."""
        if not isinstance(x.owner, graph.GetWeightOp):
            return body(self, x)
        block = Block(arg_types=[x.type])
        source = x.owner.weight_name
        return self._derived(f"{source}.{name}", (source,), block, body(Lowering(self.op, block), block.args[0]))

    def _derived(self, name: str, sources: Sequence[str], block: Block, value: SSAValue) -> SSAValue:
        """Declare a weight that a block computes, and read it."""
        block.add_op(graph.ReturnOp([value]))
        model = self.op.parent_op()
        while isinstance(model, Control):
            model = model.parent_op()
        if not isinstance(model, graph.ModelOp) or not isinstance(module := model.parent_op(), ModuleOp):
            raise TypeError(f"{self.op.name} is lowered inside a model")
        taken = graph.symbols(module)
        symbol = next(n for i in range(len(taken) + 1) if (n := f"{name}_{i}" if i else name) not in taken)
        weight = graph.WeightOp(symbol, as_tensor(value.type), sources=sources, body=Region(block))
        inherit_location(weight, self.op.location)
        Rewriter.insert_op(weight, InsertPoint.before(model))
        return self.emit(graph.GetWeightOp(symbol, as_tensor(value.type)))

    def map(self, spec: str, args: Sequence[SSAValue], shape: Shape, body: Callable[..., SSAValue]) -> SSAValue:
        """A map whose region is what `body(builder, *values)` builds."""
        builder = ScalarBuilder(region_types(Subscripts.parse(spec, len(args)), args))
        value = body(builder, *builder.args)
        region = builder.finish(value)
        return self.emit(tensor.MapOp(spec, args, tensor_type(shape, value.type), region))

    def positions(self, count: int | Dim) -> SSAValue:
        """0, 1, .. as i64."""
        return self.map("->i", [], (count,), lambda b: b.position("i", i64))

    def unary(self, function: str, x: SSAValue) -> SSAValue:
        letters = identity(len(shape_of(x.type)))
        return self.map(f"{letters}->{letters}", [x], shape_of(x.type), lambda b, v: b.call(function, v))

    def binary(self, function: str, lhs: SSAValue, rhs: SSAValue, spec: str, shape: Shape) -> SSAValue:
        return self.map(spec, [lhs, rhs], shape, lambda b, x, y: b.call(function, x, y))

    def reshape(self, x: SSAValue, shape: Sequence[int | Dim]) -> SSAValue:
        type_ = tensor_type(shape, element_of(x.type))
        return x if x.type == type_ else self.emit(tensor.ReshapeOp.of(x, result=type_))

    def cast(self, x: SSAValue, element_type: Attribute) -> SSAValue:
        """The value in another element type, as the scalar function `convert` has it."""
        if element_of(x.type) == element_type:
            return x
        letters = identity(len(shape_of(x.type)))
        return self.map(f"{letters}->{letters}", [x], shape_of(x.type), lambda b, v: b.convert(v, element_type))

    def transpose(self, x: SSAValue, perm: Sequence[int]) -> SSAValue:
        return x if list(perm) == sorted(perm) else self.emit(tensor.TransposeOp.of(x, perm=tuple(perm)))


def broadcast_word(shape: Shape, result: Shape) -> str:
    """The subscripts of an operand that numpy would broadcast to `result`."""
    tail = identity(len(result))[len(result) - len(shape) :]
    own = result[len(result) - len(shape) :]
    return "".join(c if a == b else ONE for c, a, b in zip(tail, shape, own, strict=True))


def unsupported(op: Operation, reason: str) -> NeuralcError:
    """E0701 at the place of an op that has no loops."""
    return NeuralcError([Diagnostic("E0701", f"{op.name}: {reason}", span_of(op.location))])
