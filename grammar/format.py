"""`neuralc fmt`: one layout for every model.

Two blanks for each level, 100 columns, double quotes, `name=value`, no separators after items. What the author wrote on
one line stays there while it fits: a row of layers, a short block. One empty line is kept where there were some.
Comments stay with what they stand by. Formatting what is formatted changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from neuralc.grammar import tree as t
from neuralc.grammar.comments import Comments
from neuralc.grammar.diagnostics import Source, Span, error
from neuralc.grammar.parser import parse

WIDTH = 100
_CONSTANTS = {"true": "true", "false": "false", "none": "None"}


def format_source(source: Source) -> str:
    """The text in the layout. Raises NeuralcError for a text that is no model."""
    file = parse(source)
    text = _Printer(source).file(file)
    again = parse(Source(source.name, text))
    if meaning(again) != meaning(file):
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


class _Printer:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.comments = Comments(source)
        self.lines: list[str] = []

    # --- lines -------------------------------------------------------------------------------------------------------
    def line(self, text: str, depth: int) -> None:
        self.lines.append("  " * depth + text if text else "")

    def lead(self, start: int, depth: int, *, first: bool = False) -> None:
        """Comments before something, and the empty line before it, if there is one."""
        for index, comment in enumerate(self.comments.before(start)):
            if comment.after_blank and not (first and index == 0):
                self.blank()
            self.line(comment.text, depth)
            first = False
        if self._blank_before(start) and not first:
            self.blank()

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def _blank_before(self, position: int) -> bool:
        return "\n\n" in self._gap(position)

    def _gap(self, position: int) -> str:
        end = position
        while end > 0 and self.source.text[end - 1] in " \t\r\n":
            end -= 1
        return self.source.text[end:position].replace("\r", "").replace("\t", "").replace(" ", "")

    def trail(self, end: int) -> None:
        """A comment behind what the last line ends with."""
        comment = self.comments.behind(end)
        if comment is not None:
            self.lines[-1] += f"  {comment.text}"

    def close(self, end: int, depth: int, text: str = "}") -> None:
        """The end of a block, after the comments that stand before it."""
        for comment in self.comments.before(end):
            if comment.after_blank:
                self.blank()
            self.line(comment.text, depth + 1)
        self.line(text, depth)

    # --- the file ----------------------------------------------------------------------------------------------------
    def file(self, file: t.File) -> str:
        parts: Sequence[Any] = sorted(
            (*file.imports, *file.macros, *file.networks, *file.research), key=lambda part: part.span.start
        )
        for index, part in enumerate(parts):
            both_imports = isinstance(part, t.Import) and index > 0 and isinstance(parts[index - 1], t.Import)
            if index > 0 and not both_imports:
                self.blank()
            self.lead(part.span.start, 0, first=index == 0)
            printers: dict[type, Callable[[Any], None]] = {
                t.Import: self.import_, t.Macro: self.macro, t.Network: self.network, t.Research: self.research,
            }  # fmt: skip
            printers[type(part)](part)
            self.trail(part.span.end)
        for comment in self.comments.before(len(self.source.text) + 1):
            if comment.after_blank:
                self.blank()
            self.line(comment.text, 0)
        return "\n".join(line.rstrip() for line in self.lines) + "\n"

    def import_(self, clause: t.Import) -> None:
        self.line(f"from {self.text(clause.path)} import {', '.join(name.value for name in clause.names)}", 0)

    def macro(self, macro: t.Macro) -> None:
        self.block(f"define {macro.name.value}{self.parameters(macro.parameters)}", macro.block, 0)

    def network(self, network: t.Network) -> None:
        head = f"network {network.name.value}{self.parameters(network.parameters)} {{"
        inside = [self.flat_clause(clause) for clause in network.clauses]
        flat = f"{head} {' '.join(inside)} }}"
        if not self.comments.inside(network.span.start, network.span.end) and self.fits(network.span, flat, 0):
            self.line(flat, 0)
            return
        self.line(head, 0)
        self.trail_brace(network.span)
        for index, clause in enumerate(network.clauses):
            self.lead(clause.span.start, 1, first=index == 0)
            self.clause(clause)
            self.trail(clause.span.end)
        self.close(network.span.end, 0)

    def research(self, research: t.Research) -> None:
        name = "" if research.name is None else f" {research.name.value}"
        self.line(f"research{name} {{", 0)
        for keyword, settings in (("metrics", research.metrics), ("references", research.references)):
            if settings:
                entries = [f"{entry.name.value}: {self.values(entry.values)}" for entry in settings]
                self.lead(settings[0].span.start, 1, first=True)
                flat = f"{keyword} {{ {' '.join(entries)} }}"
                if len(flat) + 2 <= WIDTH and keyword == "metrics":
                    self.line(flat, 1)
                    continue
                self.line(f"{keyword} {{", 1)
                for entry, text in zip(settings, entries, strict=True):
                    self.lead(entry.span.start, 2, first=True)
                    self.line(text, 2)
                self.line("}", 1)
        self.close(research.span.end, 0)

    def trail_brace(self, span: Span) -> None:
        """A comment on the line of an opening brace."""
        self.trail(span.start + self.source.text[span.start : span.end].index("{") + 1)

    def fits(self, span: Span, flat: str, depth: int) -> bool:
        """Whether something was written on one line and may stay there."""
        return "\n" not in span.text and 2 * depth + len(flat) <= WIDTH

    # --- clauses -----------------------------------------------------------------------------------------------------
    def flat_clause(self, clause: t.Clause) -> str:
        match clause:
            case t.InputClause():
                return self.input(clause)
            case t.LayersClause():
                return f"layers: {' '.join(self.flat_item(item) for item in clause.items)}".rstrip()
            case t.Setting():
                return f"{clause.name.value}: {self.values(clause.values)}"
            case t.Section():
                entries = " ".join(self.flat_clause(entry) for entry in clause.settings)
                return f"{clause.name.value} {{ {entries} }}" if entries else f"{clause.name.value} {{ }}"

    def clause(self, clause: t.Clause) -> None:
        match clause:
            case t.LayersClause():
                self.line("layers:", 1)
                self.trail(clause.keyword.end + 1)
                self.items(clause.items, 2)
            case t.Section():
                self.section(clause)
            case t.InputClause():
                self.long_input(clause)
            case t.Setting():
                self.long(f"{clause.name.value}: ", list(clause.values), 1)

    def section(self, section: t.Section) -> None:
        flat = self.flat_clause(section)
        if not self.comments.inside(section.span.start, section.span.end) and self.fits(section.span, flat, 1):
            self.line(flat, 1)
            return
        self.line(f"{section.name.value} {{", 1)
        self.trail_brace(section.span)
        for index, entry in enumerate(section.settings):
            self.lead(entry.span.start, 2, first=index == 0)
            self.long(f"{entry.name.value}: ", list(entry.values), 2)
            self.trail(entry.span.end)
        self.close(section.span.end, 1)

    def input(self, clause: t.InputClause) -> str:
        ports = ", ".join(self.port(port) for port in clause.inputs)
        named = any(port.name is not None for port in clause.inputs)
        alone = len(clause.inputs) == 1
        shown = f"{{ {ports} }}" if named and not alone else ports
        return f"input: {shown}{self.where(clause)}"

    def long_input(self, clause: t.InputClause) -> None:
        """One line for each input where they do not fit into one."""
        flat = self.input(clause)
        if len(flat) + 2 <= WIDTH and not self.comments.inside(clause.span.start, clause.span.end):
            self.line(flat, 1)
            return
        if any(port.name is None for port in clause.inputs):
            self.long("input: ", [port.shape for port in clause.inputs], 1, self.where(clause))
            return
        self.line("input: {", 1)
        for port in clause.inputs:
            self.lead(port.span.start, 2, first=True)
            self.line(self.port(port), 2)
            self.trail(port.span.end)
        end = clause.constraints[0].span.start if clause.constraints else clause.span.end
        self.close(end, 1, f"}}{self.where(clause)}")

    def port(self, port: t.Input) -> str:
        name = "" if port.name is None else f"{port.name.value}: "
        dtype = "" if port.dtype is None else f" {port.dtype.value}"
        return f"{name}{self.value(port.shape)}{dtype}"

    def where(self, clause: t.InputClause) -> str:
        if not clause.constraints:
            return ""
        shown = (f"{self.size(c.lhs)} {c.comparison} {self.size(c.rhs)}" for c in clause.constraints)
        return f" where {', '.join(shown)}"

    def size(self, size: t.Size) -> str:
        if isinstance(size, t.Arithmetic):
            return f"{self.size(size.lhs)} {size.operator} {self.size(size.rhs)}"
        return size.span.text

    # --- items -------------------------------------------------------------------------------------------------------
    def items(self, items: Sequence[t.Item], depth: int) -> None:
        """Items that stood on one line stay there while they fit."""
        for index, row in enumerate(self.rows(items, depth)):
            self.lead(row[0].span.start, depth, first=index == 0)
            if len(row) > 1:
                self.line(" ".join(self.flat_item(item) for item in row), depth)
            else:
                self.item(row[0], depth)
            self.trail(row[-1].span.end)

    def rows(self, items: Sequence[t.Item], depth: int) -> Iterable[Sequence[t.Item]]:
        row: list[t.Item] = []
        for item in items:
            if row and self.together(row, item, depth):
                row.append(item)
                continue
            if row:
                yield row
            row = [item]
        if row:
            yield row

    def together(self, row: Sequence[t.Item], item: t.Item, depth: int) -> bool:
        stretch = self.source.text[row[0].span.start : item.span.end]
        flat = " ".join(self.flat_item(each) for each in (*row, item))
        commented = self.comments.inside(row[0].span.start, item.span.end)
        return "\n" not in stretch and not commented and 2 * depth + len(flat) <= WIDTH

    def item(self, item: t.Item, depth: int) -> None:
        flat = self.flat_item(item)
        if not self.comments.inside(item.span.start, item.span.end):
            block = item.block.span if isinstance(item, t.Branch) else None if item.block is None else item.block.span
            if 2 * depth + len(flat) <= WIDTH and (block is None or "\n" not in block.text):
                self.line(flat, depth)
                return
        if isinstance(item, t.Branch):
            self.block(f"{item.name.value}:", item.block, depth)
            return
        head, tail = self.head(item), self.tail(item)
        inside = item.block.span.start if item.block is not None else item.span.end
        broken = self.comments.inside(item.span.start, inside) or 2 * depth + len(head) + len(tail) + 2 > WIDTH
        if item.block is None:
            self.long_call(item, depth, tail)
        elif broken and item.arguments:
            self.long_call(item, depth, " {")
            self.block_inside(item.block, depth, tail)
        else:
            self.block(head, item.block, depth, tail)

    def flat_item(self, item: t.Item) -> str:
        if isinstance(item, t.Branch):
            return f"{item.name.value}: {self.flat_block(item.block)}"
        block = "" if item.block is None else f" {self.flat_block(item.block)}"
        return f"{self.head(item)}{block}{self.tail(item)}"

    def head(self, item: t.Layer) -> str:
        """What stands before the block: names, the layer, arguments, values, device."""
        arguments = self.arguments(item.arguments) if self.has_parentheses(item) else ""
        device = "" if item.device is None else f" @ {self.text(item.device)}"
        return f"{self.name_of(item)}{arguments}{self.applied(item)}{device}"

    def name_of(self, item: t.Layer) -> str:
        targets = ", ".join(target.value for target in item.targets)
        name = item.name.value if item.search is None else self.value(item.search)
        return f"{targets} = {name}" if targets else name

    def applied(self, item: t.Layer) -> str:
        return "" if item.applied is None else self.arguments(item.applied)

    def has_parentheses(self, item: t.Layer) -> bool:
        """Parentheses without arguments are written where a layer has no block."""
        if item.arguments or item.applied is not None:
            return True
        return item.search is None and item.block is None

    def tail(self, item: t.Layer) -> str:
        return "" if item.repeat is None else f" * {self.value(item.repeat)}"

    def flat_block(self, block: t.Block) -> str:
        return f"{{ {' '.join(self.flat_item(item) for item in block.items)} }}" if block.items else "{ }"

    def block(self, head: str, block: t.Block, depth: int, tail: str = "") -> None:
        flat = f"{head} {self.flat_block(block)}{tail}"
        if not self.comments.inside(block.span.start, block.span.end) and self.fits(block.span, flat, depth):
            self.line(flat, depth)
            return
        self.line(f"{head} {{", depth)
        self.block_inside(block, depth, tail)

    def block_inside(self, block: t.Block, depth: int, tail: str) -> None:
        self.trail(block.span.start + 1)
        self.items(block.items, depth + 1)
        self.close(block.span.end, depth, f"}}{tail}")

    # --- values ------------------------------------------------------------------------------------------------------
    def long_call(self, item: t.Layer, depth: int, tail: str) -> None:
        """A layer whose arguments take several lines."""
        device = "" if item.device is None else f" @ {self.text(item.device)}"
        end = f"){self.applied(item)}{device}{tail}"
        self.broken(f"{self.name_of(item)}(", item.arguments, end, depth, item.span.end)

    def broken(self, start: str, parts: Sequence[t.Argument | t.Value], end: str, depth: int, until: int) -> None:
        """Arguments on lines of their own, as many on each as fit; one a line where there are comments."""
        self.line(start, depth)
        commented = bool(parts) and self.comments.inside(parts[0].span.start - 1, until)
        row = ""
        for index, part in enumerate(parts):
            comma = "," if index + 1 < len(parts) else ""
            text = self.part(part) + comma
            inside = self.comments.inside(part.span.start, part.span.end)
            if commented or inside or 2 * depth + 2 + len(text) > WIDTH:
                if row:
                    self.line(row, depth + 1)
                row = ""
                self.lead(part.span.start, depth + 1, first=True)
                self.long_part(part, comma, depth + 1)
                self.trail(part.span.end)
            elif row and 2 * depth + 2 + len(row) + 1 + len(text) > WIDTH:
                self.line(row, depth + 1)
                row = text
            else:
                row = f"{row} {text}".strip()
        if row:
            self.line(row, depth + 1)
        for comment in self.comments.before(until):
            self.line(comment.text, depth + 1)
        self.line(end, depth)

    def long_part(self, part: t.Argument | t.Value, comma: str, depth: int) -> None:
        """An argument on a line of its own, or on several where it has to be broken."""
        name = f"{part.name.value}=" if isinstance(part, t.Argument) and part.name is not None else ""
        value = part.value if isinstance(part, t.Argument) else part
        flat = self.part(part) + comma
        fits = 2 * depth + len(flat) <= WIDTH and not self.comments.inside(part.span.start, part.span.end)
        if not fits and isinstance(value, t.Call) and value.arguments and value.block is None:
            self.broken(f"{name}{value.name.value}(", value.arguments, f"){comma}", depth, value.span.end)
        elif not fits and isinstance(value, t.Sequence) and value.items:
            self.broken(f"{name}{value.brackets[0]}", value.items, f"{value.brackets[1]}{comma}", depth, value.span.end)
        else:
            self.line(flat, depth)

    def long(self, start: str, values: Sequence[t.Value], depth: int, tail: str = "") -> None:
        """A setting, on one line if it fits."""
        flat = start + self.values(values) + tail
        span_start, span_end = values[0].span.start, values[-1].span.end
        one = values[0] if len(values) == 1 else None
        breakable = (isinstance(one, t.Call) and one.arguments) or (isinstance(one, t.Sequence) and one.items)
        commented = self.comments.inside(span_start, span_end)
        if not breakable or (2 * depth + len(flat) <= WIDTH and not commented):
            self.line(flat, depth)
        elif isinstance(one, t.Call):
            self.broken(f"{start}{one.name.value}(", one.arguments, f"){tail}", depth, span_end)
        elif isinstance(one, t.Sequence):
            self.broken(f"{start}{one.brackets[0]}", one.items, f"{one.brackets[1]}{tail}", depth, span_end)

    def part(self, part: t.Argument | t.Value) -> str:
        if not isinstance(part, t.Argument):
            return self.value(part)
        name = "" if part.name is None else f"{part.name.value}="
        return name + self.value(part.value)

    def arguments(self, arguments: Iterable[t.Argument]) -> str:
        return f"({', '.join(self.part(argument) for argument in arguments)})"

    def parameters(self, parameters: Iterable[t.Parameter]) -> str:
        shown = [p.name.value if p.default is None else f"{p.name.value}={self.value(p.default)}" for p in parameters]
        return f"({', '.join(shown)})" if shown else ""

    def values(self, values: Iterable[t.Value]) -> str:
        return ", ".join(self.value(value) for value in values)

    def value(self, value: t.Value) -> str:
        match value:
            case t.Text():
                return self.text(value)
            case t.Number():
                return value.span.text
            case t.Name():
                return _CONSTANTS.get(value.value.lower(), value.value)
            case t.Sequence():
                return value.brackets[0] + self.values(value.items) + value.brackets[1]
            case t.Call():
                block = "" if value.block is None else f" {self.flat_block(value.block)}"
                return f"{value.name.value}{self.arguments(value.arguments)}{block}"
            case t.Hpo():
                step = "" if value.step is None else f", step={self.value(value.step)}"
                return f"HPO({value.kind}({self.values(value.values)}{step}))"
            case t.Calculation(lhs=None):
                return f"-{self.value(value.rhs)}"
            case t.Calculation():
                return " ".join((self.value(value.operands[0]), value.operator, self.value(value.rhs)))

    def text(self, text: t.Text) -> str:
        return f"'{text.value}'" if '"' in text.value else f'"{text.value}"'
