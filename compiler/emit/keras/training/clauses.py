"""Losses, metrics, optimizers, schedules and callbacks as calls of Keras, whose names the language has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.training.clauses import Clauses
from neuralc.emit.training.settings import Call, call_of, schedule_of
from neuralc.grammar.training.optimizers import OPTIMIZERS

WITHOUT_OPTIMIZER: Mapping[str, str] = {
    "LBFGS": "Keras has no step that asks for the loss several times",
}
"""Optimizers that Keras code has not, and why."""

RULED = ("ASGD", "RAdam", "Rprop")
"""Optimizers that only PyTorch has: the script holds them as classes."""

_NEEDED = ("q",)
"""Arguments of losses that have a default in the class of a loss, and none in its function."""


def loss(chosen: Call) -> Expression:
    return call(chosen.source, **_written(chosen))


def metric(chosen: Call, label: str) -> Value:
    """A metric by the name that the script shows; what Keras has as a loss only is a mean of it."""
    options = _written(chosen)
    if chosen.name == "accuracy":
        return call("keras.metrics.MeanMetricWrapper", **options) if options else "accuracy"
    if chosen.source.startswith("keras.losses."):
        options = {key: chosen[key] for key in _NEEDED if key in chosen.arguments} | options
        options.pop("reduction", None)
        options["name"] = label
        return call("keras.metrics.MeanMetricWrapper", name(f"keras.losses.{chosen.name}"), **options)
    return call(chosen.source, **{**options, "name": label})


def optimizer(chosen: Call, rate: Value = None) -> Expression:
    """An optimizer; `rate` where the script has made one."""
    options = _written(chosen)
    schedule = schedule_of(chosen)
    if rate is not None:
        options["learning_rate"] = rate
    elif schedule is not None:
        options["learning_rate"] = call(schedule.source, **_written(schedule))
    elif chosen.name in RULED and "learning_rate" not in options:
        options["learning_rate"] = chosen["learning_rate"]
    if "inner_optimizer" in chosen.calls:
        options = {"inner_optimizer": optimizer(call_of(chosen.calls["inner_optimizer"], OPTIMIZERS)), **options}
    if chosen.name in RULED:
        return call(chosen.name, learning_rate=options["learning_rate"])
    return call(chosen.source, **options)


def callback(clauses: Clauses, chosen: Call) -> Expression:
    options = _written(chosen)
    if "monitor" in options:
        options["monitor"] = clauses.monitor(chosen)
    if "schedule" in chosen.calls:
        return call(chosen.source, name("learning_rate"), **options)
    return call(chosen.source, **options)


def _written(chosen: Call) -> dict[str, Value]:
    """The arguments that the program gives, by name."""
    return {key: _value(chosen.arguments[key]) for key in chosen.arguments if key in chosen.written - set(chosen.calls)}


def _value(given: Any) -> Value:
    if isinstance(given, str) or not isinstance(given, Sequence):
        found: Value = given
        return found
    return name(f"[{', '.join(map(repr, given))}]")
