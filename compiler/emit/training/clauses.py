"""What a training script is made of: the clauses of a model, checked for what a form can write of them.

Everything that cannot be written is refused at once, E0850, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from neuralc.dialects.graph import ModelOp
from neuralc.dialects.types import shape_of
from neuralc.emit.refusals import Refusals
from neuralc.emit.training import losses, metrics, rates
from neuralc.emit.training.losses import Measure
from neuralc.emit.training.metrics import Whole, direction
from neuralc.emit.training.rates import Rate
from neuralc.emit.training.settings import Call, Settings, schedule_of
from neuralc.grammar.training.metrics import METRICS

READ = frozenset(
    (
        "batch_size", "data", "epochs", "initial_epoch", "search_method", "seed", "shuffle", "trials",
        "validation_batch_size", "validation_data", "validation_freq", "validation_split", "verbose",
    )
)  # fmt: skip
"""Entries of `train` that a loop has, or that say nothing about it."""

WITHOUT_LOOP: Mapping[str, str] = {
    "BackupAndRestore": "what an optimizer remembers is in no file that the script writes",
    "SwapEMAWeights": "the script keeps no moving average of weights",
    "TensorBoard": "its files are made by a writer of TensorFlow; CSVLogger writes the same numbers",
}
"""Callbacks that only Keras code has, and why."""

_MOVING = ("LearningRateScheduler", "ReduceLROnPlateau")
"""Callbacks that set the learning rate."""

_FIRST_RATE = ("ASGD", "Rprop")
"""Optimizers whose first steps are as long as the learning rate."""

_WATCHING = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau")


@dataclass(frozen=True)
class Loss:
    """The loss of an output: its name, what each example adds, and how a batch becomes one number."""

    name: str
    measure: Measure
    reduction: str


@dataclass(frozen=True)
class Metric:
    """A metric of an output, by the name that it is shown and watched by."""

    label: str
    output: int
    name: str
    measure: Measure | Whole


class Clauses:
    """The clauses of a model for one form, whose name is in `refusals`."""

    def __init__(self, model: ModelOp, refusals: Refusals) -> None:
        self.model = model
        self.refusals = refusals
        self.settings = Settings.of(model)
        self.inputs = tuple(model.inputs)
        self.targets = tuple(model.outputs)
        if not self.settings.losses:
            self.refuse("the program has no `loss`")
        if len(self.settings.losses) not in (0, 1, len(self.targets)):
            self.refuse(f"{len(self.settings.losses)} losses for {len(self.targets)} outputs")
        if self.settings.optimizer is None:
            self.refuse("the program has no `optimizer`")
        self._check_rates()
        self._check_watched()

    def refuse(self, reason: str) -> None:
        self.refusals.add(self.model, reason)

    @property
    def optimizer(self) -> Call:
        assert self.settings.optimizer is not None, "refused else"
        return self.settings.optimizer

    def callback(self, name: str) -> list[Call]:
        """The callbacks of a name."""
        return [call for call in self.settings.callbacks if call.name == name]

    # -- for all forms -------------------------------------------------------------------------------------------------

    @property
    def losses(self) -> Sequence[Call]:
        """One for each output."""
        given = self.settings.losses
        return [*given] * len(self.targets) if len(given) == 1 else given

    def metrics(self) -> Iterator[tuple[str, int, Call]]:
        """The label of each metric, its output, and what it is."""
        for index, target in enumerate(self.targets):
            prefix = f"{target}_" if len(self.targets) > 1 else ""
            for call in self.settings.metrics:
                yield prefix + (call.arguments.get("name") or call.name), index, call

    def form_of(self, metric: Call, output: int) -> Call:
        """The metric that `accuracy` stands for."""
        if metric.name != "accuracy" or not self.settings.losses:
            return metric
        shape = shape_of(self.model.terminator.operands[output].type)
        return replace(metric, name=metrics.accuracy(self.losses[min(output, len(self.losses) - 1)].name, shape[-1]))

    def rises(self, callback: Call) -> bool:
        """Whether the number that a callback watches should rise."""
        if callback["mode"] != "auto":
            return bool(callback["mode"] == "max")
        found = self._watched(callback)
        return found is not None and direction(found.name) == "max"

    def monitor(self, callback: Call) -> str:
        """The number that a callback watches, by the name that scripts have for it."""
        prefix, name = _split(callback["monitor"])
        labels = {label for label, _, _ in self.metrics()}
        entry = METRICS.find(name)
        return prefix + (name if name in labels or entry is None or name == "loss" else entry.name)

    @property
    def watches_held_out(self) -> Sequence[str]:
        """The callbacks that watch a number on held-out data."""
        return [call.name for call in self._watching() if call["monitor"].startswith("val_")]

    def _watching(self) -> Iterator[Call]:
        for call in self.settings.callbacks:
            # A checkpoint of every epoch looks at no number.
            if call.name in _WATCHING and (call.name != "ModelCheckpoint" or call["save_best_only"]):
                yield call

    def _watched(self, callback: Call) -> Call | None:
        """The metric that a callback watches; none for the loss."""
        name = _split(self.monitor(callback))[1]
        return next((self.form_of(call, index) for label, index, call in self.metrics() if label == name), None)

    def _check_watched(self) -> None:
        for call in self._watching():
            if _split(call["monitor"])[1] == "loss":
                continue
            found = self._watched(call)
            if found is None:
                self.refuse(f"{call.name} watches `{call['monitor']}`, which no metric of the program is")
            elif call["mode"] == "auto" and direction(found.name) is None:
                self.refuse(
                    f'{call.name} needs a `mode`: whether `{call["monitor"]}` should rise ("max") or fall ("min")'
                )
        if self.settings.train.get("validation_freq", 1) > 1 and self.watches_held_out:
            self.refuse(f"{self.watches_held_out[0]} needs held-out data in each epoch, not as `validation_freq` says")

    def _check_rates(self) -> None:
        moved = [
            call.name for call in self.settings.callbacks if call.name in ("LearningRateScheduler", "ReduceLROnPlateau")
        ]
        if self.settings.optimizer is not None and moved and schedule_of(self.settings.optimizer) is not None:
            self.refuse(f"{moved[0]} sets the learning rate, and so does the schedule of the optimizer")
        if "learning_rate" in self.settings.train:
            self.refuse("`learning_rate` of `train` is for an optimizer that the program does not name")

    def check_first_rate(self) -> None:
        """Refuse a rate that moves, for an optimizer of the script that begins with it."""
        chosen = self.settings.optimizer
        moved = [call.name for call in self.settings.callbacks if call.name in _MOVING]
        if chosen is not None and chosen.name in _FIRST_RATE and (moved or schedule_of(chosen) is not None):
            self.refuse(
                f"the optimizer {chosen.name} begins with the learning rate as the size of its steps: the one of the "
                "script takes a fixed rate"
            )

    # -- for loops over epochs -----------------------------------------------------------------------------------------

    def loop_losses(self) -> list[Loss]:
        """The formula of each loss."""
        found = []
        for call in self.losses:
            reduction = call.arguments.get("reduction", "sum_over_batch_size")
            if reduction in (None, "none"):
                self.refuse(f"the loss {call.name} without a reduction is no number")
            found.append(Loss(call.name, losses.LOSSES[call.name](call), "sum" if reduction == "sum" else "mean"))
        return found

    def loop_metrics(self) -> list[Metric]:
        """The formula of each metric."""
        found = []
        for label, output, call in self.metrics():
            chosen = self.form_of(call, output)
            measure: Measure | Whole
            if chosen.name in metrics.WHOLE:
                measure = metrics.WHOLE[chosen.name](chosen)
                if measure.refused:
                    self.refuse(f"the metric {call.name}: {measure.refused}")
            else:
                measure = metrics.MEANS[chosen.name](chosen)
            found.append(Metric(label, output, chosen.name, measure))
        return found

    def rate(self) -> Rate | None:
        """The schedule of the optimizer, or that of LearningRateScheduler."""
        sources: list[tuple[Call, str]] = [(call, "schedule") for call in self.callback("LearningRateScheduler")]
        if self.settings.optimizer is not None:
            sources.append((self.settings.optimizer, "learning_rate"))
        for call, argument in sources:
            schedule = schedule_of(call, argument)
            if schedule is not None:
                found = rates.SCHEDULES[schedule.name](schedule)
                # The callback hands epochs to whatever it has.
                return replace(found, each_epoch=True) if argument == "schedule" else found
        return None

    def check_loop(self, written: Callable[[str], str | None]) -> None:
        """Refuse what a loop over epochs does not have; `written` gives the reason for a callback."""
        for name in sorted(set(self.settings.train) - READ - {"learning_rate"}):
            self.refuse(f"`{name}` of `train`: an epoch of the script is all of the data")
        for call in self.settings.callbacks:
            reason = written(call.name)
            if reason is not None:
                self.refuse(f"the callback {call.name}: {reason}")
            elif call.arguments.get("save_freq", "epoch") != "epoch":
                self.refuse(f"`save_freq` of {call.name}: weights are written between epochs")


def _split(monitor: str) -> tuple[str, str]:
    """A number that is watched as what says which data it is of, and its name."""
    name = monitor.removeprefix("val_")
    return monitor[: len(monitor) - len(name)], name
