"""What moves the learning rate: a scheduler of PyTorch where it means the same, else `learning_rate` of the script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.emit.python.expressions import Value, call, name
from neuralc.emit.torch.training.optimizers import cycles_momentum
from neuralc.emit.training.loop import Loop
from neuralc.emit.training.settings import Call, schedule_of

BY_STEP = ("CyclicLR", "OneCycleLR")
"""Schedulers of PyTorch that count steps; the others count epochs."""

_START = {"OneCycleLR": "max_lr", "CyclicLR": "base_lr"}


@dataclass(frozen=True)
class Scheduler:
    """How a scheduler is made, and what it is told."""

    made: Value = None
    native: bool = True
    by_step: bool = False
    watched: str = ""
    """The number that it is told after each epoch."""


def scheduler_of(loop: Loop) -> Scheduler | None:
    """What moves the rate of a model, if anything does. Refuses what moves a momentum that is not there."""
    plateau = loop.one("ReduceLROnPlateau")
    if plateau is not None:
        return Scheduler(_plateau(loop, plateau), watched=loop.clauses.monitor(plateau))
    schedule = schedule_of(loop.clauses.optimizer)
    if schedule is None or not schedule.source.startswith("torch."):
        return None if loop.rate is None else Scheduler(native=False, by_step=not loop.rate.by_epoch)
    chosen = loop.clauses.optimizer
    if cycles_momentum(chosen) and not _has_momentum(chosen):
        loop.clauses.refuse(f"{schedule.name} moves a momentum, which {chosen.name} has not: `cycle_momentum=false`")
    return Scheduler(_native(schedule), by_step=schedule.name in BY_STEP)


def start(loop: Loop, scheduler: Scheduler | None) -> Value:
    """The rate that an optimizer is made with."""
    chosen = loop.clauses.optimizer
    schedule = schedule_of(chosen)
    if scheduler is not None and not scheduler.native:
        assert loop.rate is not None
        return name("learning_rate(0, total)" if loop.rate.needs_total else "learning_rate(0)")
    if schedule is not None:
        return float(schedule[_START.get(schedule.name, "initial_learning_rate")])
    return float(chosen["learning_rate"])


def _has_momentum(chosen: Call) -> bool:
    return chosen.name in ("Adam", "AdamW", "RAdam") or bool(chosen.name == "SGD" and chosen["momentum"])


def _native(schedule: Call) -> Value:
    options: dict[str, Value] = {}
    for key in schedule.arguments:
        value = schedule[key]
        if key in schedule.written and key not in ("initial_learning_rate", "name"):
            options[key] = (
                name(f"[{', '.join(map(repr, value))}]")
                if isinstance(value, Sequence | list) and not isinstance(value, str)
                else value
            )
    if schedule.name == "OneCycleLR" and "total_steps" not in options and "steps_per_epoch" not in options:
        options["total_steps"] = name("arguments.epochs * len(batches)")
    return call(f"torch.optim.lr_scheduler.{schedule.name}", name("optimizer"), **options)


def _plateau(loop: Loop, plateau: Call) -> Value:
    """Keras counts the epoch that a wait ends with, PyTorch counts the epochs before it."""
    return call(
        "torch.optim.lr_scheduler.ReduceLROnPlateau",
        name("optimizer"),
        mode="max" if loop.clauses.rises(plateau) else "min",
        factor=plateau["factor"],
        patience=max(plateau["patience"] - 1, 0),
        threshold=plateau["min_delta"],
        threshold_mode="abs",
        cooldown=max(plateau["cooldown"] - 1, 0),
        min_lr=plateau["min_lr"],
        eps=0.0,
    )
