"""Helper functions without what a file does not need of them: options that no call gives, defaults that all calls give.

def lstm(params, x, mask=None, *, initial=None, tanh=jnp.tanh):      def lstm(params, x, mask):
    ... walk(cell, initial or zeros, x, mask)                  ->        ... walk(cell, zeros, x, mask)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from neuralc.emit.python.layout import laid_out
from neuralc.emit.python.writer import WIDTH, Writer


@dataclass(frozen=True)
class _Parameter:
    """A parameter with a default: the place of one that may be given by position."""

    argument: ast.arg
    default: ast.expr
    place: int | None

    def is_given(self, call: ast.Call) -> bool:
        by_place = self.place is not None and len(call.args) > self.place
        return by_place or _spreads(call) or any(each.arg == self.argument.arg for each in call.keywords)


def _spreads(call: ast.Call) -> bool:
    """Whether a call gives what only its run says."""
    return any(isinstance(each, ast.Starred) for each in call.args) or any(each.arg is None for each in call.keywords)


def trimmed(text: str, calls: str) -> str:
    """The text of a function as the calls in another text need it."""
    (function,) = ast.parse(text).body
    if not isinstance(function, ast.FunctionDef):
        return text
    found = [
        node
        for node in ast.walk(ast.parse(calls))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function.name
    ]
    body = _Body(text, function)
    parameters = [*_with_defaults(function)]
    dropped = {each for each in parameters if body.can_drop(each) and not any(map(each.is_given, found))}
    needed = {each for each in parameters if all(each.is_given(call) and not _spreads(call) for call in found)}
    if not found or not (dropped or needed):
        return text
    writer = Writer()
    returns = _source(text, function.returns)
    writer.definition(function.name, _signature(text, function, dropped, needed), returns)
    given = {each.argument.arg for each in needed if _source(text, each.default) == "None"}
    writer.lines([*body.lines({each.argument.arg: _source(text, each.default) for each in dropped}, given)])
    return writer.text.rstrip("\n")


def _source(text: str, node: ast.AST | None) -> str:
    return "" if node is None else ast.get_source_segment(text, node) or ""


def _with_defaults(function: ast.FunctionDef) -> Iterator[_Parameter]:
    given, defaults = function.args.args, function.args.defaults
    for place, default in enumerate(defaults, start=len(given) - len(defaults)):
        yield _Parameter(given[place], default, place)
    for argument, own in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if own is not None:
            yield _Parameter(argument, own, None)


def _signature(
    text: str, function: ast.FunctionDef, dropped: Collection[_Parameter], needed: Collection[_Parameter]
) -> list[str]:
    """The parameters that are left; one that all calls give has no default, unless one before it has."""
    optional = {each.argument: each for each in _with_defaults(function)}
    by_place: list[str] = []
    by_name: list[str] = []
    for argument in (*function.args.args, *function.args.kwonlyargs):
        own, type_ = optional.get(argument), _source(text, argument.annotation)
        if own in dropped:
            continue
        listed = by_place if argument in function.args.args else by_name
        follows = listed is by_place and any("=" in written for written in by_place)
        if own is None or (own in needed and not follows):
            is_none = own is not None and _source(text, own.default) == "None"
            listed.append(f"{argument.arg}: {type_.removesuffix(' | None') if is_none else type_}")
        else:
            listed.append(f"{argument.arg}: {type_} = {_source(text, own.default)}")
    return [*by_place, *(["*", *by_name] if by_name else [])]


class _Body:
    """The lines of a function below its parameters."""

    def __init__(self, text: str, function: ast.FunctionDef) -> None:
        self._text = text
        self._function = function
        inner = [node for statement in function.body for node in ast.walk(statement)]
        self._statements = [node for node in inner if isinstance(node, ast.Assign | ast.Return)]
        self._hidden = {node.arg for node in inner if isinstance(node, ast.arg)}
        self._read = [node.id for node in inner if isinstance(node, ast.Name)]

    def can_drop(self, parameter: _Parameter) -> bool:
        """Whether a parameter is only read by statements that can be written anew."""
        name = parameter.argument.arg
        read = [node for each in self._statements for node in ast.walk(each) if _is_read(node, name)]
        return name not in self._hidden and len(read) == self._read.count(name)

    def lines(self, values: Mapping[str, str], given: Collection[str]) -> Iterator[str]:
        """The lines with the values of parameters that are dropped; `given` are those that are never None."""
        lines, place = self._text.splitlines(), self._function.body[0].lineno
        reads = {each: [*self._reads(each, values, given)] for each in self._statements}
        changed = {each.lineno: each for each in self._statements if reads[each]}
        while place <= len(lines):
            if (statement := changed.get(place)) is None:
                yield lines[place - 1]
            else:
                yield from self._rewritten(statement, reads[statement])
            place = place + 1 if statement is None else (statement.end_lineno or place) + 1

    def _reads(
        self, statement: ast.stmt, values: Mapping[str, str], given: Collection[str]
    ) -> Iterator[tuple[ast.expr, str]]:
        """What is replaced: a parameter, or `parameter or other` for one that is always or never None."""
        inside: list[ast.expr] = []
        for node in ast.walk(statement):
            match node:
                case ast.BoolOp(op=ast.Or(), values=[ast.Name(id=name) as first, other]) if values.get(name) == "None":
                    inside.append(first)
                    yield node, _source(self._text, other)
                case ast.BoolOp(op=ast.Or(), values=[ast.Name(id=name), _]) if name in given:
                    yield node, name
                case ast.Name(id=name) if name in values and node not in inside:
                    yield node, values[name]

    def _rewritten(self, statement: ast.stmt, reads: Sequence[tuple[ast.expr, str]]) -> Iterator[str]:
        """The lines of a statement, laid out anew."""
        starts = [0]
        for line in self._text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        segment, begin = _source(self._text, statement), starts[statement.lineno - 1] + statement.col_offset
        for node, value in sorted(reads, key=lambda read: (-read[0].lineno, -read[0].col_offset)):
            start = starts[node.lineno - 1] + node.col_offset - begin
            end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0) - begin
            segment = segment[:start] + value + segment[end:]
        joined = re.sub(r",? *\n *(?=[)\]}])|(?<=[(\[{])\n *", "", segment)
        padding = " " * statement.col_offset
        for line in laid_out(re.sub(r"\n *", " ", joined), WIDTH - statement.col_offset):
            yield padding + line


def _is_read(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
