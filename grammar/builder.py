"""From Lark's parse tree to the syntax tree of `grammar/tree.py`. Iterative, so depth costs no Python stack."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, TypeVar, cast

from lark import Token, Tree, v_args
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, Source, Span

Children = list[Any]
Node = TypeVar("Node")


MAX_DIGITS = 40
"""Most digits of a whole number that is looked at."""

MAX_TERMS = 64
"""Most names and numbers in one expression: what computes with sizes takes time that grows faster."""


def _terms(size: t.Size | t.Value | None) -> int:
    """The names and numbers of an expression, as far as they are of interest. Operators stand to the left."""
    count = 1
    while isinstance(size, t.Arithmetic | t.Calculation) and count <= MAX_TERMS + 1:
        count, size = count + 1, size.lhs
    return count


def _of(kind: type[Node], children: Iterable[Any]) -> tuple[Node, ...]:
    return tuple(child for child in children if isinstance(child, kind))


def _first(kind: type[Node], children: Iterable[Any]) -> Node | None:
    return next((child for child in children if isinstance(child, kind)), None)


class _Suffix:
    """Something written after a layer's name, before its kind is settled."""

    def __init__(self, kind: Literal["parentheses", "device", "repeat"], value: Any, span: Span) -> None:
        self.kind, self.value, self.span = kind, value, span


