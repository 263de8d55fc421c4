"""Whatever the clauses say: a model whose attributes print and parse back, or errors; never another exception."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuralc.frontends.nr import load
from neuralc.grammar.diagnostics import NeuralcError, Source, render
from neuralc.grammar.library import Library
from neuralc.grammar.parser import parse
from neuralc.grammar.reporter import Reporter
from neuralc.grammar.search_names import search_names
from neuralc.grammar.training.callbacks import CALLBACKS
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS, SCHEDULES
from neuralc.grammar.training.sections import SECTIONS
from neuralc.grammar.training.table import Table
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module

pytestmark = pytest.mark.thorough

NUMBERS = st.sampled_from(["1", "2", "0.1", "0.5", "3", "64.0", "0", "-1", "1e-3"])
LITERALS = NUMBERS | st.sampled_from(["true", "false", "None", "relu", '"max"', "mse", "adam", '"x.npy"', "auto"])
ENDS = st.sampled_from(["1, 2", "1, 10, step=3", "0.1, 0.5", "0.1, 0.5, step=0.1", "2, 1"])


def choice(options: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(options, min_size=1, max_size=3).map(lambda found: f"HPO(choice({', '.join(found)}))")


def listed(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(items, min_size=1, max_size=3).map(lambda found: f"[{', '.join(found)}]")


RANGES = ENDS.map(lambda ends: f"HPO(range({ends}))") | st.sampled_from(["HPO(log_range(0.1, 1))"])
SEARCHES = choice(NUMBERS) | choice(LITERALS | RANGES) | RANGES
VALUES = LITERALS | SEARCHES | listed(LITERALS | SEARCHES)


@st.composite
def calls(draw: st.DrawFn, table: Table, depth: int = 2) -> str:
    entry = table.find(draw(st.sampled_from(table.names)))
    assert entry is not None
    chosen = draw(st.lists(st.sampled_from([parameter.name for parameter in entry.parameters]), max_size=3))
    arguments = []
    for parameter in entry.parameters:
        if not parameter.required and parameter.name not in chosen:
            continue
        values = VALUES
        if parameter.name in ("learning_rate", "schedule") and depth:
            values = VALUES | calls(SCHEDULES, depth - 1)
        if parameter.name == "inner_optimizer" and depth:
            values = calls(OPTIMIZERS, depth - 1)
        arguments.append(f"{parameter.name}={draw(values)}")
    return f"{draw(st.sampled_from([entry.name, entry.name.upper()]))}({', '.join(arguments)})"


def clauses(name: str, table: Table) -> st.SearchStrategy[str]:
    one = calls(table) | choice(calls(table))
    return (one | listed(one)).map(lambda value: f"{name}: {value}")


def entries(name: str) -> st.SearchStrategy[str]:
    def entry(parameter: str) -> st.SearchStrategy[str]:
        values = VALUES
        if parameter in ("callbacks", "early_stopping"):
            values = VALUES | calls(CALLBACKS) | listed(calls(CALLBACKS))
        if parameter == "learning_rate":
            values = VALUES | calls(SCHEDULES)
        return values.map(lambda value: f"{parameter}: {value}")

    names = st.sampled_from([parameter.name for parameter in SECTIONS[name]])
    return st.lists(names.flatmap(entry), max_size=3).map(lambda found: f"{name} {{ {' '.join(found)} }}")


CLAUSES = st.one_of(
    clauses("loss", LOSSES),
    clauses("metrics", METRICS),
    clauses("optimizer", OPTIMIZERS),
    *map(entries, SECTIONS),
)


def checked(source: Source, given_values: dict[str, str]) -> None:
    try:
        module = load(source, settings=given_values).module
    except NeuralcError as failure:
        wrong = [render(diagnostic) for diagnostic in failure.diagnostics if diagnostic.code.startswith("E99")]
        if wrong or not failure.diagnostics:
            raise AssertionError(wrong) from failure
        return
    text = print_module(module)
    assert print_module(parse_module(text)) == text


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CLAUSES, min_size=1, max_size=2), st.data())
def test_random_clauses(found: list[str], data: st.DataObject) -> None:
    source = Source("m.nr", f"network M {{ input: (8) layers: Dense(3) {' '.join(found)} }}")
    file = parse(source)
    names = sorted(search_names(file.networks[0], Library(Reporter()).unit(source, file)).values())
    setting = data.draw(st.sampled_from([None, *names]))
    checked(source, {} if setting is None else {setting: data.draw(LITERALS)})
