"""Writes docs/ops.md from the tables of the code: `python -m neuralc.tables_docs` in the checkout, or `make docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from neuralc.tables import aten, forms, layers, onnx_operators, places, stablehlo_ops

HEAD = """# Operators: what becomes what

Written by `make docs` from the tables of the code; a test fails where it is out of date. No two graph ops say the same.

* [the ops of the graph level](#the-ops-of-the-graph-level) and the places each one needs
* [what forms refuse](#what-forms-refuse): PyTorch, Keras, JAX, ONNX, `.nr`
* [layers of the language](#layers-of-the-language)
* [ONNX operators](#onnx-operators)
* [core ATen ops](#core-aten-ops)
* [StableHLO ops](#stablehlo-ops)
"""


def text() -> str:
    """docs/ops.md."""
    sections = (HEAD, _graph(), _forms(), _layers(), _onnx(), _aten(), _stablehlo())
    return "\n".join("\n".join(section) if not isinstance(section, str) else section for section in sections)


def _graph() -> Iterator[str]:
    yield "## The ops of the graph level\n"
    yield "An op needs these places (tests/unit/house/test_ops.py checks them):\n"
    yield from _table(("place", "file", "what"), ((p.name, f"`{p.where}`", p.what) for p in places.PLACES))
    yield "\nAll have a class, a meaning, a cost and a maker for random programs; the last columns say the rest: native"
    yield "code, and the forms that a model is written in. What a form refuses of them: [below](#what-forms-refuse).\n"
    rows = (
        (
            f"`{_short(op.name)}`",
            places.family(op),
            _cell(places.first_line(op)),
            _mark(places.has_loops(op)),
            *(_mark(forms.writes(form, op)) for form in forms.FORMS),
        )
        for op in places.ops()
    )
    yield from _table(("op", "file", "definition", "native", *forms.FORMS), rows)
    yield ""


def _forms() -> Iterator[str]:
    yield "## What forms refuse\n"
    yield "Ops that a form has no words for; the message is E0850. What each form computes, run in its framework and"
    yield "compared, op by op and layer by layer: [forms.md](forms.md).\n"
    absent = [(form, op) for op in places.ops() for form in forms.FORMS if not forms.writes(form, op)]
    reasons: dict[tuple[str, str], list[str]] = {}
    for form, op in absent:
        reasons.setdefault((form, forms.reason(form, op)), []).append(op.name)
    ordered = sorted(reasons.items(), key=lambda item: [*forms.FORMS].index(item[0][0]))
    rows = ((form, _ops(ops), _cell(reason)) for (form, reason), ops in ordered)
    yield from _table(("form", "ops", "reason"), rows)
    yield "\nUses of ops that are written otherwise; `..` stands for what the message names.\n"
    some = ((each.form, _ops(each.ops), _cell(each.reason)) for each in forms.refusals())
    yield from _table(("form", "ops", "reason"), some)
    yield ""


def _layers() -> Iterator[str]:
    yield "## Layers of the language\n"
    yield "What each is and takes: [layers.md](layers.md). The ops are those of its example there.\n"
    rows = ((layer.name, family, _ops(layers.graph_ops(layer))) for family, found in layers.FAMILIES.items()
            for layer in found)  # fmt: skip
    yield from _table(("layer", "family", "graph ops"), rows)
    yield ""


def _onnx() -> Iterator[str]:
    yield "## ONNX operators\n"
    yield "The version is the newest one that is defined; older ones are read as well, from operator set 7 on.\n"
    rows = ((f"{row.domain}.{row.name}".lstrip("."), str(row.version), _becomes(row)) for row in onnx_operators.rows())
    yield from _table(("operator", "version", "graph ops"), rows)
    yield ""


def _becomes(row: onnx_operators.Row) -> str:
    if not row.makes or row.name in onnx_operators.PARTLY:
        return f"{_ops(row.makes)} {row.reason}".strip()
    return _ops(row.makes)


def _aten() -> Iterator[str]:
    yield "## Core ATen ops\n"
    yield "What `neuralc.from_torch` and .pt2 files take of the ops that torch.export reduces programs to.\n"
    names = sorted((*aten.IMPORTED, *aten.REASONS))
    rows = ((name, aten.REASONS.get(name) or _ops(aten.makes(name))) for name in names)
    yield from _table(("ATen op", "graph ops"), rows)
    yield "\nPrograms are imported as they are exported; these ops, which are not core, need not be taken apart:\n"
    yield from _table(("ATen op", "graph ops"), ((name, _ops(aten.makes(name))) for name in aten.others()))


def _stablehlo() -> Iterator[str]:
    yield ""
    yield "## StableHLO ops\n"
    yield "What jax lowers a function to. Functions of a module are read in the place of their calls.\n"
    rows = ((row.name, f"{_ops(row.makes)} {_cell(row.reason)}".strip()) for row in stablehlo_ops.rows())
    yield from _table(("op", "graph ops"), rows)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    heads = list(heads)
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _ops(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in dict.fromkeys(map(_short, names)))


def _short(name: str) -> str:
    return name.removeprefix("graph.")


def _mark(there: bool) -> str:
    return "yes" if there else "-"


def _cell(sentence: str) -> str:
    return sentence.replace("|", "\\|")


def main() -> int:
    """Write the file of the checkout that this module was imported from."""
    path = Path(__file__).resolve().parents[1] / "docs" / "ops.md"
    path.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
