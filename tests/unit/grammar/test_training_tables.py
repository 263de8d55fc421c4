"""The tables of what clauses may say: complete against Keras and PyTorch, and sound by themselves."""

import inspect
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from neuralc import training_docs
from neuralc.grammar.parameters import Unfit
from neuralc.grammar.training.callbacks import CALLBACKS
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS, SCHEDULES
from neuralc.grammar.training.sections import SECTIONS
from neuralc.grammar.training.table import Entry, Table

TABLES = (OPTIMIZERS, SCHEDULES, LOSSES, METRICS, CALLBACKS)
ENTRIES = [pytest.param(entry, id=f"{table.noun}-{entry.name}") for table in TABLES for entry in table.entries]

UNSPOKEN = {"self", "args", "kwargs", "dtype", "name"}
"""Parameters that the language has no word for, or none of its own."""
NOT_OF_A_MODEL = {
    "torch.optim": {"params", "lr", "foreach", "capturable", "differentiable"},
    "torch.optim.lr_scheduler": {"optimizer", "last_epoch", "scale_fn"},
}
"""Parameters of PyTorch that say how to compute, or that are said in another place here."""
OURS = {"torch.optim": {"learning_rate"}, "torch.optim.lr_scheduler": {"initial_learning_rate"}}

NO_SETTING = {
    "keras.optimizers": {"Optimizer", "MultiOptimizer", "OptimizerMap"},
    "keras.optimizers.schedules": {"LearningRateSchedule"},
    "keras.losses": {"Loss"},
    "keras.metrics": {"Metric", "Mean", "Sum", "MeanMetricWrapper"},
    "keras.callbacks": {
        "Callback", "CallbackList", "History", "LambdaCallback", "ProgbarLogger", "RemoteMonitor", "OrbaxCheckpoint",
    },
}  # fmt: skip
"""Classes of Keras that are bases, hold Python functions or other layers, or need a service beside the training."""


def source_of(entry: Entry) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    parts = entry.source.split(".")
    found = pytest.importorskip(parts[0])
    for part in parts[1:]:
        found = getattr(found, part)
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("entry", ENTRIES)
def test_parameters_and_defaults_are_those_of_the_source(entry: Entry) -> None:
    module = entry.source.rpartition(".")[0]
    theirs = {
        name: parameter.default
        for name, parameter in inspect.signature(source_of(entry).__init__).parameters.items()
        if name not in UNSPOKEN | NOT_OF_A_MODEL.get(module, set())
    }
    ours = {
        parameter.name: inspect.Parameter.empty if parameter.required else parameter.default
        for parameter in entry.parameters
        if parameter.name not in {"name"} | OURS.get(module, set())
    }
    assert ours == theirs
    assert list(ours) == list(theirs)


@pytest.mark.thorough
@pytest.mark.parametrize("module", NO_SETTING)
def test_nothing_of_keras_is_missing(module: str) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    found = pytest.importorskip("keras")
    for part in module.split(".")[1:]:
        found = getattr(found, part)
    theirs = {name for name in dir(found) if inspect.isclass(getattr(found, name))} - NO_SETTING[module]
    sources = {entry.source for table in TABLES for entry in table.entries}
    assert {name for name in theirs if f"{module}.{name}" not in sources} == set()


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_explains_itself(entry: Entry) -> None:
    assert entry.source.startswith(("keras.", "torch."))
    assert entry.doc
    names = [parameter.name for parameter in entry.parameters]
    assert len(names) == len(set(names))
    for parameter in entry.parameters:
        assert parameter.doc or parameter.name == "name", parameter.name


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_default_is_a_value_that_the_parameter_takes(entry: Entry) -> None:
    for parameter in entry.parameters:
        if not parameter.required:
            try:
                parameter.kind.convert(parameter.default)
            except Unfit as unfit:
                pytest.fail(f"{parameter.name} {unfit.message}")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.noun)
def test_every_name_finds_its_entry(table: Table) -> None:
    for entry in table.entries:
        camel = entry.source.rpartition(".")[2]
        for name in (entry.name, entry.name.upper(), camel, *entry.aliases):
            assert table.find(name) is entry, name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.noun)
def test_what_is_advised_for_other_names_exists(table: Table) -> None:
    for name, advice in table.elsewhere.items():
        assert table.find(name) is None, name
        assert table.find(advice.partition("(")[0]) is not None, advice


def test_entries_of_sections_explain_themselves() -> None:
    for section, parameters in SECTIONS.items():
        for parameter in parameters:
            assert parameter.doc, f"{section}.{parameter.name}"
            assert not parameter.required


def test_the_page_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / "docs" / "language" / "training_tables.md"
    assert page.read_text(encoding="utf-8") == training_docs.text(), "make docs"


@pytest.mark.thorough
def test_the_page_of_training_scripts_is_up_to_date() -> None:
    if find_spec("optax") is None:
        pytest.skip("scripts of JAX use optax")
    page = Path(__file__).parents[3] / "docs" / "language" / "training_scripts.md"
    assert page.read_text(encoding="utf-8") == training_docs.scripts(), "make docs"
