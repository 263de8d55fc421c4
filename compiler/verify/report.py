"""A comparison as a person reads it: a table, and the verdict in the last line; and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from neuralc.verify.compare import Comparison
from neuralc.verify.layers import Layer

SHOWN = 60
"""Rows of a table on a terminal; of more layers than that those are shown that differ, and those around them."""

DETAILED = 8
"""Arrays of which the worst value is shown below the table."""

UNLIMITED = 1000
"""The width of a table that goes to a file: as wide as its texts are."""

ROOM_FOR_ALL = 100
"""Width from which the table has a column with the place of the worst value, and the cosines of layers."""

NUMBERS = (("max abs", 7), ("relative", 8), ("ulp", 5), ("cosine", 8))
"""Columns of numbers and how wide they are."""

GAP = 2


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    comparison: Comparison
    op: str = ""
    place: str = ""


@dataclass(frozen=True)
class Report:
    """All that was compared: the outputs of the model as it is compiled, and the values inside where asked for.

    Values inside are computed by a second compilation, which keeps all of them: it cannot fuse across them.
    """

    model: str
    who: str
    outputs: Sequence[Comparison]
    inside: Sequence[Comparison] = ()
    layers: Mapping[str, Layer] = field(default_factory=dict)
    """What computes the values inside, by their names."""
    left_out: int = 0
    """Values of the file that no value of the compiled model is: folded, or fused into others, on import."""
    alone: Comparison | None = None
    """The first layer that differs, against float64 computed from the operands that ours had: is the op to blame?"""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the run was made with: level of optimization, sizes, seed."""

    @property
    def agrees(self) -> bool:
        return bool(self.outputs) and all(each.agrees for each in (*self.outputs, *self.inside))

    @property
    def first_wrong(self) -> Layer | None:
        """The first layer, in the order of computation, whose value differs."""
        return next((self.layers[each.name] for each in self.inside if not each.agrees), None)

    @property
    def verdict(self) -> str:
        """One line: `agrees: ..`, or `differs: ..` with the first layer that goes wrong."""
        every = [*self.inside, *self.outputs]
        wrong = [each for each in every if not each.agrees]
        what = f"{len(every)} value{'s' if len(every) != 1 else ''}" if self.inside else _outputs(len(every))
        if not every:
            return "differs: the model has no outputs"
        if not wrong:
            worst = max(each.relative for each in every)
            return f"agrees: {what} with {self.who}, the largest relative difference is {worst:.2g}"
        return f"differs: {len(wrong)} of {what} from {self.who}{self._reason()}"

    def _reason(self) -> str:
        first = self.first_wrong
        if first is None:
            return "; every layer agrees when all are kept: look at what is fused (`-O0`)" if self.inside else ""
        place = f" at {first.place}" if first.place not in ("", f"node {first.name}") else ""
        agree = {each.name for each in self.inside if each.agrees}
        computed = [name for name in first.operands if name in self.layers]
        whole = ", its operands agree" if computed and all(name in agree for name in computed) else ""
        return f"; the first is `{first.name}` ({first.op}{place}){whole}"

    def _blame(self, alone: Comparison) -> str:
        if alone.agrees:
            other = "" if "interpreter" in self.who else f", or is that of {self.who}"
            return f"right in float64 for the operands it had: the difference came in with them{other}"
        return f"wrong in float64 for the operands it had: {_detail(alone)}"

    # --- JSON ----------------------------------------------------------------------------------------------------
    def as_dict(self) -> dict[str, Any]:
        first = self.first_wrong
        return {
            "model": self.model,
            "against": self.who,
            "agrees": self.agrees,
            "verdict": self.verdict,
            "first_wrong": first.name if first is not None else None,
            "alone": self.alone.as_dict() if self.alone is not None else None,
            "settings": dict(self.settings),
            "outputs": [each.as_dict() for each in self.outputs],
            "layers": [{**row.comparison.as_dict(), "op": row.op, "place": row.place} for row in self._inside()],
            "left_out": self.left_out,
        }

    # --- the table -----------------------------------------------------------------------------------------------
    def print(self, stream: TextIO) -> None:
        """Colours and a table that fits on a terminal; whole lines without colours anywhere else."""
        from rich.console import Console

        terminal = stream.isatty()
        console = Console(file=stream, highlight=False, width=None if terminal else UNLIMITED)
        console.print(f"{self.model} against {self.who}", markup=False, style="bold", soft_wrap=True)
        settings = ", ".join(f"{name} {_setting(value)}" for name, value in self.settings.items() if value != {})
        console.print(settings, markup=False, style="dim", soft_wrap=True)
        outputs = [Row(each, "output" if self.inside else "") for each in self.outputs]
        inside = self._inside()
        shown = _near_faults(inside) if terminal else inside
        console.print(_table([*shown, *outputs], with_ops=bool(inside), width=console.width))
        for row in [row for row in [*shown, *outputs] if not row.comparison.agrees][:DETAILED]:
            console.print(f"{row.comparison.name}: {_detail(row.comparison)}", soft_wrap=True, markup=False)
        if len(shown) < len(inside):
            console.print(f"{len(inside) - len(shown)} more layers are not shown (`--json` has all)", markup=False)
        if self.left_out:
            one = self.left_out == 1
            text = f"left out: {self.left_out} value{' of the file that is' if one else 's of the file that are'}"
            console.print(f"{text} folded or fused away on import", soft_wrap=True)
        if self.alone is not None:
            console.print(f"{self.alone.name}: {self._blame(self.alone)}", soft_wrap=True, markup=False)
        console.print(self.verdict, soft_wrap=True, markup=False, style="green" if self.agrees else "red")

    def _inside(self) -> list[Row]:
        return [Row(each, self.layers[each.name].op, self.layers[each.name].place) for each in self.inside]


