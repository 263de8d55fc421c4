"""The `input:` clause: names, sizes, element types, and what `where` says about the sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, Span, listed, warning
from neuralc.grammar.parameters import Unfit, Whole
from neuralc.grammar.program import ProgramInput, SizeDeclaration
from neuralc.grammar.values import Chooser, Report, Scope, Word, describe, evaluate, is_broken, plain

ELEMENTS = {"float": "float32", "double": "float64", "half": "float16"}
BATCH = "batch"
RESERVED = {"min", "max", "mod", "floordiv", "ceildiv"}
"""Words of size expressions."""
MAX_SIZES = 100
"""Most sizes with names. Far beyond any model; finding out what is equal takes time that grows faster than they do."""
MAX_CONSTRAINTS = 32
"""Most constraints that are more than a bound of one name."""
FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "=="}


@dataclass
class Inputs:
    """Collects the inputs and named sizes of one network."""

    report: Report
    scope: Scope
    searches: Chooser | None = None
    sizes: dict[str, SizeDeclaration] = field(default_factory=dict)
    constraints: list[t.Constraint] = field(default_factory=list)

    def read(self, clause: t.InputClause) -> tuple[ProgramInput, ...]:
        """The inputs that are right; what is wrong was reported."""
        self.sizes[BATCH] = SizeDeclaration(BATCH, "implied batch")
        found: list[ProgramInput] = []
        taken: set[str] = set()
        for index, written in enumerate(clause.inputs):
            name = _name(written, index, len(clause.inputs))
            if name in taken:
                message = f"two inputs are named `{name}`"
                self.report(Diagnostic("E0208", message, written.span, (), "choose another name"))
                continue
            one = self._input(name, written)
            if one is not None:
                found.append(one)
                taken.add(name)
        if found and not any(BATCH in port.shape for port in found):
            del self.sizes[BATCH]
        for constraint in clause.constraints:
            self._constraint(constraint)
        if len(self.constraints) > MAX_CONSTRAINTS:
            message = f"`where` has {len(self.constraints)} equations and remainders, the most is {MAX_CONSTRAINTS}"
            self.report(Diagnostic("E0407", message, clause.span))
            self.constraints.clear()
        return tuple(found)

    def _input(self, name: str, written: t.Input) -> ProgramInput | None:
        dims: Sequence[t.Value] = written.shape.items
        batch, batched = None, written.shape.brackets == "()"
        if batched and dims and _is_batch(dims[0]):
            batch, dims = dims[0].span, dims[1:]
            if self.sizes[BATCH].origin == "implied batch":
                self.sizes[BATCH] = replace(self.sizes[BATCH], origin=str(batch))
        sizes = [self._size(name, axis, dim) for axis, dim in enumerate(dims, 1 if batched else 0)]
        if any(size is None for size in sizes):
            return None
        element = "float32"
        if written.dtype is not None:
            element = ELEMENTS.get(written.dtype.value, written.dtype.value)
        known = tuple(size for size in sizes if size is not None)
        return ProgramInput(name, known, element, written.span, batch, batched)

    def _size(self, port: str, axis: int, dim: t.Value) -> int | str | None:
        value = plain(evaluate(dim, self.scope, self.report, self.searches))
        if is_broken(value):
            return None
        if value is None:
            return self._named(f"{port}_dim{axis}", dim.span)
        if isinstance(value, Word):
            if value.text in RESERVED:
                message = f"`{value.text}` is a word of size expressions"
                self.report(Diagnostic("E0402", message, dim.span, (), "choose another name for the size"))
                return None
            return self._named(value.text, dim.span)
        try:
            converted = Whole(1).convert(value)
            if converted.warning is not None:
                self.report(warning("W0301", f"a size of the input shape: {converted.warning}", dim.span))
            return int(converted.value)
        except Unfit as unfit:
            self.report(replace(unfit.diagnostic("a size of the input shape", dim.span), code="E0402"))
            return None

    def _named(self, name: str, place: Span) -> str | None:
        if len(self.sizes) > MAX_SIZES and name not in self.sizes:
            self.report(Diagnostic("E0402", f"`{name}` is one name too many: {MAX_SIZES} sizes have names", place))
            return None
        self.sizes.setdefault(name, SizeDeclaration(name, str(place)))
        return name

    # --- where -------------------------------------------------------------------------------------------------------
    def _constraint(self, constraint: t.Constraint) -> None:
        """A bound of one name is kept with the name; the rest is for the front end, which can compute with sizes."""
        constraint = replace(constraint, lhs=self._valued(constraint.lhs), rhs=self._valued(constraint.rhs))
        if not all(self._known(side) for side in (constraint.lhs, constraint.rhs)):
            return
        lhs, comparison, rhs = constraint.lhs, constraint.comparison, constraint.rhs
        if isinstance(lhs, t.Number) and isinstance(rhs, t.Name):
            lhs, comparison, rhs = rhs, FLIPPED[comparison], lhs
        if isinstance(lhs, t.Name) and isinstance(rhs, t.Number) and isinstance(rhs.value, int):
            self._bound(lhs.value, comparison, rhs.value, constraint.span)
        else:
            self.constraints.append(constraint)

    def _valued(self, size: t.Size) -> t.Size:
        """With numbers in the place of the network's parameters."""
        match size:
            case t.Arithmetic():
                return replace(size, lhs=self._valued(size.lhs), rhs=self._valued(size.rhs))
            case t.Name() if size.value in self.scope:
                value = plain(self.scope[size.value])
                return t.Number(value, size.span) if isinstance(value, int | float) else size
            case _:
                return size

    def _known(self, size: t.Size) -> bool:
        match size:
            case t.Number():
                if isinstance(size.value, int):
                    return True
                self.report(Diagnostic("E0305", f"a size is a whole number, not {size.value}", size.span))
                return False
            case t.Name():
                if size.value in self.sizes:
                    return True
                known = listed(self.sizes)
                message = f"no input has a size `{size.value}`"
                if size.value in self.scope:
                    message = f"`{size.value}` is {describe(self.scope[size.value])}, a size is a whole number"
                self.report(Diagnostic("E0403", message, size.span, (f"sizes are {known}",)))
                return False
            case t.Arithmetic():
                return all([self._known(size.lhs), self._known(size.rhs)])

    def _bound(self, name: str, comparison: str, value: int, place: Span) -> None:
        size = self.sizes[name]
        low, high = size.minimum, size.maximum
        if comparison in (">", ">=", "=="):
            low = max(low, value + (comparison == ">"))
        if comparison in ("<", "<=", "=="):
            limit = value - (comparison == "<")
            high = limit if high is None else min(high, limit)
        if high is not None and high < low:
            message = f"`{place.text}` leaves `{name}` no size: it would be from {low} to {high}"
            self.report(Diagnostic("E0407", message, place))
            return
        self.sizes[name] = replace(size, minimum=low, maximum=high, origin=f"{size.origin}, {place.text}")


def _name(written: t.Input, index: int, count: int) -> str:
    if written.name is not None:
        return written.name.value
    return "input" if count == 1 else f"input_{index + 1}"


def _is_batch(value: t.Value) -> bool:
    return isinstance(value, t.Name) and value.value.lower() in ("none", BATCH)
