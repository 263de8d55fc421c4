"""`--format=text`: tables for a terminal, as wide as it is; into a file or a pipe, as wide as they get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuralc.inspection.blocks import Block, by_path
from neuralc.inspection.summary import Summary
from neuralc.inspection.units import (
    UNKNOWN,
    bytes_text,
    known_sum,
    number_text,
    printable,
    shape_text,
    share_text,
    shortened,
)

if TYPE_CHECKING:
    from rich.console import JustifyMethod

ENDLESS = 1 << 16
"""The width of what is no terminal."""

NAME = 24
"""Letters of a name that are worth more than other columns."""

FORMULA = 80
"""Letters of a formula that is worth reading."""


@dataclass(frozen=True)
class Column:
    """`spare` columns go first where the terminal is narrow, the highest first."""

    title: str
    number: bool = False
    spare: int = 0


COLUMNS = (
    Column("layer"), Column("op"), Column("type", spare=3), Column("shape"), Column("parameters", number=True),
    Column("%", number=True, spare=2), Column("flops", number=True), Column("%", number=True, spare=2),
    Column("memory", number=True, spare=1),
)  # fmt: skip


def print_summary(summary: Summary, file: TextIO, *, depth: int | None, layers: bool) -> None:
    """All of a summary; `depth` puts layers together by their names, without `layers` only what the model is."""
    console = Console(file=file, highlight=False, soft_wrap=False, width=None if file.isatty() else ENDLESS)
    console.print(_text(f"{summary.name}, {summary.extent}"))
    console.print(_ports(summary))
    if summary.unsupported:
        console.print()
        console.print(_unsupported(summary))
    if layers and summary.layers:
        blocks = by_path(summary.layers, range(len(summary.layers)), ENDLESS if depth is None else depth)
        console.print()
        console.print(_layers(summary, blocks, console.width))
    console.print()
    for line in _totals(summary):
        console.print(_text(line))


def _ports(summary: Summary) -> Table:
    rows = [
        (kind, port.name, port.dtype, shape_text(port.shape))
        for kind, ports in (("input", summary.inputs), ("output", summary.outputs))
        for port in ports
    ]
    rows += [
        ("state", state.name, state.dtype, f"{shape_text(state.shape)}, {bytes_text(state.bytes)}")
        for state in summary.states
    ]
    rows += [("size", size.name, size.bounds, size.origin) for size in summary.sizes]
    return _table(["", "name", "type", "shape"], rows)


def _unsupported(summary: Summary) -> Table:
    rows = [(each.operator, str(each.count), each.first, each.reason) for each in summary.unsupported]
    return _table(["not compiled", "times", "first node", "reason"], rows, style="red")


def _totals(summary: Summary) -> Iterator[str]:
    yield f"ops: {', '.join(f'{name} {count}' for name, count in summary.operators.items())}"
    yield f"parameters: {summary.parameters:,} ({bytes_text(summary.weight_bytes)})"
    if summary.flops is not None:
        at = f" at {summary.at}" if summary.at else ""
        formula = summary.flops_formula
        general = f"; for all sizes {formula}" if summary.sizes and len(formula) <= FORMULA else ""
        yield f"flops: {number_text(summary.flops)}{at}{general}"
    if summary.peak_bytes is not None:
        where = ""
        if summary.peak_layer is not None:
            layer = summary.layers[summary.peak_layer]
            where = f", first at {layer.name}{f' ({layer.place})' if layer.place else ''}"
        yield f"activations: at most {bytes_text(summary.peak_bytes)} at a time{where}; without fusion"
    if any("{" in value.short for value in summary.values):
        yield "sizes in braces are longer expressions, at these sizes; --format=json has them"


# --- layers ------------------------------------------------------------------------------------------------------
def _layers(summary: Summary, blocks: Sequence[Block], width: int) -> Table:
    """The table of layers: columns that can be spared go, then names lose their beginnings."""
    rows = [_row(summary, block) for block in blocks]
    widths = [
        max([cell_len(column.title), *(cell_len(row[place]) for row in rows)]) for place, column in enumerate(COLUMNS)
    ]
    shown = [place for place in range(len(COLUMNS)) if any(row[place] not in ("", UNKNOWN) for row in rows)]
    for spare in sorted({column.spare for column in COLUMNS if column.spare}, reverse=True):
        rest = sum(widths[place] + 2 for place in shown[1:])
        if rest + min(widths[0], NAME) > width:
            shown = [place for place in shown if COLUMNS[place].spare != spare]
    room = max(width - sum(widths[place] + 2 for place in shown[1:]), NAME // 2)
    table = Table(box=None, pad_edge=False)
    for place in shown:
        justify: JustifyMethod = "right" if COLUMNS[place].number else "left"
        table.add_column(COLUMNS[place].title, justify=justify, no_wrap=True, overflow="ellipsis")
    for block, row in zip(blocks, rows, strict=True):
        refused = any(summary.layers[index].refused for index in block.layers)
        cells = (shortened(row[0], room), *(row[place] for place in shown[1:]))
        table.add_row(*map(_text, cells), style="red" if refused else None)
    return table


def _row(summary: Summary, block: Block) -> tuple[str, ...]:
    layers = summary.layers[block.start : block.stop]
    last = layers[-1]
    parameters = sum(layer.parameters for layer in layers)
    flops = known_sum(layer.flops for layer in layers)
    live = [layer.live_bytes for layer in layers if layer.live_bytes is not None]
    return (
        block.name,
        last.op if len(layers) == 1 else f"{len(layers)} layers",
        last.dtype,
        summary.short_shape(last),
        f"{parameters:,}" if parameters else "-",
        share_text(parameters, summary.parameters),
        "-" if flops == 0 else number_text(flops),
        share_text(flops, summary.flops),
        bytes_text(max(live, default=None)),
    )


def _text(text: str) -> Text:
    """Not markup, and nothing that moves a terminal's cursor."""
    return Text(printable(text))


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], style: str | None = None) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row), style=style)
    return table
