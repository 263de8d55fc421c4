"""The functions of a training script that run: a jitted step, what is held out, and `main` around them."""

from __future__ import annotations

from neuralc.emit.jax.training.model import Model
from neuralc.emit.jax.training.optimizers import Optimizer
from neuralc.emit.python.expressions import literal
from neuralc.emit.python.writer import Writer
from neuralc.emit.training.loop import (
    BatchNames,
    Loop,
    epochs,
    held_out_size,
    plateau,
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

    def __init__(self, body: Writer, model: Model, measured: Measured, loop: Loop, optimizer: Optimizer) -> None:
        self._body = body
        self._model = model
        self._measured = measured
        self._loop = loop
        self._optimizer = optimizer
        self._names = BatchNames.of(loop.clauses)

    def write(self) -> None:
        body = self._body
        self._write_optimizer()
        write_measure(body, self._measured, self._loop, "Array", "params: Params" if self._penalized else None)
        write_measure_all(body, self._measured, self._loop)
        self._write_objective()
        self._write_train_step()
        self._write_test_step()
        self._write_evaluate()
        body.blank(2)
        with body.block("def main() -> None:"):
            write_arguments(body, self._loop.clauses.model.sym_name.data, self._loop.clauses, True)
            write_data(body, self._loop.clauses, "arrays[name]")
            body.blank()
            self._write_start()
            self._write_epochs()
            self._write_end()

    @property
    def _penalized(self) -> bool:
        return "penalty" in self._model.functions

    # -- the optimizer -------------------------------------------------------------------------------------------------

    def _write_optimizer(self) -> None:
        body, kept = self._body, self._model.kept
        if kept:
            body.blank(2)
            with body.block("def is_trained(params: Params) -> Params:"):
                body.docstring("Which parameters the optimizer moves.")
                body.code(f"return jax.tree.map_with_path(lambda keys, _: {kept.trained}, params)")
        body.blank(2)
        rate = self._loop.clauses.optimizer.arguments.get("learning_rate")
        body.code(f"OPTIMIZER = {self._optimizer.made(0.0 if rate is None else float(rate), kept is not None)}")

    # -- a batch -------------------------------------------------------------------------------------------------------

    @property
    def _arrays(self) -> list[str]:
        return [f"{each}: Array" for each in self._names.all]

    @property
    def _key(self) -> list[str]:
        return ["key"] if self._model.keyed else []

    def _write_objective(self) -> None:
        """The loss, which is differentiated, and what is known beside it."""
        body, model = self._body, self._model
        body.blank(2)
        keys = [f"{each}: Array" for each in self._key]
        body.definition("objective", ["params: Params", *self._arrays, *keys], "tuple[Array, Any]")
        with body.indented():
            body.docstring("The loss of a batch, and what a step knows beside it.")
            function = "train_forward" if "train_forward" in model.functions else "forward"
            results = ["p", *(["moved"] if model.moves else []), *(["extra"] if model.penalized else [])]
            body.code(f"{', '.join(results)} = {function}({', '.join(['params', *self._names.inputs, *self._key])})")
            body.line(f"numbers = measure({'params, ' if self._penalized else ''}p, {self._names.target})")
            body.lines(['numbers["loss"] += extra'] if model.penalized else [])
            body.line(f'return numbers["loss"], {self._beside("moved")}')

    def _beside(self, moved: str) -> str:
        """What stands beside a loss."""
        found = ["numbers", *([moved] if self._model.moves else []), *(["p"] if self._measured.whole else [])]
        return found[0] if len(found) == 1 else f"({', '.join(found)})"

    def _write_train_step(self) -> None:
        body, model = self._body, self._model
        keys = [f"{each}: Array" for each in self._key]
        body.blank(2)
        body.line("@jax.jit")
        returned = "tuple[Params, Any, Any]"
        body.definition("train_step", ["params: Params", "state: Any", *self._arrays, *keys], returned)
        with body.indented():
            body.docstring("A step: parameters, the state of the optimizer, numbers of the batch.")
            body.line("gradient = jax.grad(objective, has_aux=True)")
            body.code(
                f"grads, {self._beside('params')} = gradient({', '.join(['params', *self._names.all, *self._key])})"
            )
            body.line("updates, state = OPTIMIZER.update(grads, state, params)")
            body.line("params = optax.apply_updates(params, updates)")
            body.lines(["params = constrain(params)"] if "constrain" in model.functions else [])
            body.line(f"return params, state, {'(numbers, p)' if self._measured.whole else 'numbers'}")

    def _write_test_step(self) -> None:
        body = self._body
        body.blank(2)
        body.line("@jax.jit")
        body.definition("test_step", ["params: Params", *self._arrays], "Any")
        with body.indented():
            body.docstring("The numbers of a batch that is held out.")
            first = "params, " if self._penalized else ""
            given = f"forward({', '.join(['params', *self._names.inputs])})"
            if self._measured.whole:
                body.line(f"p = {given}")
                body.line(f"return measure({first}p, {self._names.target}), p")
                return
            body.code(f"return measure({first}{given}, {self._names.target})")

    def _write_batch(self) -> None:
        self._body.code(f"{', '.join(self._names.all)} = (each[places] for each in data)")

    @property
    def _numbers(self) -> str:
        return "numbers, p" if self._measured.whole else "numbers"

    def _write_collect(self) -> None:
        body, names = self._body, self._names
        body.line("found.add(numbers, len(places))")
        if not self._measured.whole:
            return
        if len(names.targets) == 1:
            body.line("pairs.append((np.asarray(p), target))")
            return
        body.code(f"pairs.append(([np.asarray(each) for each in p], {names.target}))")

    def _write_found(self) -> None:
        self._body.line("found = Means()")
        self._body.lines(["pairs = []"] if self._measured.whole else [])

    def _write_evaluate(self) -> None:
        body = self._body
        body.blank(2)
        body.definition("evaluate", ["params: Params", "data: list[np.ndarray]", "size: int"], "dict[str, float]")
        with body.indented():
            body.docstring("The numbers of data that is held out.")
            self._write_found()
            with body.block("for places in slices(len(data[0]), size):"):
                self._write_batch()
                body.code(f"{self._numbers} = test_step({', '.join(['params', *self._names.all])})")
                self._write_collect()
            whole = ' | measure_all(pairs, "val_")' if self._measured.whole else ""
            body.line(f'return found.result("val_"){whole}')

    # -- main ----------------------------------------------------------------------------------------------------------

    def _write_start(self) -> None:
        body, loop = self._body, self._loop
        body.line("key = jax.random.key(arguments.seed)")
        body.lines(["key, start = jax.random.split(key)"] if self._key else [])
        start = "start" if self._key else "key"
        body.line(f"params = load(arguments.weights) if arguments.weights else init({start})")
        body.line("state = OPTIMIZER.init(params)")
        body.lines(["generator = np.random.default_rng(arguments.seed)"] if self._shuffles else [])
        if loop.rate is not None and loop.rate.needs_total:
            each = "" if loop.rate.each_epoch else " * -(-len(data[0]) // arguments.batch_size)"
            body.line(f"total_steps = arguments.epochs{each}")
        if loop.one("ReduceLROnPlateau") is not None:
            body.code(f"rate, plateau = {float(loop.clauses.optimizer['learning_rate'])!r}, {literal(plateau(loop))}")
        write_watchers(body, loop)
        body.lines(["step = 0"] if self._by_step else [])

    def _write_epochs(self) -> None:
        body, loop = self._body, self._loop
        with body.block(epochs(loop)):
            self._write_found()
            if loop.rate is not None and loop.rate.by_epoch:
                self._write_rate("epoch - 1")
            shuffled = ", generator" if self._shuffles else ""
            body.code(f"batches = slices(len(data[0]), arguments.batch_size{shuffled})")
            with body.block('for places in progress(batches, f"epoch {epoch}"):'):
                self._write_step()
            body.line(f"logs = found.result(){' | measure_all(pairs)' if self._measured.whole else ''}")
            with body.block(validates(loop)):
                body.code(f"logs |= evaluate(params, held_out, {held_out_size(loop)})")
            write_epoch_line(body, loop)
            if loop.one("ReduceLROnPlateau") is not None:
                body.line("rate = plateau.rate(rate, logs)")
                body.line("state = optax.tree_utils.tree_set(state, learning_rate=rate)")
            write_epoch_end(body, loop, "params", "params")

    def _write_step(self) -> None:
        body = self._body
        self._write_batch()
        if self._by_step:
            self._write_rate("step")
            body.line("step += 1")
        body.lines(["key, used = jax.random.split(key)"] if self._key else [])
        arguments = ["params", "state", *self._names.all, *(["used"] if self._key else [])]
        numbers = f"({self._numbers})" if self._measured.whole else self._numbers
        body.code(f"params, state, {numbers} = train_step({', '.join(arguments)})")
        self._write_collect()

    def _write_end(self) -> None:
        stopping = self._loop.one("EarlyStopping")
        if stopping is not None and stopping["restore_best_weights"]:
            self._body.line("params = params if best is None else best")
        self._body.line("save(params, arguments.output)")

    @property
    def _by_step(self) -> bool:
        return self._loop.rate is not None and not self._loop.rate.by_epoch

    @property
    def _shuffles(self) -> bool:
        return self._loop.clauses.settings.train.get("shuffle") is not False

    def _write_rate(self, counted: str) -> None:
        rate = self._loop.rate
        more = ", total_steps" if rate is not None and rate.needs_total else ""
        self._body.line(f"rate = learning_rate({counted}{more})")
        self._body.line("state = optax.tree_utils.tree_set(state, learning_rate=rate)")
