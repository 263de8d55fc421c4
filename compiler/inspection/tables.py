"""The tables of the page: ports, sizes, what is not compiled, costs by op and by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from neuralc.inspection.summary import Layer, Summary
from neuralc.inspection.svg import safe
from neuralc.inspection.units import bytes_text, known_sum, number_text, shape_text, share_text


@dataclass(frozen=True)
class Column:
    """A cost of layers: its name, which is its colour too; how it is read and written; what the whole model has."""

    name: str
    title: str
    number: Callable[[Layer], int | None]
    text: Callable[[int | None], str]
    whole: Callable[[Summary], int | None] = lambda summary: None


PARAMETERS = Column(
    "parameters", "parameters", lambda layer: layer.parameters, lambda count: f"{count:,}", lambda all_: all_.parameters
)
FLOPS = Column("flops", "flops", lambda layer: layer.flops, number_text, lambda all_: all_.flops)
RESULTS = Column("results", "results", lambda layer: layer.bytes, bytes_text)
LIVE = Column("live", "live", lambda layer: layer.live_bytes, bytes_text)


def ports(summary: Summary) -> str:
    rows = [
        (kind, mono(port.name), port.dtype, mono(shape_text(port.shape)))
        for kind, found in (("input", summary.inputs), ("output", summary.outputs))
        for port in found
    ]
    rows += [("state", mono(state.name), state.dtype, mono(shape_text(state.shape))) for state in summary.states]
    return f"<section><h2>Inputs and outputs</h2>{_table(('', 'name', 'type', 'shape'), rows)}</section>"


def sizes(summary: Summary) -> str:
    if not summary.sizes:
        return ""
    rows = [(mono(size.name), size.bounds, str(size.value), safe(size.origin)) for size in summary.sizes]
    return f"<section><h2>Symbolic sizes</h2>{_table(('name', 'bounds', 'in the costs', 'from'), rows)}</section>"


def refusals(summary: Summary) -> str:
    if not summary.unsupported:
        return ""
    rows = [(mono(each.operator), str(each.count), mono(each.first), safe(each.reason)) for each in summary.unsupported]
    rest = "; the rest of the page is what the file says" if summary.is_file else ""
    return (
        f"<section class='notice'><h2 class='refused'>Not compiled</h2><p>What stands in the way is listed here{rest}."
        f"</p>{_table(('operator', 'times', 'first', 'reason'), rows)}</section>\n"
    )


def by_op(summary: Summary) -> str:
    """Ops by what all of them cost together."""
    groups: dict[str, list[Layer]] = {}
    for layer in summary.layers:
        groups.setdefault(layer.op, []).append(layer)

    def cost(column: Column, op: str) -> int | None:
        return known_sum(column.number(layer) for layer in groups[op])

    columns = (PARAMETERS, FLOPS)
    ordered = sorted(groups, key=lambda op: (-(cost(FLOPS, op) or 0), -(cost(PARAMETERS, op) or 0), op))
    rows = "".join(
        f"<tr><td class='mono'>{safe(op)}</td><td class='n'>{len(groups[op]):,}</td>"
        f"{''.join(_cell(column, cost(column, op), column.whole(summary), summary) for column in columns)}</tr>"
        for op in ordered
    )
    return _numbers(("op",), ("layers", *(column.title for column in columns)), (), rows, "ops")


def layers(summary: Summary) -> str:
    """All layers, in the order in which they run."""
    columns = (PARAMETERS, FLOPS, RESULTS, LIVE)
    most = {column.name: max((column.number(layer) or 0 for layer in summary.layers), default=0) for column in columns}
    rows = []
    for index, layer in enumerate(summary.layers):
        cells = "".join(_cell(column, column.number(layer), most[column.name], summary) for column in columns)
        refused = f" class='refused' title='{safe(layer.refused)}'" if layer.refused else ""
        rows.append(
            f"<tr id='layer-{index}' data-layer='{index}'{refused}><td class='n'>{index}</td>"
            f"<td class='mono name'>{safe(layer.name)}</td><td class='mono'>{safe(layer.op)}</td>"
            f"<td>{layer.dtype}</td><td class='mono shape' title='{safe(shape_text(layer.shape))}'>"
            f"{safe(summary.short_shape(layer))}</td>{cells}<td class='mono soft'>{safe(layer.place)}</td></tr>\n"
        )
    search = "<input type='search' placeholder='filter' aria-label='filter layers' hidden>"
    titles = tuple(column.title for column in columns)
    return search + _numbers(("#", "layer", "op", "type", "shape"), titles, ("source",), "".join(rows), "layers")


def mono(text: str) -> str:
    return f"<span class='mono'>{safe(text)}</span>"


def _cell(column: Column, number: int | None, most: int | None, summary: Summary) -> str:
    """A number with a bar below it; the share of the whole model where there is one."""
    if not number:
        return f"<td class='n' data-value='0'>{'-' if number == 0 else '?'}</td>"
    share = share_text(number, column.whole(summary))
    small = f" <small>{share} %</small>" if share else ""
    part = 100 * number / most if most else 0
    return (
        f"<td class='n bar {column.name}' style='--part:{part:.1f}' data-value='{number}'>"
        f"{column.text(number)}{small}</td>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of ready cells."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    titles = "".join(f"<th>{title}</th>" for title in head)
    return f"<div class='wide'><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"


def _numbers(before: Sequence[str], numbers: Sequence[str], behind: Sequence[str], body: str, name: str) -> str:
    titles = "".join(f"<th class='n'>{title}</th>" if title == "#" else f"<th>{title}</th>" for title in before)
    titles += "".join(f"<th class='n'>{title}</th>" for title in numbers)
    titles += "".join(f"<th>{title}</th>" for title in behind)
    return (
        f"<div class='wide'><table class='{name}'><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )
