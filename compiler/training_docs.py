"""Writes docs/language/training_tables.md and training_scripts.md from the tables about training: `make docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from neuralc.emit.code_forms import FORMS
from neuralc.grammar.initializers import CONSTRAINTS, INITIALIZERS, REGULARIZERS
from neuralc.grammar.parameters import Parameter
from neuralc.grammar.training.callbacks import CALLBACKS
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS, SCHEDULES
from neuralc.grammar.training.sections import SECTIONS
from neuralc.grammar.training.table import Entry, Table
from neuralc.layers import written
from neuralc.tables import training_forms
from neuralc.tables.training_forms import Cell

HEAD = """# Optimizers, schedules, losses, metrics, callbacks, sections; initializers, regularizers, constraints

Written by `make docs` from the tables of the code; a test fails where it is out of date. How they are written in a
model: [training.md](training.md).

A name is found in any case, in snake_case and in CamelCase. A parameter without a default has to be given.
"""

MANY = 6
"""Entries of a table that tells once what nearly all of them take."""

TABLES: dict[str, Table] = {
    "Optimizers": OPTIMIZERS,
    "Learning rate schedules": SCHEDULES,
    "Losses": LOSSES,
    "Metrics": METRICS,
    "Callbacks": CALLBACKS,
    "Initializers": INITIALIZERS,
    "Regularizers": REGULARIZERS,
    "Constraints": CONSTRAINTS,
}


def text() -> str:
    """docs/language/training_tables.md."""
    parts = [HEAD]
    parts += ["\n".join(_table(title, table)) for title, table in TABLES.items()]
    parts += ["\n".join(_section(name, parameters)) for name, parameters in SECTIONS.items()]
    return "\n".join(parts)


def _table(title: str, table: Table) -> Iterator[str]:
    yield f"## {title}\n"
    shared = _shared(table.entries) if len(table.entries) >= MANY else []
    if shared:
        yield f"Those of Keras also take {', '.join(f'`{_written(parameter)}`' for parameter in shared)}.\n"
    yield "| name | also | parameters | definition | source |"
    yield "|---|---|---|---|---|"
    for entry in table.entries:
        own = [parameter for parameter in entry.parameters if not (_of_keras(entry) and parameter in shared)]
        cells = (
            f"`{entry.name}`",
            " ".join(f"`{alias}`" for alias in entry.aliases),
            "<br>".join(f"`{_written(parameter)}`: {_about(parameter)}" for parameter in own),
            entry.doc,
            f"`{entry.source}`",
        )
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _section(name: str, parameters: Iterable[Parameter]) -> Iterator[str]:
    yield f"## `{name}`\n"
    yield "| entry | value | meaning |"
    yield "|---|---|---|"
    for parameter in parameters:
        yield f"| `{parameter.name}` | {parameter.kind.description} | {parameter.doc} |"
    yield ""


SCRIPTS = """# What training scripts have

Written by `make docs`, which writes a script for each entry in each form; a test fails where the page is out of date.
What `--for=training` does: [frameworks.md](../frameworks.md#training). What entries take:
[training_tables.md](training_tables.md).

A name is what the script calls; "in the script" is a function or a class that stands there, from the definition in
`source` of the tables. What is not written is refused, E0850, with the reason below.
"""


def scripts() -> str:
    """docs/language/training_scripts.md."""
    parts = [SCRIPTS]
    parts += ["\n".join(_forms(title, training_forms.rows(table))) for title, table in training_forms.TABLES.items()]
    parts.append("\n".join(_forms("Further clauses", training_forms.uses())))
    return "\n".join(parts)


def _forms(title: str, rows: Iterable[tuple[str, Sequence[Cell]]]) -> Iterator[str]:
    """A table of entries and forms, and why some are not there."""
    names = [form.name for form in FORMS.values()]
    reasons: dict[str, list[str]] = {}
    yield f"## {title}\n"
    yield f"| | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for entry, cells in rows:
        texts = [each.text if each.is_written else "no" for each in cells]
        yield f"| `{entry}` | {' | '.join(texts)} |"
        for name, each in zip(names, cells, strict=True):
            if not each.is_written:
                reasons.setdefault(each.text, []).append(name)
    yield ""
    yield from (f"* {', '.join(dict.fromkeys(forms))}: {reason}" for reason, forms in reasons.items())
    if reasons:
        yield ""


def _of_keras(entry: Entry) -> bool:
    return entry.source.startswith("keras.")


def _shared(entries: Iterable[Entry]) -> list[Parameter]:
    """What nearly all entries of Keras take."""
    keras = [entry for entry in entries if _of_keras(entry)]
    return [
        parameter
        for parameter in keras[0].parameters
        if sum(parameter in entry.parameters for entry in keras) > 0.7 * len(keras)
    ]


def _written(parameter: Parameter) -> str:
    return parameter.name if parameter.required else f"{parameter.name}={written(parameter.default)}"


def _about(parameter: Parameter) -> str:
    return f"{parameter.doc}; {parameter.kind.description}" if parameter.doc else parameter.kind.description


def main() -> int:
    """Write the files of the checkout that this module was imported from."""
    folder = Path(__file__).resolve().parents[1] / "docs" / "language"
    for name, page in (("training_tables.md", text()), ("training_scripts.md", scripts())):
        (folder / name).write_text(page, encoding="utf-8")
        sys.stdout.write(f"{folder / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
