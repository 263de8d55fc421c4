"""What each form of a training script has of the entries about training: by writing a script for each of them.

An entry is tried in a small program of its own. Its cell is what the script calls it, or the reason of the refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from neuralc.emit.code_forms import FORMS
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.training.callbacks import CALLBACKS
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS, SCHEDULES
from neuralc.grammar.training.table import Entry, Table

ARGUMENTS: Mapping[str, str] = {
    "BackupAndRestore": '"backup"', "CSVLogger": '"log.csv"', "CosineAnnealingLR": "0.1, T_max=6",
    "CosineAnnealingWarmRestarts": "0.1, T_0=3", "CosineDecay": "0.1, 8", "CosineDecayRestarts": "0.1, 3",
    "CyclicLR": "0.01, max_lr=0.1, cycle_momentum=false", "ExponentialDecay": "0.1, 5, 0.5",
    "ExponentialLR": "0.1, gamma=0.8",
    "InverseTimeDecay": "0.1, 5, 0.5", "LearningRateScheduler": "StepLR(0.1, 3)", "LinearLR": "0.1",
    "LossScaleOptimizer": "SGD(0.1)", "ModelCheckpoint": '"best.safetensors"', "MultiStepLR": "0.1, [2, 5]",
    "OneCycleLR": "0.1, total_steps=12, cycle_momentum=false", "PiecewiseConstantDecay": "[2, 5], [0.1, 0.05, 0.01]",
    "PolynomialDecay": "0.1, 6", "PolynomialLR": "0.1", "StepLR": "0.1, 3", "f1_score": 'average="macro"',
    "fbeta_score": 'average="macro"', "iou": "3, [0]", "mean_iou": "3", "one_hot_iou": "3, [0]",
    "one_hot_mean_iou": "3",
    "precision_at_recall": "0.5", "recall_at_precision": "0.5", "sensitivity_at_specificity": "0.5",
    "specificity_at_sensitivity": "0.5",
}  # fmt: skip
"""What entries are given that need something."""

WATCHING = ("EarlyStopping", "ReduceLROnPlateau")
"""Callbacks that are tried with the loss, as there is no data held out."""


@dataclass(frozen=True)
class Cell:
    """Whether a form has an entry: what it is called there, or why there is none."""

    text: str
    is_written: bool


def cell(form: str, table: Table, entry: Entry) -> Cell:
    """What a form has of an entry."""
    given = 'monitor="loss"' if entry.name in WATCHING else ARGUMENTS.get(entry.name, "")
    return _tried(form, _clauses(table, f"{entry.name}({given})"), _NAMES[table.noun])


def tried(form: str, clauses: str) -> Cell:
    """What becomes of clauses; those that are not said are `mse` and `SGD`."""
    return _tried(form, clauses, "")


def _clauses(table: Table, text: str) -> str:
    """The clauses that try an entry."""
    if table is OPTIMIZERS:
        return f"optimizer: {text}"
    if table is SCHEDULES:
        return f"optimizer: SGD({text})"
    if table is LOSSES:
        return f"loss: {text}"
    if table is METRICS:
        return f"metrics: [{text}]"
    return f"train {{ callbacks: [{text}] }}"


_NAMES: Mapping[str, str] = {
    OPTIMIZERS.noun: r"(?:optimizer ?= ?|OPTIMIZER = (?:optax\.inject_hyperparams\()?)((?:torch|keras|optax)\.[\w.]+)",
    SCHEDULES.noun: r"(?:learning_rate=|scheduler = )((?:keras|torch)\.[\w.]+)",
    LOSSES.noun: r"loss=(keras[\w.]+)",
    METRICS.noun: r'metrics=\[ ?(keras\.[\w.]+|"accuracy")',
    CALLBACKS.noun: r"(?:callbacks=\[ ?|scheduler = )((?:keras|torch)\.[\w.]+)",
}
"""Where a script says what a framework has of an entry."""


@cache
def _tried(form: str, clauses: str, pattern: str) -> Cell:
    added = "".join(
        f" {name}: {value}"
        for name, value in (("loss", '"mse"'), ("optimizer", "SGD(0.1)"))
        if f"{name}:" not in clauses
    )
    text = f'network Net {{ input: (8) layers: Dense(4) Output(3, "softmax") {clauses}{added} }}'
    try:
        module = load(Source("net.nr", text)).module
        script = FORMS[form].training_script(module, FORMS[form].plan(module).text())("net")
    except NeuralcError as refused:
        reasons = [each.message.partition(" training script: ")[2] for each in refused.diagnostics]
        if not all(reasons):
            raise
        return Cell("; ".join(reasons), is_written=False)
    return Cell(_called(script, pattern), is_written=True)


def _called(script: str, pattern: str) -> str:
    """What the framework has, or that the script has it itself; `yes` where nothing is looked for."""
    if not pattern:
        return "yes"
    found = re.search(pattern, " ".join(script.split()))
    return "in the script" if found is None else f"`{found[1]}`"


TABLES: Mapping[str, Table] = {
    "Optimizers": OPTIMIZERS,
    "Learning rate schedules": SCHEDULES,
    "Losses": LOSSES,
    "Metrics": METRICS,
    "Callbacks": CALLBACKS,
}

USES = (
    "optimizer: SGD(0.1, clipnorm=1.0)",
    "optimizer: SGD(0.1, clipvalue=1.0)",
    "optimizer: SGD(0.1, global_clipnorm=1.0)",
    "optimizer: SGD(0.1, weight_decay=0.01)",
    "optimizer: Adam(0.1, use_ema=true)",
    "optimizer: Adam(0.1, gradient_accumulation_steps=2)",
    "optimizer: ASGD(StepLR(0.1, 3))",
    "optimizer: Rprop(StepLR(0.1, 3))",
    "optimizer: SGD(OneCycleLR(0.1, total_steps=12), momentum=0.9)",
    "optimizer: SGD(CyclicLR(0.01, max_lr=0.1), momentum=0.9)",
    'loss: MeanSquaredError(reduction="sum")',
    'loss: MeanSquaredError(reduction="none")',
    "metrics: [Precision(thresholds=[0.2, 0.8])]",
    "metrics: [AUC(multi_label=true)]",
    "metrics: [F1Score()]",
    "train { steps_per_epoch: 5 }",
    'train { callbacks: [ModelCheckpoint("best.safetensors", save_freq=100)] }',
    'train { callbacks: [ModelCheckpoint("best.safetensors", monitor="loss", save_best_only=true)] }',
    'train { callbacks: [EarlyStopping(monitor="auc")] }',
)
"""Further clauses, whose arguments decide."""


def rows(table: Table) -> Iterator[tuple[str, list[Cell]]]:
    """Each entry with a cell for each form."""
    for entry in table.entries:
        yield entry.name, [cell(form, table, entry) for form in FORMS]


def uses() -> Iterator[tuple[str, list[Cell]]]:
    """The same for further clauses."""
    for clauses in USES:
        yield clauses, [tried(form, clauses) for form in FORMS]
