"""Entries of `train`, `execution`, `benchmark` and `test`: all are optional, none changes what is computed."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, Kind, OneOf, Parameter, Parameters, Several, Whole
from neuralc.grammar.training.callbacks import CALLBACKS, EARLY_STOPPING
from neuralc.grammar.training.kinds import BELOW_ONE, COUNT, INDEX, NOT_NEGATIVE, PRECISION, TEXT, Device, Either
from neuralc.grammar.training.optimizers import RATE
from neuralc.grammar.training.table import CallOf, Table

SEARCH_METHODS = ("random", "grid", "bayesian", "evolutionary", "hyperband")
STOPPING = CallOf(Table("callback", "E0220", (EARLY_STOPPING,)), Either(Flag(), INDEX))
"""`EarlyStopping(...)`; `true` is one with defaults, a number one with that patience."""


def _entry(name: str, kind: Kind, doc: str) -> Parameter:
    return Parameter(name, kind, None, doc)


SECTIONS: dict[str, Parameters] = {
    "train": (
        _entry("data", Several(TEXT), "the data set: its name, or files"),
        _entry("validation_data", Several(TEXT), "data held out, in place of `validation_split`"),
        _entry("epochs", COUNT, "how often all data is seen"),
        _entry("batch_size", COUNT, "examples in a step"),
        _entry("validation_split", BELOW_ONE, "the part of the data that is held out"),
        _entry("shuffle", Flag(), "another order in each epoch"),
        _entry("seed", INDEX, "start of the random numbers"),
        _entry("initial_epoch", INDEX, "the epoch to go on from"),
        _entry("steps_per_epoch", COUNT, "steps in an epoch; all data unless said"),
        _entry("validation_steps", COUNT, "steps in a validation; all data unless said"),
        _entry("validation_batch_size", COUNT, "examples in a step of validation"),
        _entry("validation_freq", COUNT, "epochs between two validations"),
        _entry("learning_rate", RATE, "the learning rate of the default optimizer"),
        _entry("early_stopping", STOPPING, "when to end: true, epochs to wait, or EarlyStopping(...)"),
        _entry("callbacks", Several(CallOf(CALLBACKS)), "what happens between epochs"),
        _entry("verbose", Either(Whole(0, 2), OneOf(("auto",))), "how much is printed"),
        _entry("search_method", OneOf(SEARCH_METHODS), "how values of searches are tried"),
        _entry("trials", COUNT, "how many values of searches are tried"),
    ),
    "execution": (
        _entry("device", Device(), "where the model runs"),
        _entry("precision", PRECISION, "element type of the computation"),
        _entry("target", OneOf(("auto", "cpu", "cuda", "tpu", "interp")), "what code is made for"),
        _entry("threads", COUNT, "threads at run time"),
    ),
    "benchmark": (
        _entry("batch", Several(COUNT), "sizes of the batch"),
        _entry("threads", Several(COUNT), "numbers of threads"),
        _entry("compare", Several(TEXT), "engines to compare with"),
    ),
    "test": (
        _entry("inputs", Several(TEXT), "files with the inputs, in the order of the model"),
        _entry("expect", Several(TEXT), "files with the outputs"),
        _entry("tolerance", NOT_NEGATIVE, "largest difference, relative to the largest output"),
    ),
}
"""What a section may hold, and what it means."""
