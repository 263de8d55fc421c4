"""The page of `--dump-ir`: a table of passes and, for each that changed something, before and after side by side.

One file without scripts or fonts from elsewhere: it opens from disk, and can be attached to a report.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralc.passes.manager import Step

CONTEXT_LINES = 3
LONGEST_DIFF = 4000
"""Lines of a dump above which no difference is shown: `difflib` is quadratic, and nobody reads it."""

_STYLE = """
:root { color-scheme: light dark; --rule: #8884; --gone: #d33a; --new: #2a4a; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 110rem; padding: 0 1.5rem; }
h1 { font-size: 1.35rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
table.passes { border-collapse: collapse; }
table.passes :is(td, th) { padding: .15rem 1rem .15rem 0; text-align: left; border-bottom: 1px solid var(--rule); }
table.passes td.n, table.passes th.n { text-align: right; font-variant-numeric: tabular-nums; }
tr.same { opacity: .55; }
.bar { display: inline-block; height: .6em; background: #47c; vertical-align: baseline; }
table.diff { border-collapse: collapse; width: 100%; table-layout: fixed; font: 12.5px/1.4 ui-monospace, monospace; }
table.diff td { white-space: pre-wrap; overflow-wrap: anywhere; vertical-align: top; padding: 0 .5rem; }
table.diff td + td { border-left: 1px solid var(--rule); }
td.gone { background: color-mix(in srgb, var(--gone) 28%, transparent); }
td.new { background: color-mix(in srgb, var(--new) 28%, transparent); }
td.skip { color: #888; text-align: center; }
"""


def render_page(start: str, steps: Sequence[tuple[Step, str | None]]) -> str:
    """The page for the module at the start and each step with the file it was dumped to, if any."""
    sections = "".join(_section(step, file) for step, file in steps if file is not None)
    return (
        "<!doctype html>\n<html lang='en'><meta charset='utf-8'><title>neuralc passes</title>"
        f"<style>{_STYLE}</style>\n<h1>Passes</h1>\n{_table(start, steps)}\n{sections}</html>\n"
    )


def _table(start: str, steps: Sequence[tuple[Step, str | None]]) -> str:
    longest = max((step.seconds for step, _ in steps), default=0.0) or 1.0
    gap, lines = "<td></td>" * 3, start.count("\n")
    rows = [f"<tr><td class='n'>0</td><td><a href='000-input.mlir'>input</a></td>{gap}<td class='n'>{lines}</td></tr>"]
    for step, file in steps:
        name = escape(str(step.each.spec()))
        link = f"<a href='#p{step.index}'>{name}</a>" if file is not None else name
        ops = f"{step.ops_before} → {step.ops_after}" if step.ops_before != step.ops_after else str(step.ops_after)
        bar = f"<span class='bar' style='width:{100 * step.seconds / longest:.0f}px'></span>"
        rows.append(
            f"<tr class='{'changed' if file else 'same'}'><td class='n'>{step.index}</td><td>{link}</td>"
            f"<td class='n'>{step.seconds * 1e3:.1f}</td><td>{bar}</td><td class='n'>{ops}</td>"
            f"<td class='n'>{step.after.count(chr(10))}</td></tr>"
        )
    head = (
        "<tr><th class='n'>#</th><th>pass</th><th class='n'>ms</th><th></th>"
        "<th class='n'>ops</th><th class='n'>lines</th></tr>"
    )
    return f"<table class='passes'>{head}{''.join(rows)}</table>"


def _section(step: Step, file: str | None) -> str:
    title = escape(step.each.name)
    return (
        f"<h2 id='p{step.index}'>{step.index} <a href='{file}'>{title}</a></h2>\n"
        f"<table class='diff'>{''.join(_rows(step.before.splitlines(), step.after.splitlines()))}</table>\n"
    )


def _rows(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    if len(before) + len(after) > LONGEST_DIFF:
        yield "<tr><td class='skip' colspan='2'>too long to show side by side; the files hold it</td></tr>"
        return
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    end = 0
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        if group[0][3] > end:
            yield f"<tr><td class='skip' colspan='2'>⋯ {group[0][3] - end} lines</td></tr>"
        for tag, before_start, before_end, after_start, after_end in group:
            old, new = before[before_start:before_end], after[after_start:after_end]
            for row in range(max(len(old), len(new))):
                yield _row(old[row : row + 1], new[row : row + 1], tag != "equal")
            end = after_end
    if len(after) > end:
        yield f"<tr><td class='skip' colspan='2'>⋯ {len(after) - end} lines</td></tr>"


def _row(old: Sequence[str], new: Sequence[str], differs: bool) -> str:
    left = f"<td class='{'gone' if differs and old else ''}'>{escape(''.join(old))}</td>"
    right = f"<td class='{'new' if differs and new else ''}'>{escape(''.join(new))}</td>"
    return f"<tr>{left}{right}</tr>"
