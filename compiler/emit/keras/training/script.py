"""The training script that stands beside Keras code: `compile` and `fit`, as the clauses of the program say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import the_model
from neuralc.emit.keras.training.clauses import RULED, WITHOUT_OPTIMIZER, callback, loss, metric, optimizer
from neuralc.emit.keras.training.rules import write_class
from neuralc.emit.python.expressions import Value, literal, name
from neuralc.emit.python.writer import Writer
from neuralc.emit.refusals import Refusals
from neuralc.emit.training.clauses import Clauses
from neuralc.emit.training.loop import BatchNames, finished, standard_imports, write_arguments, write_header, write_rate
from neuralc.emit.training.rates import Rate
from neuralc.emit.training.settings import Call, schedule_of

FOLDER = Path(__file__).parent / "helpers"


def training_script(module: ModuleOp, code: str) -> Callable[[str | None], str]:
    """The text of the script as a function of the stem of the model's file; `code` is the text of that.

    Raises NeuralcError E0850 with every clause that cannot be written.
    """
    refusals = Refusals("a Keras training script")
    clauses = Clauses(the_model(module), refusals)
    rate = clauses.rate()
    _check(clauses, rate)
    refusals.raise_if_any()
    return lambda stem: _Script(clauses, rate, code, stem or "model").text()


def _check(clauses: Clauses, rate: Rate | None) -> None:
    chosen = clauses.settings.optimizer
    if chosen is not None and chosen.name in WITHOUT_OPTIMIZER:
        clauses.refuse(f"the optimizer {chosen.name}: {WITHOUT_OPTIMIZER[chosen.name]}")
    clauses.check_first_rate()
    schedule = None if chosen is None else schedule_of(chosen)
    own = schedule is not None and schedule.source.startswith("torch.")
    if rate is not None and rate.refused and (own or rate.each_epoch):
        clauses.refuse(f"the schedule of the learning rate: {rate.refused}")
    for call in clauses.settings.losses:
        if call.arguments.get("reduction", "") in (None, "none"):
            clauses.refuse(f"the loss {call.name} without a reduction is no number")
    for call in clauses.callback("ModelCheckpoint"):
        if not call["filepath"].endswith((".keras", ".safetensors", ".weights.h5")):
            clauses.refuse("files of ModelCheckpoint end in `.keras`, `.weights.h5` or `.safetensors`")


class _Script:
    """Writes a script."""

    def __init__(self, clauses: Clauses, rate: Rate | None, code: str, stem: str) -> None:
        self._clauses = clauses
        self._rate = rate
        self._functions = [each for each in ("build_model", "load", "save") if f"def {each}(" in code]
        self._has_files = "load" in self._functions
        self._name = clauses.model.sym_name.data
        self._stem = stem
        self._body = Writer()
        self._names = BatchNames.of(clauses)

    def text(self) -> str:
        body = self._body
        if self._clauses.optimizer.name in RULED:
            write_class(body, self._clauses.optimizer)
        if self._in_script:
            write_rate(body, self._rate, typed=False)
        body.blank(2)
        with body.block("def main():"):
            write_arguments(body, self._name, self._clauses, self._has_files)
            self._write_data()
            self._write_compile()
            self._write_fit()
        text = finished(body, FOLDER)
        return self._header(text) + text

    @property
    def _in_script(self) -> bool:
        """Whether the script says what the learning rate is."""
        if self._rate is None:
            return False
        schedule = schedule_of(self._clauses.optimizer)
        return self._rate.each_epoch or (schedule is not None and schedule.source.startswith("torch."))

    def _write_data(self) -> None:
        body, clauses = self._body, self._clauses
        body.line("keras.utils.set_random_seed(arguments.seed)")
        self._write_arrays("arguments.data", "")
        if clauses.settings.train.get("validation_data"):
            self._write_arrays("arguments.validation_data", "held_out_")
        body.blank()

    def _write_arrays(self, path: str, prefix: str) -> None:
        """Each array under its name."""
        arrays = zip(self._names.all, (*self._clauses.inputs, *self._clauses.targets), strict=True)
        with self._body.block(f"with np.load({path}) as arrays:"):
            self._body.lines([f"{prefix}{each} = arrays[{literal(key)}]" for each, key in arrays])

    def _given(self, prefix: str = "") -> tuple[str, str]:
        """What `fit` is given: inputs and targets, several as a list."""
        inputs, targets = ([prefix + each for each in side] for side in (self._names.inputs, self._names.targets))
        return _one_or_list(inputs), _one_or_list(targets)

    def _write_compile(self) -> None:
        body, clauses = self._body, self._clauses
        if self._has_files:
            body.line("model = load(arguments.weights) if arguments.weights else build_model()")
        else:
            body.line("model = build_model()")
        rate: Value = None
        if self._in_script and self._rate is not None and not self._rate.each_epoch:
            self._write_rates()
            rate = name("Rates(rates)")
        losses = [loss(call).text for call in clauses.losses]
        metrics: list[list[str]] = [[] for _ in clauses.targets]
        for _, output, call in clauses.metrics():
            metrics[output].append(literal(metric(call, call.arguments.get("name") or call.name)))
        several = len(clauses.targets) > 1
        arguments = [f"optimizer={optimizer(clauses.optimizer, rate)}"]
        arguments.append(f"loss=[{', '.join(losses)}]" if several else f"loss={losses[0]}")
        if clauses.settings.metrics:
            listed = [f"[{', '.join(each)}]" for each in metrics]
            arguments.append(f"metrics=[{', '.join(listed)}]" if several else f"metrics={listed[0]}")
        if several:
            body.code(f"model.output_names = [{', '.join(map(literal, clauses.targets))}]")
        body.code(f"model.compile({', '.join(arguments)})")

    def _write_rates(self) -> None:
        """All rates, for a schedule that Keras does not have."""
        body, rate = self._body, self._rate
        assert rate is not None
        body.line(f"seen = int(len({self._names.targets[0]}) * (1.0 - arguments.validation_split))")
        body.line("steps = -(-seen // arguments.batch_size)")
        total = ", arguments.epochs * steps" if rate.needs_total else ""
        counted = "step // steps" if rate.by_epoch else "step"
        body.line("places = range(arguments.epochs * steps)")
        body.line(f"rates = [learning_rate({counted}{total}) for step in places]")

    def _write_fit(self) -> None:
        body, clauses = self._body, self._clauses
        train = clauses.settings.train
        arguments = [*self._given(), "batch_size=arguments.batch_size", "epochs=arguments.epochs"]
        if train.get("validation_data"):
            arguments.append(f"validation_data=({', '.join(self._given('held_out_'))})")
        else:
            arguments.append("validation_split=arguments.validation_split")
        passed = (
            "shuffle",
            "initial_epoch",
            "steps_per_epoch",
            "validation_steps",
            "validation_batch_size",
            "validation_freq",
            "verbose",
        )
        arguments += [
            f"{key}={literal(train[key])}" for key in passed if key in train and not (key == "shuffle" and train[key])
        ]
        callbacks = [self._callback(call) for call in clauses.settings.callbacks]
        arguments += [f"callbacks=[{', '.join(callbacks)}]"] if callbacks else []
        body.code(f"model.fit({', '.join(arguments)})")
        if self._has_files:
            body.line("save(model, arguments.output)")

    def _callback(self, call: Call) -> str:
        if call.name != "ModelCheckpoint" or not call["filepath"].endswith(".safetensors"):
            return callback(self._clauses, call).text
        options = []
        if call["save_best_only"]:
            options.append(f"monitor={literal(self._clauses.monitor(call))}")
            options += ["rises=True"] if self._clauses.rises(call) else []
            threshold = call["initial_value_threshold"]
            options += [f"best={threshold!r}"] if threshold is not None else []
        return f"Checkpoint({', '.join(['save', literal(call['filepath']), *options])})"

    def _header(self, body: str) -> str:
        head = Writer()
        write_header(head, self._name, self._clauses, self._stem)
        head.lines([*standard_imports(body), ""])
        imported = f"from {self._stem} import {', '.join(self._imported(body))}"
        own = ["from keras import ops"] if re.search(r"\bops\.", body) else []
        plain = ["import keras", "import numpy as np"]
        head.lines([*plain, *sorted([imported, *own], key=lambda line: line.split()[1].lower())])
        return head.text

    def _imported(self, body: str) -> Sequence[str]:
        return [each for each in self._functions if re.search(rf"\b{each}\b", body)]


def _one_or_list(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
