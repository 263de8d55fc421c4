"""The functions of a training script that run: a step, an epoch, what is held out, and `main` around them."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.emit.python.expressions import Expression, literal
from neuralc.emit.python.writer import Writer
from neuralc.emit.torch.training.optimizers import Optimizer, clipping
from neuralc.emit.torch.training.schedulers import Scheduler, start
from neuralc.emit.training.loop import (
    BatchNames,
    Loop,
    epochs,
    held_out_size,
    validates,
    write_arguments,
    write_data,
    write_epoch_end,
    write_epoch_line,
    write_watchers,
)
from neuralc.emit.training.measures import Measured, write_measure, write_measure_all


class MainFunction:
    """Writes the functions from `measure` to `main`."""

    def __init__(
        self,
        body: Writer,
        model: str,
        functions: Sequence[str],
        measured: Measured,
        loop: Loop,
        optimizer: Optimizer,
        scheduler: Scheduler | None,
        frozen: Sequence[str],
    ) -> None:
        self._body = body
        self._model = model
        self._functions = functions
        self._measured = measured
        self._loop = loop
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._frozen = frozen
        self._names = BatchNames.of(loop.clauses)

    def write(self) -> None:
        body = self._body
        write_measure(body, self._measured, self._loop, "Tensor", f"model: {self._model}" if self._penalized else None)
        write_measure_all(body, self._measured, self._loop)
        self._write_evaluate()
        body.blank(2)
        with body.block("def main() -> None:"):
            write_arguments(body, self._model, self._loop.clauses, "load" in self._functions)
            self._write_data()
            self._write_start()
            self._write_epochs()
            self._write_end()

    @property
    def _penalized(self) -> bool:
        return "penalty" in self._functions

    @property
    def _is_line_search(self) -> bool:
        return self._loop.clauses.optimizer.name == "LBFGS"

    # -- a batch -------------------------------------------------------------------------------------------------------

    def _write_batch(self) -> None:
        self._body.code(f"{', '.join(self._names.all)} = (each.to(device) for each in batch)")

    def _write_numbers(self) -> None:
        """`numbers` of a batch; `p` is kept where metrics of whole epochs need it."""
        given = f"model({self._names.given})"
        if self._measured.whole:
            self._body.line(f"p = {given}")
            given = "p"
        first = "model, " if self._penalized else ""
        self._body.code(f"numbers = measure({first}{given}, {self._names.target})")

    def _write_collect(self) -> None:
        body, names = self._body, self._names
        body.line(f"found.add(numbers, len({names.targets[0]}))")
        if not self._measured.whole:
            return
        if len(names.targets) == 1:
            body.line("pairs.append((p.numpy(force=True), target.numpy(force=True)))")
            return
        body.line(f"pair = p, {names.target}")
        body.line("pairs.append([[each.numpy(force=True) for each in side] for side in pair])")

    def _write_found(self) -> None:
        self._body.line("found = Means()")
        self._body.lines(["pairs = []"] if self._measured.whole else [])

    def _write_evaluate(self) -> None:
        body = self._body
        body.blank(2)
        body.line("@torch.no_grad()")
        parameters = [f"model: {self._model}", "batches: DataLoader", "device: str"]
        body.definition("evaluate", parameters, "dict[str, float]")
        with body.indented():
            body.docstring("The numbers of data that is held out.")
            body.line("model.eval()")
            self._write_found()
            with body.block("for batch in batches:"):
                self._write_batch()
                self._write_numbers()
                self._write_collect()
            whole = ' | measure_all(pairs, "val_")' if self._measured.whole else ""
            body.line(f'return found.result("val_"){whole}')

    # -- main ----------------------------------------------------------------------------------------------------------

    def _write_data(self) -> None:
        body = self._body
        body.line("torch.manual_seed(arguments.seed)")
        body.line('device = "cuda" if torch.cuda.is_available() else "cpu"')
        write_data(body, self._loop.clauses, "torch.from_numpy(arrays[name])")
        shuffle = "" if self._loop.clauses.settings.train.get("shuffle") is False else ", shuffle=True"
        body.line(f"batches = DataLoader(TensorDataset(*data), arguments.batch_size{shuffle})")
        body.line(f"held_out_batches = DataLoader(TensorDataset(*held_out), {held_out_size(self._loop)})")
        body.blank()

    def _write_start(self) -> None:
        body, loop = self._body, self._loop
        if "load" in self._functions:
            body.line(f"model = load(arguments.weights) if arguments.weights else {self._model}()")
        else:
            body.line(f"model = {self._model}()")
        body.line("model.to(device)")
        if len(self._frozen) == 1:
            body.line(f"model.get_submodule({literal(self._frozen[0])}).requires_grad_(False)")
        elif self._frozen:
            body.code(f"frozen = {literal(tuple(self._frozen))}")
            with body.block("for name in frozen:"):
                body.line("model.get_submodule(name).requires_grad_(False)")
        if loop.rate is not None and loop.rate.needs_total and not self._native:
            body.line(f"total_steps = arguments.epochs{'' if loop.rate.each_epoch else ' * len(batches)'}")
        made = self._optimizer.made(start(loop, self._scheduler))
        body.code(f"optimizer = {made.text.replace('(0, total)', '(0, total_steps)')}")
        if self._native and self._scheduler is not None:
            assert isinstance(self._scheduler.made, Expression)
            body.code(f"scheduler = {self._scheduler.made.text}")
        write_watchers(body, loop)
        body.lines(["step = 0"] if self._counts else [])

    def _write_epochs(self) -> None:
        body, loop, scheduler = self._body, self._loop, self._scheduler
        by_epoch = scheduler is not None and not scheduler.by_step
        with body.block(epochs(loop)):
            body.line("model.train()")
            self._write_found()
            if by_epoch and not self._native:
                with body.block("for group in optimizer.param_groups:"):
                    body.line(f'group["lr"] = {self._rate("epoch - 1")}')
            with body.block('for batch in progress(batches, f"epoch {epoch}"):'):
                self._write_step()
            body.line(f"logs = found.result(){' | measure_all(pairs)' if self._measured.whole else ''}")
            with body.block(validates(loop)):
                body.line("logs |= evaluate(model, held_out_batches, device)")
            write_epoch_line(body, loop)
            if by_epoch and self._native:
                body.line(f"scheduler.step({self._watched})")
            write_epoch_end(body, loop, "model", "copy.deepcopy(model.state_dict())")

    def _write_end(self) -> None:
        body, stopping = self._body, self._loop.one("EarlyStopping")
        if stopping is not None and stopping["restore_best_weights"]:
            with body.block("if best is not None:"):
                body.line("model.load_state_dict(best)")
        if "save" in self._functions:
            body.line("save(model.cpu(), arguments.output)")

    @property
    def _native(self) -> bool:
        return self._scheduler is None or self._scheduler.native

    @property
    def _watched(self) -> str:
        return f'logs["{self._scheduler.watched}"]' if self._scheduler is not None and self._scheduler.watched else ""

    def _rate(self, counted: str) -> str:
        rate = self._loop.rate
        return f"learning_rate({counted}{', total_steps' if rate is not None and rate.needs_total else ''})"

    @property
    def _before(self) -> Sequence[str]:
        """What each group of weights is told before a step."""
        moved = self._scheduler is not None and self._scheduler.by_step and not self._native
        return [*([f'group["lr"] = {self._rate("step")}'] if moved else []), *self._optimizer.before]

    @property
    def _counts(self) -> bool:
        """Whether the loop counts steps."""
        return any("step" in line for line in self._before)

    # -- a step --------------------------------------------------------------------------------------------------------

    def _write_step(self) -> None:
        body, scheduler = self._body, self._scheduler
        self._write_batch()
        if self._before:
            with body.block("for group in optimizer.param_groups:"):
                body.lines(self._before)
        if self._is_line_search:
            self._write_closure()
        else:
            self._write_numbers()
            body.line("optimizer.zero_grad()")
            body.line('numbers["loss"].backward()')
            body.lines(clipping(self._loop.clauses.optimizer))
            body.line("optimizer.step()")
        body.lines(["constrain(model)"] if "constrain" in self._functions else [])
        body.lines(["scheduler.step()"] if scheduler is not None and scheduler.by_step and self._native else [])
        body.lines(["step += 1"] if self._counts else [])
        self._write_collect()

    def _write_closure(self) -> None:
        """A step that asks for the loss several times."""
        body, names = self._body, self._names
        body.blank()
        with body.block("def closure() -> Tensor:"):
            body.line("optimizer.zero_grad()")
            first = "model, " if self._penalized else ""
            body.code(f'loss = measure({first}model({names.given}), {names.target})["loss"]')
            body.line("loss.backward()")
            body.line("return loss")
        body.blank()
        with body.block("with torch.no_grad():"):
            self._write_numbers()
        body.line("optimizer.step(closure)")
