"""Index values while a kernel is written: a part known only at run time plus a constant that folds into addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from neuralc.dialects.dims import Dim, Function
from neuralc.emit.llvm.instructions import intrinsic
from neuralc.emit.llvm.types import I64, Value


@dataclass(frozen=True)
class IndexValue:
    """`value + constant`. `nonnegative` is what is known of the sum; masks need no lower bound then."""

    value: Value | None
    constant: int = 0
    nonnegative: bool = False

    @staticmethod
    def of(constant: int) -> IndexValue:
        return IndexValue(None, constant, constant >= 0)

    @property
    def is_constant(self) -> bool:
        return self.value is None


ZERO = IndexValue.of(0)


class IndexArithmetic:
    """Arithmetic on index values; what is constant costs no instruction."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def materialize(self, index: IndexValue) -> Value:
        """The i64 of an index value."""
        if index.value is None:
            return ir.Constant(I64, index.constant)
        if index.constant == 0:
            return index.value
        return self.builder.add(index.value, ir.Constant(I64, index.constant), flags=["nsw"])

    def add(self, a: IndexValue, b: IndexValue) -> IndexValue:
        nonnegative = a.nonnegative and b.nonnegative
        if a.value is None or b.value is None:
            value = a.value if b.value is None else b.value
        else:
            value = self.builder.add(a.value, b.value, flags=["nsw"])
        return IndexValue(value, a.constant + b.constant, nonnegative)

    def subtract(self, a: IndexValue, b: IndexValue) -> IndexValue:
        if b.value is None:
            constant = a.constant - b.constant
            return IndexValue(a.value, constant, a.value is None and constant >= 0)
        left = a.value if a.value is not None else ir.Constant(I64, 0)
        return IndexValue(self.builder.sub(left, b.value, flags=["nsw"]), a.constant - b.constant)

    def multiply(self, a: IndexValue, b: IndexValue) -> IndexValue:
        if a.value is None:
            a, b = b, a
        nonnegative = a.nonnegative and b.nonnegative
        if b.value is not None:
            product = self.builder.mul(self.materialize(a), self.materialize(b), flags=["nsw"])
            return IndexValue(product, 0, nonnegative)
        if a.value is None or b.constant == 0:
            return IndexValue.of(a.constant * b.constant if a.value is None else 0)
        if b.constant == 1:
            return a
        scaled = self.builder.mul(a.value, ir.Constant(I64, b.constant), flags=["nsw"])
        return IndexValue(scaled, a.constant * b.constant, nonnegative)

    def divide(self, a: IndexValue, b: IndexValue) -> IndexValue:
        """Of non-negative values; a divisor is a size, and a size of a running kernel is at least 1."""
        if a.value is None and b.value is None:
            return IndexValue.of(a.constant // b.constant)
        if b.value is None and b.constant == 1:
            return a
        return IndexValue(self.builder.udiv(self.materialize(a), self.materialize(b)), 0, True)

    def remainder(self, a: IndexValue, b: IndexValue) -> IndexValue:
        if a.value is None and b.value is None:
            return IndexValue.of(a.constant % b.constant)
        if b.value is None and b.constant == 1:
            return ZERO
        return IndexValue(self.builder.urem(self.materialize(a), self.materialize(b)), 0, True)

    def ceil_divide(self, a: IndexValue, b: IndexValue) -> IndexValue:
        return self.divide(self.add(a, self.subtract(b, IndexValue.of(1))), b)

    def extreme(self, name: str, a: IndexValue, b: IndexValue) -> IndexValue:
        """`name` is smin, smax, umin or umax."""
        smaller = name.endswith("min")
        if a.value is None and b.value is None:
            return IndexValue.of(min(a.constant, b.constant) if smaller else max(a.constant, b.constant))
        either = a.nonnegative or b.nonnegative
        both = a.nonnegative and b.nonnegative
        nonnegative = both or (either and name in ("smax", "umin"))
        value = intrinsic(self.builder, name, [self.materialize(a), self.materialize(b)], I64, [I64])
        return IndexValue(value, 0, nonnegative)

    def dim(self, dim: int | Dim, symbols: Callable[[str], IndexValue]) -> IndexValue:
        """The value of a dim expression."""
        if isinstance(dim, int):
            return IndexValue.of(dim)
        total = ZERO
        for monomial, coefficient in dim.terms:
            term = IndexValue.of(coefficient)
            for atom in monomial:
                factor = self._function(atom, symbols) if isinstance(atom, Function) else symbols(atom.name)
                term = self.multiply(term, factor)
            total = self.add(total, term)
        # Sizes and strides are never below zero, whatever the signs of the terms.
        return IndexValue(total.value, total.constant, total.value is not None or total.constant >= 0)

    def _function(self, atom: Function, symbols: Callable[[str], IndexValue]) -> IndexValue:
        lhs, rhs = self.dim(atom.lhs, symbols), self.dim(atom.rhs, symbols)
        match atom.name:
            case "floordiv":
                return self.divide(lhs, rhs)
            case "ceildiv":
                return self.ceil_divide(lhs, rhs)
            case "mod":
                return self.remainder(lhs, rhs)
            case "min":
                return self.extreme("smin", lhs, rhs)
            case "max":
                return self.extreme("smax", lhs, rhs)
