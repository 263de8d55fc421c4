"""The table of diagnostic codes: what `neuralc explain E0123` prints and what the documentation of errors is made from.

To add a code: one entry in the file of its subject, with an example that triggers it.

    E01 syntax.py          E05 weights.py         E09 runs.py
    E02 names.py           E06 imports.py         E99 faults.py
    E03 arguments.py       E07 unsupported.py     W.. warnings.py, numbered likewise
    E04 shapes.py          E08 targets.py

An example is the text of a `.nr` model; one that starts with `$ ` is a command line, with `>>> ` Python. A model of
several files has a line `# file: name.nr` before each.
"""

from __future__ import annotations

from neuralc.grammar.codes import (
    arguments,
    faults,
    imports,
    names,
    runs,
    shapes,
    syntax,
    targets,
    unsupported,
    warnings,
    weights,
)
from neuralc.grammar.codes.code import Code, example_files

__all__ = ["CODES", "Code", "example_files"]

CODES: dict[str, Code] = {
    **syntax.CODES, **names.CODES, **arguments.CODES, **shapes.CODES, **weights.CODES, **imports.CODES,
    **unsupported.CODES, **targets.CODES, **runs.CODES, **faults.CODES, **warnings.CODES,
}  # fmt: skip
