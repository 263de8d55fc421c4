"""Functions of the dims of a run: the shape of an input or output, the bytes of the arena and of the states.

Dims come from the caller and were checked against their bounds; bytes that do not fit into 63 bits are -1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llvmlite import ir

from neuralc.dialects.dims import Dim, Function
from neuralc.emit.llvm.index import IndexArithmetic, IndexValue
from neuralc.emit.llvm.types import I1, I64, POINTER, Value


def load_dims(builder: Any, pointer: Value, names: Sequence[str]) -> dict[str, IndexValue]:
    """The dims of a run by name, from the array that the caller gave."""
    found: dict[str, IndexValue] = {}
    for number, name in enumerate(names):
        place = builder.gep(pointer, [ir.Constant(I64, number)], source_etype=I64)
        found[name] = IndexValue(builder.load(place, name, typ=I64), 0, True)
    return found


def emit_shape(module: Any, name: str, dims: Sequence[str], shape: Sequence[int | Dim]) -> Value:
    """`void name(ptr dims, ptr shape)` writes the sizes of a tensor."""
    function = _function(module, name, ir.VoidType(), ["dims", "shape"])
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    given, result = function.args
    index = IndexArithmetic(builder)
    values = load_dims(builder, given, dims)
    for axis, size in enumerate(shape):
        place = builder.gep(result, [ir.Constant(I64, axis)], source_etype=I64)
        builder.store(index.materialize(index.dim(size, values.__getitem__)), place)
    builder.ret_void()
    return function


def emit_bytes(module: Any, name: str, dims: Sequence[str], size: Dim) -> Value:
    """`i64 name(ptr dims)`."""
    function = _function(module, name, I64, ["dims"])
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    values = load_dims(builder, function.args[0], dims)
    checked = _Checked(builder)
    total = checked.dim(size, {name: value.value for name, value in values.items()})
    negative = builder.icmp_signed("<", total, ir.Constant(I64, 0))
    wrong = builder.or_(checked.overflow, negative)
    builder.ret(builder.select(wrong, ir.Constant(I64, -1), total))
    return function


def _function(module: Any, name: str, result: Any, arguments: Sequence[str]) -> Any:
    function = ir.Function(module, ir.FunctionType(result, [POINTER] * len(arguments)), name)
    function.attributes.add("nounwind")
    for argument, text in zip(function.args, arguments, strict=True):
        argument.name = text
    return function


class _Checked:
    """Arithmetic that remembers whether any step left 64 bits."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder
        self.overflow: Value = ir.Constant(I1, 0)

    def dim(self, dim: Dim, symbols: Mapping[str, Value]) -> Value:
        total: Value = ir.Constant(I64, 0)
        for monomial, coefficient in dim.terms:
            term: Value = ir.Constant(I64, coefficient)
            for atom in monomial:
                factor = self._function(atom, symbols) if isinstance(atom, Function) else symbols[atom.name]
                term = self._step("smul_with_overflow", term, factor)
            total = self._step("sadd_with_overflow", total, term)
        return total

    def _step(self, method: str, lhs: Value, rhs: Value) -> Value:
        both = getattr(self.builder, method)(lhs, rhs)
        self.overflow = self.builder.or_(self.overflow, self.builder.extract_value(both, 1))
        return self.builder.extract_value(both, 0)

    def _function(self, atom: Function, symbols: Mapping[str, Value]) -> Value:
        lhs = self.dim(atom.lhs, symbols)
        rhs = self.dim(atom.rhs, symbols)
        if atom.name in ("floordiv", "ceildiv", "mod"):
            rhs = self._divisor(rhs)
        rule: dict[str, Callable[[Value, Value], Value]] = {
            "floordiv": self.builder.udiv,
            "ceildiv": self._ceil_divide,
            "mod": self.builder.urem,
            "min": lambda a, b: self.builder.select(self.builder.icmp_signed("<", a, b), a, b),
            "max": lambda a, b: self.builder.select(self.builder.icmp_signed(">", a, b), a, b),
        }
        return rule[atom.name](lhs, rhs)

    def _divisor(self, value: Value) -> Value:
        """A divisor of 0 counts as an overflow, and 1 stands for it."""
        zero = self.builder.icmp_signed("==", value, ir.Constant(I64, 0))
        self.overflow = self.builder.or_(self.overflow, zero)
        return self.builder.select(zero, ir.Constant(I64, 1), value)

    def _ceil_divide(self, lhs: Value, rhs: Value) -> Value:
        above = self._step("sadd_with_overflow", lhs, self.builder.sub(rhs, ir.Constant(I64, 1)))
        return self.builder.udiv(above, rhs)
