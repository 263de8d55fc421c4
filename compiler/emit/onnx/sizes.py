"""Symbolic sizes when the model runs: read from the shape of an input where one has them, computed else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.dialects.builtin import i64

from neuralc.dialects.dims import Dim, Function, Symbol, as_dim
from neuralc.dialects.types import Shape
from neuralc.emit.onnx.writer import Writer


class UnknownSize(ValueError):
    """No input of the graph says what the size is; the message is the size."""


@dataclass(frozen=True)
class Sized:
    """A tensor whose shape is known by name: `shape` as the ONNX tensor has it."""

    name: str
    shape: Shape


@dataclass
class Sizes:
    """The sizes of one graph or function, each a vector of one int64 that is computed once."""

    writer: Writer
    inputs: list[Sized]
    _known: dict[Dim, str] = field(default_factory=dict)

    def add(self, name: str, shape: Shape) -> None:
        """Another input that sizes can be read from."""
        self.inputs.append(Sized(name, shape))

    def vector(self, sizes: Sequence[int | Dim]) -> str:
        """An int64 vector of sizes. Raises UnknownSize."""
        runs: list[list[int] | Dim] = []
        for size in sizes:
            if isinstance(size, Dim) and not size.is_static:
                runs.append(size)
            elif runs and isinstance(runs[-1], list):
                runs[-1].append(as_dim(size).value)
            else:
                runs.append([as_dim(size).value])
        if not runs:
            return self._numbers([])
        parts = [self._numbers(run) if isinstance(run, list) else self.one(run) for run in runs]
        return parts[0] if len(parts) == 1 else self._op("Concat", *parts, axis=0)

    def one(self, size: int | Dim) -> str:
        """A vector of one size. Raises UnknownSize."""
        dim = as_dim(size)
        if dim.is_static:
            return self._numbers([dim.value])
        if dim not in self._known:
            label, doc, self.writer.label, self.writer.doc = self.writer.label, self.writer.doc, "", ""
            try:
                self._known[dim] = self._read(dim) or self._computed(dim)
            finally:
                self.writer.label, self.writer.doc = label, doc
        return self._known[dim]

    def _read(self, dim: Dim) -> str | None:
        """The size where a shape has it, as it is or times a number and more."""
        for sized in self.inputs:
            for axis, size in enumerate(sized.shape):
                if size == dim:
                    return self._op("Shape", sized.name, start=axis, end=axis + 1)
        (atom,) = dim.terms[0][0] if len(dim.terms) == 1 and len(dim.terms[0][0]) == 1 else (None,)
        if not isinstance(atom, Symbol) or dim != Dim.symbol(atom.name):
            return None
        for sized in self.inputs:
            for axis, size in enumerate(sized.shape):
                found = size.linear if isinstance(size, Dim) else None
                if found is not None and found[0] == atom.name:
                    _, factor, offset = found
                    whole = self._op("Shape", sized.name, start=axis, end=axis + 1)
                    less = self._op("Sub", whole, self._numbers([offset])) if offset else whole
                    return self._op("Div", less, self._numbers([factor])) if factor != 1 else less
        return None

    def _computed(self, dim: Dim) -> str:
        if len(dim.terms) == 1 and dim.terms[0][1] == 1 and len(dim.terms[0][0]) == 1:
            (atom,) = dim.terms[0][0]
            if isinstance(atom, Symbol):
                raise UnknownSize(atom.name)
            return self._function(atom)
        total: str | None = None
        for monomial, coefficient in dim.terms:
            factors = [self.one(_alone(atom)) for atom in monomial]
            if coefficient != 1 or not factors:
                factors.append(self._numbers([coefficient]))
            term = _folded(factors, lambda a, b: self._op("Mul", a, b))
            total = term if total is None else self._op("Add", total, term)
        assert total is not None, "a size that is not static has terms"
        return total

    def _function(self, atom: Function) -> str:
        lhs, rhs = self.one(atom.lhs), self.one(atom.rhs)
        match atom.name:
            case "min" | "max":
                return self._op(atom.name.capitalize(), lhs, rhs)
            case "mod":
                return self._op("Mod", lhs, rhs)
            case "floordiv":
                return self._floor(lhs, rhs)
            case "ceildiv":
                return self._op("Neg", self._floor(self._op("Neg", lhs), rhs))

    def _floor(self, lhs: str, rhs: str) -> str:
        """The quotient rounded down: Div truncates, and what is divided may be negative."""
        return self._op("Div", self._op("Sub", lhs, self._op("Mod", lhs, rhs)), rhs)

    def _numbers(self, values: Sequence[int]) -> str:
        return self.writer.constant(np.array(values, np.int64))

    def _op(self, operator: str, *inputs: str, **attributes: Any) -> str:
        return self.writer.node(operator, inputs, [i64], **attributes)[0]


def _alone(atom: Symbol | Function) -> Dim:
    return Dim((((atom,), 1),))


def _folded(values: Sequence[str], combine: Callable[[str, str], str]) -> str:
    total, *rest = values
    for value in rest:
        total = combine(total, value)
    return total