def _outputs(count: int) -> str:
    return f"{count} output{'s' if count != 1 else ''}"


def _setting(value: Any) -> str:
    return " ".join(f"{name}={size}" for name, size in value.items()) if isinstance(value, Mapping) else str(value)


def _near_faults(rows: Sequence[Row]) -> list[Row]:
    """All, or of many those around values that differ, and the last ones."""
    if len(rows) <= SHOWN:
        return list(rows)
    chosen: list[Row] = []
    for index, row in enumerate(rows):
        near = any(not other.comparison.agrees for other in rows[max(index - 1, 0) : index + 2])
        if (near and len(chosen) < SHOWN - 10) or index >= len(rows) - 10:
            chosen.append(row)
    return chosen


def _table(rows: Sequence[Row], *, with_ops: bool, width: int) -> Any:
    from rich.markup import escape
    from rich.table import Table

    narrow = width < ROOM_FOR_ALL
    numbers = [*NUMBERS[: -1 if narrow and with_ops else None]]
    headings = ["value", "op", "type"] if with_ops else ["value", "type"]
    texts = [_texts(row, with_ops=with_ops) for row in rows]
    places = [] if narrow else [_index(row.comparison.worst) for row in rows]
    room = width - len("ok") - sum(each + GAP for _, each in numbers)
    room -= max(map(len, ["worst at", *places])) + GAP if places else 0
    widths = _widths([headings, *texts], room)
    table = Table(box=None, pad_edge=False)
    table.add_column("", width=2)
    for heading, each in zip(headings, widths, strict=True):
        table.add_column(heading, no_wrap=True, width=each)
    for heading, each in numbers:
        table.add_column(heading, justify="right", no_wrap=True, width=each)
    if places:
        table.add_column("worst at", no_wrap=True)
    for index, row in enumerate(rows):
        mark, style = ("ok", None) if row.comparison.agrees else ("NO", "red")
        name, *others = map(_cut, texts[index], widths, [True, False, False])
        cells = [name, *others, *_numbers(row.comparison)[: len(numbers)], *places[index : index + 1]]
        table.add_row(mark, *map(escape, cells), style=style)
    return table


def _texts(row: Row, *, with_ops: bool) -> list[str]:
    each = row.comparison
    return [each.name, row.op.removeprefix("graph."), _type(each)] if with_ops else [each.name, _type(each)]


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Of columns of text in so many characters: as wide as their texts, else the first gives way, then the others."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    spare = sum(widths) + GAP * len(widths) - room
    for index, least in enumerate((20, 8, 11) if len(widths) == 3 else (20, 11)):
        cut = max(0, min(spare, widths[index] - least))
        widths[index] -= cut
        spare -= cut
    return widths


def _cut(text: str, width: int, front: bool) -> str:
    """Names keep their ends: those of one model begin alike."""
    if len(text) <= width:
        return text
    return f"…{text[len(text) - width + 1 :]}" if front else f"{text[: width - 1]}…"


def _type(each: Comparison) -> str:
    """`f32 2x128`."""
    letters = each.dtype.rstrip("0123456789")
    short = {"float": "f", "bfloat": "bf", "uint": "ui", "int": "i", "bool": "i1"}.get(letters, letters)
    return f"{short}{each.dtype[len(letters) :]} {'x'.join(map(str, each.shape))}".rstrip()


def _numbers(each: Comparison) -> list[str]:
    if each.worst is None and each.problem:
        return ["-", "-", "-", "-"]
    ulp = f"{each.ulp:.0f}" if each.ulp < 1e5 else f"{each.ulp:.0e}".replace("e+0", "e").replace("e+", "e")
    return [f"{each.largest:.1e}", f"{each.relative:.1e}", ulp, f"{each.cosine:.6f}"]


def _detail(each: Comparison) -> str:
    """`3 of 40 values differ, the worst at [0, 3]: 1.5, expected 1.25`."""
    if each.worst is None:
        return each.problem
    count = 1
    for size in each.shape:
        count *= size
    text = f"{each.wrong} of {count} value{'s' if count != 1 else ''} differ, the worst at {_index(each.worst)}: "
    return f"{text}{each.found}, expected {each.expected}" + (f" ({each.problem})" if each.problem else "")


def _index(place: tuple[int, ...] | None) -> str:
    return "" if place is None else f"[{', '.join(map(str, place))}]"
