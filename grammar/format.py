"""`neuralc fmt`: one layout for every model.

Two blanks for each level, 100 columns, double quotes, `name=value`, no separators after items. What the author wrote on
one line stays there while it fits: a row of layers, a short block. One empty line is kept where there were some.
Comments stay with what they stand by. Formatting what is formatted changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuralc.grammar import tree as t
from neuralc.grammar.comments import Signs
from neuralc.grammar.diagnostics import Source, Span, error
from neuralc.grammar.layout import ENTRIES, ITEMS, NOTES, PORTS, VALUES, WIDTH, Group, Layout, Leaf, Node, Run, segments
from neuralc.grammar.parser import parse
from neuralc.grammar.recursion import deep_recursion

__all__ = ["WIDTH", "format_source", "meaning"]

_CONSTANTS = {"true": "true", "false": "false", "none": "None"}

Segments = list[Leaf | Group]


def format_source(source: Source) -> str:
    """The text in the layout. Raises NeuralcError for a text that is no model."""
    file = parse(source)
    with deep_recursion():
        text = _printed(source, file)
        again = parse(Source(source.name, text))
        same = meaning(again) == meaning(file)
    if not same:
        raise error("E9901", f"formatting would change what `{source.name}` says", help="this is a fault of neuralc")
    return text


def meaning(node: Any) -> Any:
    """A tree without the places, to be compared."""
    if isinstance(node, tuple):
        return tuple(meaning(part) for part in node)
    fields = getattr(node, "__dataclass_fields__", None)
    if fields is None or isinstance(node, Span):
        return None if isinstance(node, Span) else node
    if isinstance(node, t.Name) and node.value.lower() in _CONSTANTS:
        return t.Name, node.value.lower()
    return type(node), *(meaning(getattr(node, name)) for name in fields if name != "keyword")


def _printed(source: Source, file: t.File) -> str:
    layout, nodes = Layout(source), _Nodes(source)
    parts: list[t.Import | t.Macro | t.Network | t.Research] = [
        *file.imports, *file.macros, *file.networks, *file.research,
    ]  # fmt: skip
    parts.sort(key=lambda part: part.span.start)
    for index, part in enumerate(parts):
        both_imports = isinstance(part, t.Import) and index > 0 and isinstance(parts[index - 1], t.Import)
        if index > 0 and not both_imports:
            layout.blank()
        node = nodes.definition(part)
        layout.lead(node, 0, first=index == 0)
        layout.show(node, 0)
    layout.flush(len(source.text) + 1, 0)
    return "\n".join(line.rstrip() for line in layout.lines) + "\n"


class _Nodes:
    """What a tree is written as."""

    def __init__(self, source: Source) -> None:
        self._signs = Signs(source)

    # --- definitions -------------------------------------------------------------------------------------------------
    def definition(self, part: t.Import | t.Macro | t.Network | t.Research) -> Node:
        match part:
            case t.Import():
                names = ", ".join(name.value for name in part.names)
                return _leaf(f"from {_text(part.path)} import {names}", part.span)
            case t.Macro():
                head = self._head("define", part)
                return _run([*head, self._block(part.block)], part.span)
            case t.Network():
                head = self._head("network", part)
                inside = [self._clause(clause) for clause in part.clauses]
                opened = self._signs.behind("{", head[-1].end)
                body = Group("{", inside, "}", ENTRIES, opened, part.span.end)
                return _run([*head, body], part.span)
            case t.Research():
                return self._research(part)

    def _head(self, keyword: str, part: t.Macro | t.Network) -> Segments:
        head: Segments = [Leaf(f"{keyword} {part.name.value}", part.span.start, part.name.span.end)]
        if part.parameters:
            opened = self._signs.before("(", part.parameters[0].span.start)
            parameters = [self._parameter(parameter) for parameter in part.parameters]
            end = self._signs.behind(")", part.parameters[-1].span.end)
            head.append(Group("(", parameters, ")", VALUES, opened, end))
        return [*head, Leaf(" ", head[-1].end, head[-1].end)]

    def _parameter(self, parameter: t.Parameter) -> Node:
        if parameter.default is None:
            return _leaf(parameter.name.value, parameter.span)
        return self._named(parameter.name, parameter.default, parameter.span)

    def _research(self, research: t.Research) -> Node:
        name = "" if research.name is None else f" {research.name.value}"
        opened = self._signs.behind("{", research.span.start)
        notes = (("metrics", research.metrics), ("references", research.references))
        parts = [self._notes(keyword, entries, research.span) for keyword, entries in notes if entries]
        head = Leaf(f"research{name} ", research.span.start, opened - 1)
        return _run([head, Group("{", parts, "}", NOTES, opened, research.span.end, always=True)], research.span)

    def _notes(self, keyword: str, entries: Sequence[t.Setting], around: Span) -> Node:
        """What was noted in one or several places."""
        start = around.source.text.rfind(keyword, around.start, entries[0].span.start)
        opened, end = self._signs.behind("{", start), self._signs.behind("}", entries[-1].span.end)
        inside = [self._setting(entry) for entry in entries]
        group = Group(f"{keyword} {{", inside, "}", NOTES, opened, end, always=keyword == "references")
        return Run([group], start, end)

    # --- clauses -----------------------------------------------------------------------------------------------------
    def _clause(self, clause: t.Clause) -> Node:
        match clause:
            case t.InputClause():
                return self._input(clause)
            case t.LayersClause():
                opened = self._signs.behind(":", clause.keyword.end)
                items = [self._item(item) for item in clause.items]
                end = items[-1].end if items else opened  # without a bracket at its end, what follows is not inside
                return Run([Group("layers:", items, "", ITEMS, opened, end, always=True)], clause.span.start, end)
            case t.Setting():
                return self._setting(clause)
            case t.Section():
                opened = self._signs.behind("{", clause.name.span.end)
                entries = [self._setting(entry) for entry in clause.settings]
                head = Leaf(f"{clause.name.value} ", clause.span.start, opened - 1)
                return _run([head, Group("{", entries, "}", ENTRIES, opened, clause.span.end)], clause.span)

    def _setting(self, setting: t.Setting) -> Node:
        run: Segments = [Leaf(f"{setting.name.value}: ", setting.span.start, setting.name.span.end)]
        return _run([*run, *self._in_a_row([self._value(value) for value in setting.values])], setting.span)

    def _in_a_row(self, nodes: Sequence[Node]) -> Segments:
        """Nodes with commas between them, and no brackets around."""
        run: Segments = []
        for node in nodes:
            if run:
                run.append(Leaf(", ", run[-1].end, run[-1].end))
            run += segments(node)
        return run

    def _input(self, clause: t.InputClause) -> Node:
        start = self._signs.behind(":", clause.span.start)
        run: Segments = [Leaf("input: ", clause.span.start, start)]
        ports = [self._port(port) for port in clause.inputs]
        if len(ports) > 1 and clause.inputs[0].name is not None:
            opened = self._signs.behind("{", start)
            end = self._signs.behind("}", ports[-1].end)
            run.append(Group("{", ports, "}", PORTS, opened, end))
        else:
            run += self._in_a_row(ports)
        if clause.constraints:
            shown = ", ".join(f"{_size(c.lhs)} {c.comparison} {_size(c.rhs)}" for c in clause.constraints)
            run.append(Leaf(f" where {shown}", run[-1].end, clause.constraints[-1].span.end))
        return _run(run, clause.span)

    def _port(self, port: t.Input) -> Node:
        run: Segments = []
        if port.name is not None:
            run.append(Leaf(f"{port.name.value}: ", port.span.start, port.name.span.end))
        run += segments(self._value(port.shape))
        if port.dtype is not None:
            run.append(Leaf(f" {port.dtype.value}", run[-1].end, port.dtype.span.end))
        return _run(run, port.span)

    # --- items -------------------------------------------------------------------------------------------------------
    def _item(self, item: t.Item) -> Node:
        if isinstance(item, t.Branch):
            head = Leaf(f"{item.name.value}: ", item.span.start, item.name.span.end)
            return _run([head, self._block(item.block)], item.span)
        run: Segments = []
        if item.targets:
            run.append(
                Leaf(f"{', '.join(name.value for name in item.targets)} = ", item.span.start, item.name.span.start)
            )
        run += segments(self._value(item.name if item.search is None else item.search))
        arguments = self._called(item, run[-1].end)
        others: Segments = []
        if item.device is not None:
            others.append(Leaf(f" @ {_text(item.device)}", item.device.span.start, item.device.span.end))
        if item.block is not None:
            others += [Leaf(" ", item.block.span.start, item.block.span.start), self._block(item.block)]
        if item.repeat is not None:
            others.append(Leaf(" * ", item.repeat.span.start, item.repeat.span.start))
            others += segments(self._value(item.repeat))
        # Parentheses right behind `HPO` would begin a search.
        first = item.search is None and item.name.value == "HPO"
        run += [*others, *arguments] if first else [*arguments, *others]
        return _run(run, item.span)

    def _called(self, item: t.Layer, after: int) -> Segments:
        """The parentheses of a layer. Those without arguments are written where it has no block."""
        bare = item.search is not None or item.block is not None or item.name.value == "HPO"
        if bare and not item.arguments and item.applied is None:
            return []
        arguments = self._arguments(item.arguments, after)
        return [arguments] if item.applied is None else [arguments, self._arguments(item.applied, arguments.end)]

    def _block(self, block: t.Block) -> Group:
        start, items = block.span.start, [self._item(item) for item in block.items]
        return Group("{", items, "}", ITEMS, start + 1, block.span.end)

    def _arguments(self, arguments: Sequence[t.Argument], after: int) -> Group:
        """Parentheses behind a position; without arguments they may not be in the source."""
        parts = [self._argument(argument) for argument in arguments]
        if not parts:
            return Group("(", parts, ")", VALUES, after, after)
        opened = self._signs.before("(", parts[0].start)
        return Group("(", parts, ")", VALUES, opened, self._signs.behind(")", parts[-1].end))

    def _argument(self, argument: t.Argument) -> Node:
        if argument.name is None:
            return self._value(argument.value)
        return self._named(argument.name, argument.value, argument.span)

    def _named(self, name: t.Name, value: t.Value, place: Span) -> Node:
        return _run([Leaf(f"{name.value}=", name.span.start, name.span.end), *segments(self._value(value))], place)

    # --- values ------------------------------------------------------------------------------------------------------
    def _value(self, value: t.Value) -> Node:
        match value:
            case t.Text():
                return _leaf(_text(value), value.span)
            case t.Number():
                return _leaf(value.span.text, value.span)
            case t.Name():
                return _leaf(_CONSTANTS.get(value.value.lower(), value.value), value.span)
            case t.Sequence():
                parts = [self._value(part) for part in value.items]
                opening, closing = value.brackets
                return Group(opening, parts, closing, VALUES, value.span.start + 1, value.span.end)
            case t.Call():
                run: Segments = [Leaf(value.name.value, value.span.start, value.name.span.end)]
                run.append(self._arguments(value.arguments, value.name.span.end))
                if value.block is not None:
                    run += [Leaf(" ", run[-1].end, run[-1].end), self._block(value.block)]
                return _run(run, value.span)
            case t.Hpo():
                return self._search(value)
            case t.Calculation():
                return self._calculation(value)

    def _calculation(self, calculation: t.Calculation) -> Node:
        run: Segments = []
        if calculation.lhs is not None:
            run += segments(self._value(calculation.lhs))
            run.append(Leaf(f" {calculation.operator} ", run[-1].end, run[-1].end))
        else:
            # Of `- 3`, which is an operator and a number, `-3` would be a number alone.
            blank = " " if isinstance(calculation.rhs, t.Number) else ""
            run.append(Leaf(calculation.operator + blank, calculation.span.start, calculation.span.start))
        return _run([*run, *segments(self._value(calculation.rhs))], calculation.span)

    def _search(self, search: t.Hpo) -> Node:
        opened = self._signs.behind("(", self._signs.behind("(", search.span.start))
        parts = [self._value(value) for value in search.values]
        if search.step is not None:
            step = Leaf("step=", search.step.span.start, search.step.span.start)
            parts.append(_run([step, *segments(self._value(search.step))], search.step.span))
        return _run([Group(f"HPO({search.kind}(", parts, "))", VALUES, opened, search.span.end)], search.span)


def _leaf(text: str, place: Span) -> Leaf:
    return Leaf(text, place.start, place.end)


def _run(segments: Segments, place: Span) -> Run:
    return Run(segments, place.start, place.end)


def _size(size: t.Size) -> str:
    """Operators of one level stand to the left."""
    if isinstance(size, t.Arithmetic):
        return f"{_size(size.lhs)} {size.operator} {_size(size.rhs)}"
    return size.span.text


def _text(text: t.Text) -> str:
    return f"'{text.value}'" if '"' in text.value else f'"{text.value}"'