@v_args(meta=True)
class TreeBuilder(Transformer_NonRecursive[Token, t.File]):
    """Builds the nodes; `errors` holds what the grammar lets through and the language forbids."""

    def __init__(self, source: Source, offset: int = 0) -> None:
        """`offset` is where in the source the text starts that was parsed."""
        super().__init__()
        self.source, self.offset = source, offset
        self.errors: list[Diagnostic] = []

    def build(self, parsed: Tree[Token]) -> t.File:
        return self.transform(parsed)

    def build_value(self, parsed: Tree[Token]) -> t.Value:
        """The node of a text parsed from the rule `value`."""
        value: Any = self.transform(parsed)
        return cast(t.Value, value)

    # --- leaves ------------------------------------------------------------------------------------------------------
    def _token(self, token: Token) -> Span:
        start = self.offset + (token.start_pos or 0)
        return Span(self.source, start, start + len(token))

    def _span(self, meta: Meta) -> Span:
        return Span(self.source, self.offset + meta.start_pos, self.offset + meta.end_pos)

    def _name(self, token: Token) -> t.Name:
        return t.Name(str(token), self._token(token))

    def _text(self, token: Token) -> t.Text:
        return t.Text(str(token)[1:-1], self._token(token))

    def string(self, meta: Meta, children: Children) -> t.Text:
        return self._text(children[0])

    def name(self, meta: Meta, children: Children) -> t.Name:
        return self._name(children[0])

    def number(self, meta: Meta, children: Children) -> t.Number:
        token: Token = children[0]
        if token.type == "FLOAT":
            return t.Number(float(token), self._token(token))
        if len(token) > MAX_DIGITS or not -(2**63) <= int(token) < 2**63:
            shown = str(token) if len(token) <= MAX_DIGITS else f"{token[:12]}..."
            self.errors.append(Diagnostic("E0110", f"the number `{shown}` is too large", self._token(token)))
            return t.Number(0, self._token(token))
        return t.Number(int(token), self._token(token))

    # --- values ------------------------------------------------------------------------------------------------------
    def _values(self, children: Children) -> tuple[t.Value, ...]:
        return tuple(child for child in children if child is not None and not isinstance(child, Token))

    def parenthesized(self, meta: Meta, children: Children) -> t.Sequence:
        return t.Sequence(self._values(children), "()", self._span(meta))

    def shape(self, meta: Meta, children: Children) -> t.Sequence:
        return t.Sequence(self._values(children), "()", self._span(meta))

    def whole_shape(self, meta: Meta, children: Children) -> t.Sequence:
        return t.Sequence(self._values(children), "[]", self._span(meta))

    def bracketed(self, meta: Meta, children: Children) -> t.Sequence:
        return t.Sequence(self._values(children), "[]", self._span(meta))

    def call(self, meta: Meta, children: Children) -> t.Call:
        name, arguments, *block = children
        return t.Call(self._name(name), arguments or (), block[0] if block else None, self._span(meta))

    def hpo(self, meta: Meta, children: Children) -> t.Hpo:
        search: t.Hpo = children[1]
        return t.Hpo(search.kind, search.values, search.step, self._span(meta))

    def choice(self, meta: Meta, children: Children) -> t.Hpo:
        return t.Hpo("choice", tuple(children), None, self._span(meta))

    def linear_range(self, meta: Meta, children: Children) -> t.Hpo:
        low, high, target, step = children
        if target is not None and str(target) != "step":
            message = f"`range` takes `step`, not `{target}`"
            self.errors.append(Diagnostic("E0302", message, self._token(target), help="write `step=...`"))
        return t.Hpo("range", (low, high), step, self._span(meta))

    def log_range(self, meta: Meta, children: Children) -> t.Hpo:
        return t.Hpo("log_range", tuple(children), None, self._span(meta))

    def _calculation(self, operator: Any, meta: Meta, lhs: t.Value | None, rhs: t.Value) -> t.Calculation:
        value = t.Calculation(operator, lhs, rhs, self._span(meta))
        if _terms(value) == MAX_TERMS + 1:
            message = f"an expression has more than {MAX_TERMS} terms"
            self.errors.append(Diagnostic("E0316", message, value.span))
        return value

    def added(self, meta: Meta, children: Children) -> t.Calculation:
        return self._calculation("+", meta, *children)

    def subtracted(self, meta: Meta, children: Children) -> t.Calculation:
        return self._calculation("-", meta, *children)

    def multiplied(self, meta: Meta, children: Children) -> t.Calculation:
        return self._calculation("*", meta, *children)

    def divided(self, meta: Meta, children: Children) -> t.Calculation:
        return self._calculation("/", meta, *children)

    def remainder(self, meta: Meta, children: Children) -> t.Calculation:
        return self._calculation("%", meta, *children)

    def negated(self, meta: Meta, children: Children) -> t.Calculation:
        return self._calculation("-", meta, None, *children)

    # --- arguments ---------------------------------------------------------------------------------------------------
    def argument(self, meta: Meta, children: Children) -> t.Argument:
        return t.Argument(None, children[0], self._span(meta))

    def named_argument(self, meta: Meta, children: Children) -> t.Argument:
        return t.Argument(self._name(children[0]), children[1], self._span(meta))

    def args(self, meta: Meta, children: Children) -> tuple[t.Argument, ...]:
        arguments = _of(t.Argument, children)
        named: t.Argument | None = None
        for argument in arguments:
            if argument.name is not None:
                named = argument
            elif named is not None and named.name is not None:
                self.errors.append(
                    Diagnostic(
                        "E0108",
                        "a positional argument stands after a named one",
                        argument.span,
                        (f"`{named.name.value}` is named, so every argument after it needs a name",),
                        "name it, or move it to the front",
                    )
                )
                break
        return arguments

    # --- layers ------------------------------------------------------------------------------------------------------
    def parentheses(self, meta: Meta, children: Children) -> _Suffix:
        return _Suffix("parentheses", children[0] or (), self._span(meta))

    def device(self, meta: Meta, children: Children) -> _Suffix:
        return _Suffix("device", self._text(children[0]), self._span(meta))

    def repeat(self, meta: Meta, children: Children) -> _Suffix:
        value = children[0]
        return _Suffix("repeat", self._name(value) if isinstance(value, Token) else value, self._span(meta))

    def block(self, meta: Meta, children: Children) -> t.Block:
        return t.Block(tuple(children), self._span(meta))

    def branch(self, meta: Meta, children: Children) -> t.Branch:
        return t.Branch(self._name(children[0]), children[1], self._span(meta))

    def _targets(self, token: Token | None) -> tuple[t.Name, ...]:
        """The names before `=`: one, or several with commas."""
        if token is None:
            return ()
        start = self._token(token).start
        return tuple(
            t.Name(name.group(), Span(self.source, start + name.start(), start + name.end()))
            for name in re.finditer(r"\w+", str(token))
        )

    def layer(self, meta: Meta, children: Children) -> t.Layer:
        target, name, *suffixes = children
        found: dict[str, Any] = {}
        for suffix in suffixes:
            kind = "block" if isinstance(suffix, t.Block) else suffix.kind
            if kind == "parentheses":
                kind = "applied" if "arguments" in found else "arguments"
            if kind in found:
                what = {
                    "applied": "a third pair of parentheses",
                    "repeat": "a second repetition",
                }.get(kind, f"a second {kind}")
                shown = "HPO" if isinstance(name, t.Hpo) else str(name)
                self.errors.append(Diagnostic("E0109", f"`{shown}` has {what}", suffix.span))
                continue
            found[kind] = suffix if kind == "block" else suffix.value
        search = name if isinstance(name, t.Hpo) else None
        # The separator after an item is no part of it: the span ends with the last thing that was written.
        end = max([search.span.end if search else self._token(name).end, *(suffix.span.end for suffix in suffixes)])
        return t.Layer(
            targets=self._targets(target),
            name=t.Name("HPO", search.span) if search else self._name(name),
            search=search,
            arguments=found.get("arguments", ()),
            applied=found.get("applied"),
            device=found.get("device"),
            block=found.get("block"),
            repeat=found.get("repeat"),
            span=Span(self.source, self.offset + meta.start_pos, end),
        )

    # --- clauses -----------------------------------------------------------------------------------------------------
    def plain_input(self, meta: Meta, children: Children) -> t.Input:
        dtype = self._name(children[1]) if len(children) > 1 else None
        return t.Input(None, children[0], dtype, self._span(meta))

    def named_input(self, meta: Meta, children: Children) -> t.Input:
        dtype = self._name(children[2]) if len(children) > 2 else None
        return t.Input(self._name(children[0]), children[1], dtype, self._span(meta))

    def constraint(self, meta: Meta, children: Children) -> t.Constraint:
        lhs, comparison, rhs = children
        return t.Constraint(lhs, str(comparison), rhs, self._span(meta))

    def _arithmetic(self, operator: t.Operator, meta: Meta, children: Children) -> t.Arithmetic:
        lhs, rhs = children
        size = t.Arithmetic(operator, lhs, rhs, self._span(meta))
        if _terms(size) == MAX_TERMS + 1:
            message = f"an expression of sizes has more than {MAX_TERMS} terms"
            self.errors.append(Diagnostic("E0407", message, size.span))
        return size

    def plus(self, meta: Meta, children: Children) -> t.Arithmetic:
        return self._arithmetic("+", meta, children)

    def minus(self, meta: Meta, children: Children) -> t.Arithmetic:
        return self._arithmetic("-", meta, children)

    def times(self, meta: Meta, children: Children) -> t.Arithmetic:
        return self._arithmetic("*", meta, children)

    def modulo(self, meta: Meta, children: Children) -> t.Arithmetic:
        return self._arithmetic("%", meta, children)

    def where(self, meta: Meta, children: Children) -> tuple[t.Constraint, ...]:
        return _of(t.Constraint, children)

    def input(self, meta: Meta, children: Children) -> t.InputClause:
        inputs = [
            t.Input(None, child, None, child.span) if isinstance(child, t.Sequence) else child
            for child in children
            if isinstance(child, t.Sequence | t.Input)
        ]
        constraints = _first(tuple, children) or ()
        return t.InputClause(tuple(inputs), constraints, self._span(meta))

    def layers(self, meta: Meta, children: Children) -> t.LayersClause:
        return t.LayersClause(tuple(children[1:]), self._token(children[0]), self._span(meta))

    def values(self, meta: Meta, children: Children) -> tuple[t.Value, ...]:
        return tuple(children)

    def setting(self, meta: Meta, children: Children) -> t.Setting:
        return t.Setting(self._name(children[0]), children[1], self._span(meta))

    def entry(self, meta: Meta, children: Children) -> t.Setting:
        return t.Setting(self._name(children[0]), children[1], self._span(meta))

    def section(self, meta: Meta, children: Children) -> t.Section:
        return t.Section(self._name(children[0]), tuple(children[1:]), self._span(meta))

    # --- the file ----------------------------------------------------------------------------------------------------
    def required_param(self, meta: Meta, children: Children) -> t.Parameter:
        return t.Parameter(self._name(children[0]), None, self._span(meta))

    def optional_param(self, meta: Meta, children: Children) -> t.Parameter:
        return t.Parameter(self._name(children[0]), children[1], self._span(meta))

    def params(self, meta: Meta, children: Children) -> tuple[t.Parameter, ...]:
        return _of(t.Parameter, children)

    def macro(self, meta: Meta, children: Children) -> t.Macro:
        name, parameters, block = children
        return t.Macro(self._name(name), parameters or (), block, self._span(meta))

    def network(self, meta: Meta, children: Children) -> t.Network:
        name, parameters, *clauses = children
        return t.Network(self._name(name), parameters or (), tuple(clauses), self._span(meta))

    def import_(self, meta: Meta, children: Children) -> t.Import:
        path, *names = children
        return t.Import(self._text(path), tuple(self._name(name) for name in names), self._span(meta))

    def _notes(self, children: Children) -> tuple[t.Setting, ...]:
        return tuple(self._note(key, value) for key, value in zip(children[::2], children[1::2], strict=True))

    def _note(self, key: Token, written: Token | t.Number) -> t.Setting:
        value = self._text(written) if isinstance(written, Token) else written
        return t.Setting(self._name(key), (value,), Span(self.source, self._token(key).start, value.span.end))

    def research_metrics(self, meta: Meta, children: Children) -> tuple[str, tuple[t.Setting, ...]]:
        return "metrics", self._notes(children)

    def references(self, meta: Meta, children: Children) -> tuple[str, tuple[t.Setting, ...]]:
        return "references", self._notes(children)

    def research(self, meta: Meta, children: Children) -> t.Research:
        name = _first(Token, children)
        groups = _of(tuple, children)
        metrics = tuple(setting for kind, settings in groups if kind == "metrics" for setting in settings)
        references = tuple(setting for kind, settings in groups if kind == "references" for setting in settings)
        return t.Research(None if name is None else self._name(name), metrics, references, self._span(meta))

    def file(self, meta: Meta, children: Children) -> t.File:
        return t.File(
            _of(t.Import, children),
            _of(t.Macro, children),
            _of(t.Network, children),
            _of(t.Research, children),
            self._span(meta),
        )
