"""Reads what a `Lambda` computes: the text within a string of a model to a tree whose nodes know their places.

    "x, y: where(x > y, x, 0)"  ->  Function((x, y), Call(Name("where"), (Comparison(..), Name("x"), Literal(0)), {}))

Nothing of it is ever handed to Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lark import Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from neuralc.grammar.diagnostics import NeuralcError, Span, error
from neuralc.grammar.tables import expression_parser

DEEPEST = 100
"""How deep the parts of an expression nest. What walks over them recurses, so it needs a bound."""


@dataclass(frozen=True)
class Literal:
    """A number or a string; names such as `True` and `None` are names."""

    value: int | float | str
    span: Span


@dataclass(frozen=True)
class Name:
    value: str
    span: Span


@dataclass(frozen=True)
class Tuple:
    """`(a, b)`, or `[a, b]`, which means the same."""

    items: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True)
class Operation:
    """An operator and its one or two operands: `-x`, `not x`, `x ** 2`."""

    operator: str
    operands: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True)
class Comparison:
    """`0 < x <= 1`: each operand is compared with the next one."""

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Conditional:
    """`on if condition else off`."""

    condition: Expression
    on: Expression
    off: Expression
    span: Span


@dataclass(frozen=True)
class Attribute:
    """`x.shape`."""

    value: Expression
    name: str
    span: Span


@dataclass(frozen=True)
class Call:
    function: Expression
    positional: tuple[Expression, ...]
    named: Mapping[str, Expression]
    span: Span


@dataclass(frozen=True)
class Slice:
    start: Expression | None
    stop: Expression | None
    step: Expression | None
    span: Span


@dataclass(frozen=True)
class Ellipsis:
    span: Span


@dataclass(frozen=True)
class Subscript:
    """`x[:, 0, ..., None]`."""

    value: Expression
    items: tuple[Expression | Slice | Ellipsis, ...]
    span: Span


Expression: TypeAlias = Literal | Name | Tuple | Operation | Comparison | Conditional | Attribute | Call | Subscript


@dataclass(frozen=True)
class Function:
    """The whole: parameters and the value of the body."""

    parameters: tuple[Name, ...]
    body: Expression
    span: Span


def parse_expression(text: str, place: Span) -> Function:
    """The tree of a text; `place` is the value it was read from. Raises NeuralcError E0114.

    Where the text is the string that stands there, the nodes have their own places in the model; a text that came in
    another way, through the parameter of a macro, is all at that place.
    """
    reader = _Reader(text, place)
    try:
        parsed = expression_parser().parse(text)
    except UnexpectedInput as failure:
        raise reader.problem(failure) from None
    return reader.function(parsed)


@dataclass
class _Reader:
    text: str
    place: Span
    depth: int = field(default=0)

    # --- places ------------------------------------------------------------------------------------------------------
    def span(self, start: int, end: int) -> Span:
        if self.place.text[1:-1] != self.text:
            return self.place
        return Span(self.place.source, self.place.start + 1 + start, self.place.start + 1 + end)

    def _of(self, node: Any) -> Span:
        if isinstance(node, Token):
            return self.span(node.start_pos or 0, node.end_pos or len(self.text))
        return self.span(node.meta.start_pos, node.meta.end_pos)

    # --- nodes -------------------------------------------------------------------------------------------------------
    def function(self, node: Tree[Token]) -> Function:
        names, body = node.children
        if not isinstance(names, Tree) or not isinstance(body, Tree):
            raise TypeError("a function has parameters and a body")
        parameters = tuple(Name(str(token), self._of(token)) for token in names.children)
        seen: set[str] = set()
        for parameter in parameters:
            if parameter.value in seen:
                raise error("E0114", f"two parameters are called `{parameter.value}`", parameter.span)
            seen.add(parameter.value)
        return Function(parameters, self.expression(body), self.span(0, len(self.text)))

    def expression(self, node: Any) -> Expression:
        self.depth += 1
        if self.depth > DEEPEST:
            raise error("E0114", f"parts of this expression nest more than {DEEPEST} deep", self._of(node))
        made = self._made(node, self._of(node))
        self.depth -= 1
        return made

    def _made(self, node: Any, span: Span) -> Expression:
        parts = node.children
        match node.data:
            case "name":
                return Name(str(parts[0]), span)
            case "whole":
                return Literal(int(parts[0]), span)
            case "real":
                return Literal(float(parts[0]), span)
            case "text":
                return Literal(str(parts[0])[1:-1], span)
            case "tuple":
                return Tuple(tuple(self.expression(part) for part in parts), span)
            case "conditional":
                on, condition, off = (self.expression(part) for part in parts)
                return Conditional(condition, on, off, span)
            case "comparison":
                operands = tuple(self.expression(part) for part in parts[::2])
                return Comparison(operands, tuple(str(part) for part in parts[1::2]), span)
            case "attribute":
                return Attribute(self.expression(parts[0]), str(parts[1]), span)
            case "call":
                return self._call(self.expression(parts[0]), parts[1], span)
            case "subscript":
                return Subscript(self.expression(parts[0]), tuple(self._index(part) for part in parts[1:]), span)
            case _:
                return self._operation(node.data, parts, span)

    def _operation(self, kind: str, parts: Any, span: Span) -> Operation:
        if kind == "binary":
            return Operation(str(parts[1]), (self.expression(parts[0]), self.expression(parts[2])), span)
        if kind == "unary":
            return Operation(str(parts[0]), (self.expression(parts[1]),), span)
        word = {"any": "or", "all": "and", "not_": "not"}[kind]
        operands = tuple(self.expression(part) for part in parts)
        return Operation(word, operands, span)

    def _call(self, function: Expression, arguments: Any, span: Span) -> Call:
        positional: list[Expression] = []
        named: dict[str, Expression] = {}
        for argument in [] if arguments is None else arguments.children:
            if argument.data != "named":
                if named:
                    raise error("E0114", "arguments without a name come first", self._of(argument))
                positional.append(self.expression(argument))
                continue
            name, value = argument.children
            if str(name) in named:
                raise error("E0114", f"`{name}` is given twice", self._of(argument))
            named[str(name)] = self.expression(value)
        return Call(function, tuple(positional), named, span)

    def _index(self, node: Any) -> Expression | Slice | Ellipsis:
        if node.data == "ellipsis":
            return Ellipsis(self._of(node))
        if node.data != "slice":
            return self.expression(node)
        start, stop, step = ([*node.children, None, None])[:3]
        parts = [None if part is None else self.expression(part) for part in (start, stop, step)]
        return Slice(parts[0], parts[1], parts[2], self._of(node) if len(node.children) else self.place)

    # --- what is not written right -----------------------------------------------------------------------------------
    def problem(self, failure: UnexpectedInput) -> NeuralcError:
        if isinstance(failure, UnexpectedCharacters):
            start = failure.pos_in_stream or 0
            return error(
                "E0114", f"`{self.text[start]}` does not belong into an expression", self.span(start, start + 1)
            )
        if not isinstance(failure, UnexpectedToken) or failure.token.type == "$END":
            end = len(self.text)
            return error("E0114", "the expression ends too early", self.span(end, end + 1), help=_hint(self.text))
        return error("E0114", f"`{failure.token}` is not expected here", self._of(failure.token), help=_hint(self.text))


def _hint(text: str) -> str | None:
    return None if ":" in text else "an expression starts with the names of its values: `x: x * 2`"
