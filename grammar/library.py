"""The definitions of a file and of the files it imports: which macro or network a name means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, Span, error, listed, suggest, warning
from neuralc.grammar.parser import MAX_BYTES, parse, read_source
from neuralc.grammar.signatures import find
from neuralc.grammar.values import Report

MAX_IMPORTS = 100
"""Most files that import one another in a row."""
MAX_PARAMETERS = 255
"""Most parameters of a macro or a network: each use of it goes over all of them."""


@dataclass(frozen=True, eq=False)
class Definition:
    """A macro or a network, and the file whose names it sees."""

    tree: t.Macro | t.Network
    unit: Unit

    @property
    def name(self) -> str:
        return self.tree.name.value


@dataclass(eq=False)
class Unit:
    """One file: its own definitions and those it imports, by name."""

    source: Source
    file: t.File
    definitions: dict[str, Definition] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    """Names that could not be imported, which was reported: their use is no error of its own."""

    def find(self, name: str) -> Definition | None:
        """By the name as written; in another case too, where it is not the name of a layer."""
        found = self.definitions.get(name)
        if found is None and find(name) is None:
            found = self._in_any_case.get(name.lower())
        return found

    @cached_property
    def _in_any_case(self) -> Mapping[str, Definition]:
        """By names in lower case; of several the first. Asked for when all definitions are there."""
        return {name.lower(): each for name, each in reversed(self.definitions.items())}


Units: TypeAlias = dict[Path, Unit]


class Library:
    """Reads a file and what it imports; each file once."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._units: Units = {}
        self._reading: list[tuple[Path, str]] = []
        self._failed: set[Path] = set()
        self._left = MAX_BYTES

    def unit(self, source: Source, file: t.File) -> Unit:
        """The names of a file. Problems of its definitions and imports are reported."""
        path = _resolved(Path(source.name))
        unit = Unit(source, file)
        self._units[path] = unit
        self._reading.append((path, source.name))
        definitions: list[t.Macro | t.Network] = [*file.macros, *file.networks]
        for definition in definitions:
            self._define(unit, definition)
        for clause in file.imports:
            self._import(unit, clause)
        self._reading.pop()
        return unit

    def _define(self, unit: Unit, tree: t.Macro | t.Network) -> None:
        name = tree.name.value
        if not self._free(unit, name, tree.name.span):
            return
        if len(tree.parameters) > MAX_PARAMETERS:
            message = f"`{name}` has {len(tree.parameters)} parameters, the most is {MAX_PARAMETERS}"
            self._report(Diagnostic("E0313", message, tree.name.span))
            return
        unit.definitions[name] = Definition(tree, unit)
        if isinstance(tree, t.Macro) and find(name) is not None:
            self._report(warning("W0201", f"the macro `{name}` hides the layer of that name", tree.name.span))
        if isinstance(tree, t.Network) and name == "batch":
            message = "`batch` is the name of the batch dimension"
            self._report(Diagnostic("E0208", message, tree.name.span, (), "choose another name for the network"))
        parameters: set[str] = set()
        for parameter in tree.parameters:
            if parameter.name.value in parameters:
                message = f"`{name}` has two parameters `{parameter.name.value}`"
                self._report(Diagnostic("E0208", message, parameter.span))
            parameters.add(parameter.name.value)

    def _free(self, unit: Unit, name: str, place: Span) -> bool:
        first = unit.definitions.get(name)
        if first is None:
            return True
        where = first.tree.name.span
        note = f"the first one is in line {where.line}" if where.source is unit.source else f"the first is at {where}"
        self._report(Diagnostic("E0208", f"`{name}` is defined twice", place, (note,)))
        return False

    # --- imports -----------------------------------------------------------------------------------------------------
    def _import(self, unit: Unit, clause: t.Import) -> None:
        imported = self._read(unit, clause)
        if imported is None:
            unit.missing |= {name.value for name in clause.names}
            return
        for name in clause.names:
            found = imported.definitions.get(name.value)
            if found is None:
                unit.missing.add(name.value)
                known = listed(imported.definitions) or "nothing"
                self._report(
                    Diagnostic(
                        "E0213",
                        f"`{clause.path.value}` defines no `{name.value}`",
                        name.span,
                        (f"it defines {known}",),
                        suggest(name.value, imported.definitions),
                    )
                )
            elif self._free(unit, name.value, name.span):
                unit.definitions[name.value] = found

    def _read(self, unit: Unit, clause: t.Import) -> Unit | None:
        """The unit of an imported file; None where it cannot be had, which is reported."""
        name = str(Path(unit.source.name).parent / clause.path.value)
        path = _resolved(Path(name))
        chain = [known for known, _ in self._reading]
        if path in chain:
            names = [shown for _, shown in self._reading[chain.index(path) :]] + [name]
            message = f"`{clause.path.value}` imports this file again"
            self._report(Diagnostic("E0214", message, clause.path.span, (f"the circle is {' -> '.join(names)}",)))
            return None
        if path in self._units:
            return self._units[path]
        if path in self._failed:
            return None
        try:
            return self._new(name)
        except NeuralcError as problem:
            self._failed.add(path)
            for found in problem.diagnostics:
                self._report(self._through(found, clause))
            return None

    def _new(self, name: str) -> Unit:
        """Reads and parses a file. Raises NeuralcError."""
        if len(self._reading) > MAX_IMPORTS:
            raise error("E0215", f"files import files more than {MAX_IMPORTS} deep")
        source = read_source(name)
        self._left -= len(source.text)
        if self._left < 0:
            raise error("E0215", f"the files of this model are larger than {MAX_BYTES >> 20} MB together")
        return self.unit(source, parse(source))

    def _through(self, found: Diagnostic, clause: t.Import) -> Diagnostic:
        """A problem of another file, with the imports that lead there."""
        chain = " -> ".join([shown for _, shown in self._reading])
        if found.span is None:
            message = f"cannot import `{clause.path.value}`: {found.message}"
            return Diagnostic("E0215", message, clause.path.span, (*found.notes, f"imported by {chain}"), found.help)
        note = f"imported by {chain}, line {clause.span.line}"
        return Diagnostic(found.code, found.message, found.span, (*found.notes, note), found.help)


def _resolved(path: Path) -> Path:
    """One path for all ways to a file; RuntimeError is a circle of links."""
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):
        return path
