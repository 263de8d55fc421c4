"""docs/forms.md says what is: every op and layer has a row, and what it calls refused the emitters refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.graph_modules import GraphModule, tensor
from xdsl.dialects.builtin import f64

from benchmarks.forms.programs import Program, Subject, layer_subjects, op_subjects
from benchmarks.forms.results import BARS, Cell
from benchmarks.forms.trial import Outcome, Trials
from benchmarks.round_trip import compare
from neuralc import forms_docs
from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.tables import forms

RESULTS = forms_docs.measured()
AGAIN = "python -m benchmarks.forms"


def cells() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Kind and name of a row, a form, and what was found."""
    for kind, rows in RESULTS.items():
        for name, row in rows.items():
            yield from ((kind, name, form, row.get(form, {})) for form in forms.KINDS)


@pytest.fixture(scope="module")
def trials() -> Iterator[Trials]:
    found = Trials()
    yield found
    found.stop()


def test_every_op_and_layer_has_a_row_and_each_form_a_cell() -> None:
    assert {kind: list(rows) for kind, rows in RESULTS.items()} == forms.rows(), AGAIN
    assert [each[:3] for each in cells() if not each[3]] == [], AGAIN


def test_the_page_is_up_to_date() -> None:
    assert (forms_docs.DOCS / "forms.md").read_text(encoding="utf-8") == forms_docs.text(), "make docs"


def test_no_result_is_wrong() -> None:
    for _, name, form, cell in cells():
        bars = dict.fromkeys(BARS, compare.SINGLE) if forms.inexact(form, name) else BARS
        assert not cell.get("faults"), (name, form)
        assert all(cell.get(precision, 0) <= bar for precision, bar in bars.items()), (name, form)


def test_an_op_is_refused_where_a_form_has_no_words_for_it_and_has_been_run_where_it_has() -> None:
    for kind, name, form, cell in cells():
        if kind == "op":
            reason = forms.without_code(forms.KINDS[form], name)
            assert (forms_docs.status(cell) == "refused") == bool(reason), (name, form)
            assert not reason or reason in cell["refused"], (name, form)


@pytest.mark.thorough
def test_reasons_for_refusals_are_those_of_the_code() -> None:
    unknown = [
        (name, form, reason)
        for _, name, form, cell in cells()
        for reason in cell.get("refused", {})
        if not forms.pattern(form, reason)
    ]
    assert unknown == []


def test_exceptions_are_of_rows_that_there_are() -> None:
    names = {name for found in forms.rows().values() for name in found}
    for (form, _), among in (*forms.INEXACT.items(), *forms.LEFT_OPEN.items()):
        assert form in forms.FORMS
        assert set(among) <= names


@pytest.mark.parametrize("error", [2e-10, np.inf, np.nan])
def test_a_result_beyond_the_bar_is_a_fault(error: float) -> None:
    cell, program = Cell("torch", "op", "softmax"), doubled_softmax()
    cell.add(program, Outcome(error=1e-10))
    assert not cell.faults
    cell.add(program, Outcome(error=error))
    assert len(cell.faults) == cell.entry()["faults"] == 1


def test_an_op_that_no_program_has_is_a_fault_where_a_form_has_words_for_it() -> None:
    cell = Cell("torch", "op", "softmax")
    cell.end()
    assert cell.faults == ["no program has it"]
    known = Cell("torch", "op", "custom")
    known.end()
    assert not known.faults
    assert forms_docs.status(known.entry()) == "refused"


def doubled_softmax() -> Program:
    """A program with the numbers that it computes."""
    module = GraphModule().model({"x": tensor(2, 5, element=f64)}, lambda x: graph.SoftmaxOp.of(x).result)
    inputs = {"x": np.random.default_rng(0).standard_normal((2, 5))}
    weights = WeightStore()
    return Program("softmax", "float64", module, weights, inputs, run_module(module, inputs, weights))


@pytest.mark.thorough
def test_what_a_framework_computes_otherwise_is_seen(trials: Trials) -> None:
    program = doubled_softmax()
    other = replace(program, expected=[each + 1e-9 for each in program.expected])
    right, wrong = trials.outcome("torch", program), trials.outcome("torch", other)
    assert right.error is not None
    assert wrong.error is not None
    assert right.error <= BARS["float64"] < wrong.error


@pytest.fixture(scope="module")
def subjects() -> list[Subject]:
    """Some ops and layers, with few programs."""
    return [*op_subjects("pool", 1), *layer_subjects("ConvLSTM1D"), *layer_subjects("AdditiveAttention")]


@pytest.mark.thorough
def test_programs_of_an_op_hold_it_in_both_precisions(subjects: list[Subject]) -> None:
    for subject in subjects:
        assert {each.precision for each in subject.programs} == set(BARS)
        if subject.kind == "op":
            named = [{op.name for op in program.module.walk()} for program in subject.programs]
            assert all(f"graph.{subject.name}" in names for names in named)


@pytest.mark.slow
@pytest.mark.parametrize("form", forms.KINDS)
def test_they_compute_the_same_in_each_form(form: str, subjects: list[Subject], trials: Trials) -> None:
    for subject in subjects:
        cell = Cell(form, subject.kind, subject.name)
        for program in subject.programs:
            cell.add(program, trials.outcome(form, program))
        cell.end()
        assert cell.faults == []
