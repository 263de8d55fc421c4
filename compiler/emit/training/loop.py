"""The parts of a training script that loops over epochs, in whatever framework: data, measures, callbacks, printing."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuralc.emit.python import helper_source
from neuralc.emit.python.expressions import Value, call, literal, name
from neuralc.emit.python.names import Names, identifier
from neuralc.emit.python.writer import Writer
from neuralc.emit.training.clauses import Clauses, Loss, Metric
from neuralc.emit.training.losses import Measure
from neuralc.emit.training.metrics import Whole
from neuralc.emit.training.rates import Rate
from neuralc.emit.training.settings import Call
from neuralc.emit.training.words import hugged

FOLDER = Path(__file__).parent / "helpers"


@dataclass(frozen=True)
class Loop:
    """What the loop of a form is made of."""

    clauses: Clauses
    losses: Sequence[Loss]
    metrics: Sequence[Metric]
    rate: Rate | None

    @staticmethod
    def of(clauses: Clauses) -> Loop:
        return Loop(clauses, clauses.loop_losses(), clauses.loop_metrics(), clauses.rate())

    @property
    def means(self) -> list[Metric]:
        return [metric for metric in self.metrics if isinstance(metric.measure, Measure)]

    @property
    def whole(self) -> list[Metric]:
        """Metrics of all predictions of an epoch."""
        return [metric for metric in self.metrics if isinstance(metric.measure, Whole)]

    def one(self, callback: str) -> Call | None:
        """The callback of a name; one of each is enough."""
        return next(iter(self.clauses.callback(callback)), None)


# -- names and rates --------------------------------------------------------------------------------------------------

_TAKEN = (
    "arguments", "batch", "batches", "best", "checkpoint", "count", "data", "device", "epoch", "found", "frozen",
    "generator", "key", "log", "logs", "model", "numbers", "optimizer", "p", "pairs", "params", "parser", "places",
    "rate", "scheduler", "state", "step", "stopping", "total_steps",
)  # fmt: skip
"""Variables of the functions that have batches."""


@dataclass(frozen=True)
class BatchNames:
    """What the functions of a script call the arrays of a batch: what the model takes, and what it should give."""

    inputs: Sequence[str]
    targets: Sequence[str]

    @staticmethod
    def of(clauses: Clauses) -> BatchNames:
        names = Names(_TAKEN)
        inputs = [names.claim("x" if hasattr(builtins, each) else identifier(each)) for each in clauses.inputs]
        if len(clauses.targets) == 1:
            return BatchNames(inputs, [names.claim("target")])
        return BatchNames(inputs, [names.claim(f"{identifier(each)}_target") for each in clauses.targets])

    @property
    def all(self) -> Sequence[str]:
        return [*self.inputs, *self.targets]

    @property
    def given(self) -> str:
        """The arguments of the model."""
        return ", ".join(self.inputs)

    @property
    def target(self) -> str:
        """What `measure` is given beside what the model gives."""
        return self.targets[0] if len(self.targets) == 1 else f"({', '.join(self.targets)})"


def write_rate(body: Writer, rate: Rate | None, *, typed: bool = True) -> None:
    if rate is None:
        return
    names = [name.partition(":")[0] for name in rate.parameters]
    head = f"{', '.join(rate.parameters)}) -> float:" if typed else f"{', '.join(names)}):"
    body.blank(2)
    with body.block(f"def learning_rate({head}"):
        what = "an epoch" if rate.by_epoch else "a step of the optimizer"
        body.docstring(f"The rate of {what}, counted from 0.")
        body.code(*(hugged(line) for line in rate.lines))


# -- main --------------------------------------------------------------------------------------------------------------


def write_arguments(body: Writer, model: str, clauses: Clauses, files: bool) -> None:
    """The command line, which is the same in all forms."""
    train = clauses.settings.train
    validation, data = train.get("validation_data"), train.get("data")
    body.line(f'parser = argparse.ArgumentParser(description="Trains {model}.")')
    usual = f', nargs="?", default={literal(data)}' if isinstance(data, str) else ""
    body.code(f'parser.add_argument("data"{usual}, help="an .npz file with the arrays of the data")')
    body.line(f'parser.add_argument("--epochs", type=int, default={train.get("epochs") or 1})')
    body.line(f'parser.add_argument("--batch-size", type=int, default={train.get("batch_size") or 32})')
    split = literal(float(train.get("validation_split") or 0.0))
    body.line(f'parser.add_argument("--validation-split", type=float, default={split})')
    if validation:
        held_out = validation if isinstance(validation, str) else validation[0]
        body.line(f'parser.add_argument("--validation-data", default={literal(held_out)})')
    body.line(f'parser.add_argument("--seed", type=int, default={train.get("seed") or 0})')
    if files:
        body.line('parser.add_argument("--weights", help="a safetensors file to begin with")')
        body.line('parser.add_argument("--output", default="trained.safetensors")')
    body.line("arguments = parser.parse_args()")
    if clauses.watches_held_out and not validation:
        with body.block("if not arguments.validation_split:"):
            watcher = clauses.watches_held_out[0]
            body.code(f'parser.error("{watcher} watches held-out data: --validation-split")')
    body.blank()


def write_data(body: Writer, clauses: Clauses, taken: str) -> None:
    """`data` and `held_out`, lists of arrays; `taken` is an array of the file as the form has it."""
    listed = f"[{taken} for name in {literal((*clauses.inputs, *clauses.targets))}]"
    with body.block("with np.load(arguments.data) as arrays:"):
        body.code(f"data = {listed}")
    if clauses.settings.train.get("validation_data"):
        with body.block("with np.load(arguments.validation_data) as arrays:"):
            body.code(f"held_out = {listed}")
        return
    body.line("# The last examples are held out.")
    body.line("count = int(len(data[0]) * (1.0 - arguments.validation_split))")
    body.line("data, held_out = [each[:count] for each in data], [each[count:] for each in data]")


def write_watchers(body: Writer, loop: Loop) -> None:
    """What callbacks remember, before the loop."""
    clauses = loop.clauses
    stopping, checkpoint, log = (loop.one(each) for each in ("EarlyStopping", "ModelCheckpoint", "CSVLogger"))
    if stopping is not None:
        options = _options(stopping, min_delta=0, patience=0, baseline=None, start_from_epoch=0)
        body.statement("stopping = ", call("EarlyStopping", *_watched(clauses, stopping), **options))
        if stopping["restore_best_weights"]:
            body.line("best = None")
    if checkpoint is not None and checkpoint["save_best_only"]:
        options = {"best": checkpoint["initial_value_threshold"]} if checkpoint["initial_value_threshold"] else {}
        body.statement("checkpoint = ", call("Checkpoint", *_watched(clauses, checkpoint), **options))
    if log is not None:
        options = _options(log, separator=",", append=False)
        body.statement("log = ", call("Log", log["filename"], **options))


def plateau(loop: Loop) -> Value:
    """The one that lowers the rate, as helpers/loop.py has it."""
    found = loop.one("ReduceLROnPlateau")
    assert found is not None
    options = _options(found, factor=0.1, patience=10, min_delta=0.0001, cooldown=0, min_lr=0)
    return call("Plateau", *_watched(loop.clauses, found), **options)


def _watched(clauses: Clauses, found: Call) -> list[Value]:
    return [clauses.monitor(found), *([name("rises=True")] if clauses.rises(found) else [])]


def _options(found: Call, **usual: Value) -> dict[str, Value]:
    return {key: found[key] for key, value in usual.items() if found[key] != value}


def write_epoch_line(body: Writer, loop: Loop) -> None:
    if loop.clauses.settings.train.get("verbose") != 0:
        body.line('shown = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())')
        body.line('print(f"epoch {epoch}/{arguments.epochs}  {shown}")')


def write_epoch_end(body: Writer, loop: Loop, saved: str, kept: str) -> None:
    """What callbacks do after an epoch: `saved` is what `save` writes, `kept` a copy of the weights."""
    checkpoint, stopping = loop.one("ModelCheckpoint"), loop.one("EarlyStopping")
    if loop.one("CSVLogger") is not None:
        body.line("log.write(epoch, logs)")
    if checkpoint is not None:
        path = re.sub(r"\.(weights\.h5|h5|keras)$", ".safetensors", checkpoint["filepath"])
        text = f"{literal(path)}.format(epoch=epoch, **logs)" if "{" in path else literal(path)
        if checkpoint["save_best_only"]:
            with body.block("if checkpoint.is_due(logs):"):
                body.code(f"save({saved}, {text})")
        else:
            body.code(f"save({saved}, {text})")
    nan = loop.one("TerminateOnNaN")
    if nan is not None:
        with body.block('if not math.isfinite(logs["loss"]):'):
            text = 'f"the loss of epoch {epoch} is no number"'
            body.lines([f"raise RuntimeError({text})"] if nan["raise_error"] else [f"print({text})", "break"])
    if stopping is not None:
        if stopping["restore_best_weights"]:
            with body.block("if stopping.is_best(epoch, logs):"):
                body.line(f"best = {kept}")
        else:
            body.line("stopping.is_best(epoch, logs)")
        with body.block("if stopping.over:"):
            body.line("break")


def epochs(loop: Loop) -> str:
    first = int(loop.clauses.settings.train.get("initial_epoch") or 0) + 1
    return f"for epoch in range({first}, arguments.epochs + 1):"


def validates(loop: Loop) -> str:
    """When an epoch ends with held-out data."""
    every = int(loop.clauses.settings.train.get("validation_freq") or 1)
    return "if len(held_out[0]):" if every == 1 else f"if len(held_out[0]) and epoch % {every} == 0:"


def held_out_size(loop: Loop) -> str:
    size = loop.clauses.settings.train.get("validation_batch_size")
    return "arguments.batch_size" if size is None else str(size)


# -- the file ----------------------------------------------------------------------------------------------------------


def finished(body: Writer, folder: Path = FOLDER) -> str:
    """The functions with the helpers of a folder that they call before them, and the call of `main` behind."""
    body.blank(2)
    with body.block('if __name__ == "__main__":'):
        body.line("main()")
    functions = helper_source.functions_in(folder)
    used = {node.id for node in ast.walk(ast.parse(body.text)) if isinstance(node, ast.Name)}
    helpers = helper_source.closure(functions, used & set(functions))
    return "".join(f"\n\n{functions[helper].text}\n" for helper in helpers) + body.text


def standard_imports(body: str) -> list[str]:
    """The modules of the standard library that a text names."""
    lines = [f"import {each}" for each in ("argparse", "copy", "csv", "math", "sys") if re.search(rf"\b{each}\.", body)]
    abstract = [each for each in ("Callable", "Iterable", "Iterator", "Sequence") if re.search(rf"\b{each}\b", body)]
    lines += [f"from collections.abc import {', '.join(abstract)}"] if abstract else []
    lines += ["from pathlib import Path"] if "Path(" in body else []
    return lines


def write_header(head: Writer, model: str, clauses: Clauses, stem: str) -> None:
    arrays = ", ".join([*clauses.inputs, *clauses.targets])
    head.docstring(
        f"Trains the model `{model}` of {stem}.py, written by neuralc.",
        f"python {stem}_train.py data.npz    with the arrays {arrays}",
    )
    head.blank()
