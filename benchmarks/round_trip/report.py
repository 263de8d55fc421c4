"""The outcomes of all models in all forms as files: data, and a page with a table for each family."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

Rows = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By the path of a model and the form: `kind` and `detail` of the outcome."""

HEAD = """# Round trips

Written by `python -m benchmarks.round_trips --results`; the first lines of that program say what "ok" means. ONNX files
that are not of this repository are named by their folder.

"""


def write_results(rows: Rows, forms: Sequence[str], folder: Path) -> None:
    """round_trips.json and round_trips.md; models of an earlier run that this one did not have stay."""
    data = folder / "round_trips.json"
    before = json.loads(data.read_text("utf-8")) if data.exists() else {}
    found = {**before, **{name: {form: _shown(each) for form, each in row.items()} for name, row in rows.items()}}
    lines = [f" {json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(found.items())]
    data.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    data.with_suffix(".md").write_text(page(found, forms), encoding="utf-8")


def _shown(outcome: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(outcome[key]) for key in ("kind", "detail") if outcome.get(key)}


def page(rows: Rows, forms: Sequence[str]) -> str:
    parts = [HEAD]
    for family, names in groupby(sorted(rows), lambda name: name.partition("/")[0]):
        own = {name.partition("/")[2]: rows[name] for name in names}
        counts = [Counter(_kind(row, form) for row in own.values()) for form in forms]
        parts.append(f"## {family}\n\n| model | {' | '.join(forms)} |\n|---|{'---|' * len(forms)}\n")
        parts += [f"| {name} | {' | '.join(_kind(row, form) for form in forms)} |\n" for name, row in own.items()]
        parts.append(f"| of {len(own)} ok | {' | '.join(str(count['ok']) for count in counts)} |\n\n")
    reasons = [
        f"* {name} as {form}: {outcome['kind']}: {outcome['detail']}\n"
        for name, row in sorted(rows.items())
        for form, outcome in row.items()
        if outcome.get("detail")
    ]
    return "".join([*parts, "## Remarks\n\n" if reasons else "", *reasons])


def _kind(row: Mapping[str, Mapping[str, Any]], form: str) -> str:
    return str(row.get(form, row.get("import", {"kind": "-"}))["kind"])
