"""Writes a network: items in order, names where a value is used away from the chain, clauses around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import WeightOp, declared_dims, symbols, the_model
from neuralc.emit.nr.clauses import clauses, research, searched
from neuralc.emit.nr.definitions import Definitions
from neuralc.emit.nr.inputs import input_clause
from neuralc.emit.nr.lines import Lines
from neuralc.emit.nr.names import ValueNames, simple
from neuralc.emit.nr.planned import planned
from neuralc.emit.nr.text import filled, written
from neuralc.emit.nr.weights import Origin
from neuralc.emit.refusals import Refusals
from neuralc.grammar.diagnostics import Source
from neuralc.grammar.format import format_source

FORM = "a program"


@dataclass(frozen=True)
class Program:
    """The text of a program, with `{weights}` where its weights clause stands, and where its weights come from."""

    head: str
    tail: str
    weights: Mapping[str, Origin]

    def text(self, weights_file: str | None = None) -> str:
        """With the name of the file that its weights stand in, if they stand in one."""
        clause = "" if weights_file is None or not self.weights else f"  weights: {written(weights_file)}\n"
        return format_source(Source("<program>", self.head + clause + self.tail))


class Writer:
    """The program of a module: its functions as macros and networks, its model as the last network."""

    def __init__(self, module: ModuleOp, refusals: Refusals) -> None:
        self._module, self._model, self._refusals = module, the_model(module), refusals
        self._table = symbols(module)
        self._declared = {name: op for name, op in self._table.items() if isinstance(op, WeightOp)}
        self._definitions = Definitions(module, self._table, FORM)

    @property
    def inexpressible(self) -> frozenset[str]:
        """The functions that have to stand where they are called."""
        return self._definitions.inexpressible

    def program(self) -> Program:
        refusals, model = Refusals(FORM), self._model
        found = planned(model, {}, self._definitions.call, refusals)
        if self.inexpressible:
            return Program("", "", {})
        self._refusals.extend(refusals)
        self._refusals.raise_if_any()
        values = ValueNames(self._definitions.names)
        names = [values.give(value, simple(name)) for name, value in zip(model.inputs, found.body.inputs, strict=True)]
        try:
            clause = input_clause(names, found.body.inputs, declared_dims(self._module))
        except ValueError as problem:
            self._refusals.add(model, str(problem))
            self._refusals.raise_if_any()
            raise
        lines = Lines(values, found, self._declared, searched=searched(model))
        texts = lines.texts(list(zip(model.outputs, found.body.results, strict=True)))
        head = [*self._definitions.texts, f"network {simple(model.sym_name.data)} {{", f"  input: {clause.text}"]
        head += ["  layers:", *(f"    {line}" for line in texts)]
        if lines.outputs:
            head.append(f"  outputs: {lines.outputs}")
        notes = "".join(f"\n{line}\n" for line in research(model))
        tail = "".join(f"  {line}\n" for line in clauses(model)) + "}\n" + notes
        return Program(filled("\n".join(head)) + "\n", tail, lines.weights)
