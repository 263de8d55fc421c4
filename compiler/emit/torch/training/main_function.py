"""The function of a training script that runs: arguments, data, the loop over epochs, and what is printed."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.emit.python.expressions import literal, name
from neuralc.emit.python.writer import Writer
from neuralc.emit.torch.training.optimizers import Optimizer
from neuralc.emit.torch.training.settings import Settings

_PREDICT = '''
def predict(model: nn.Module, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """What the model gives, one value or several."""
    found = model(*inputs)
    return found if isinstance(found, tuple) else (found,)
'''

_TENSORS = ("given: Sequence[Tensor]", "targets: Sequence[Tensor]")


class MainFunction:
    """Writes `evaluate` and `main`."""

    def __init__(
        self,
        body: Writer,
        model: str,
        functions: Sequence[str],
        names: tuple[Sequence[str], Sequence[tuple[str, str]]],
        settings: Settings,
        optimizer: Optimizer,
        clipping: Sequence[str],
        scheduled: bool,
    ) -> None:
        self._body = body
        self._model = model
        self._functions = functions
        self._losses, self._metrics = names
        self._settings = settings
        self._optimizer = optimizer
        self._clipping = clipping
        self._scheduled = scheduled

    def write(self) -> None:
        self._body.lines(["", *_PREDICT.splitlines()])
        self._write_loss()
        self._write_measures()
        self._write_epoch()
        self._body.blank(2)
        with self._body.block("def main() -> None:"):
            self._write_arguments()
            self._write_data()
            self._write_loop()

    def _write_loss(self) -> None:
        body = self._body
        body.blank(2)
        body.definition("loss", [f"model: {self._model}", *_TENSORS], "Tensor")
        with body.indented():
            body.docstring("What training makes small.")
            terms = [call.format(f"given[{i}]", f"targets[{i}]") for i, call in enumerate(self._losses)]
            terms += ["penalty(model)"] if "penalty" in self._functions else []
            if len(terms) == 1:
                body.line(f"return {terms[0]}")
                return
            body.line(f"total = {terms[0]}")
            body.lines([f"total = total + {term}" for term in terms[1:]])
            body.line("return total")

    def _write_measures(self) -> None:
        """`measures`: the loss and the metrics of a batch, each a mean over its examples."""
        body = self._body
        if self._metrics:
            body.blank(2)
            with body.block("METRICS = {"):
                body.lines([f"{literal(metric)}: {function}," for metric, function in self._metrics])
            body.line("}")
        body.blank(2)
        body.definition("measures", [f"model: {self._model}", *_TENSORS], "dict[str, float]")
        with body.indented():
            body.docstring("The loss of a batch and its metrics.")
            if not self._metrics:
                body.line('return {"loss": float(loss(model, given, targets))}')
                return
            body.line('found = {"loss": loss(model, given, targets)}')
            with body.block("for name, metric in METRICS.items():"):
                body.line("found[name] = metric(given[0], targets[0]).mean()")
            body.line("return {name: float(value) for name, value in found.items()}")

    def _write_epoch(self) -> None:
        body = self._body
        body.blank(2)
        with body.block('def means(found: list[tuple[int, dict[str, float]]], prefix: str = "") -> str:'):
            body.docstring("Measures of batches, each with its number of examples, as text.")
            body.line("count = sum(size for size, _ in found)")
            body.line("names = found[0][1] if found else {}")
            body.line("totals = {name: sum(size * each[name] for size, each in found) for name in names}")
            body.line('return "  ".join(f"{prefix}{name} {totals[name] / count:.4f}" for name in names)')

    def _write_arguments(self) -> None:
        body, train = self._body, self._settings.train
        body.line(f'parser = argparse.ArgumentParser(description="Trains {self._model}.")')
        body.line('parser.add_argument("data", help="an .npz file with the arrays of the data")')
        body.line(f'parser.add_argument("--epochs", type=int, default={train.get("epochs") or 1})')
        body.line(f'parser.add_argument("--batch-size", type=int, default={train.get("batch_size") or 32})')
        split = literal(float(train.get("validation_split") or 0.0))
        body.line(f'parser.add_argument("--validation-split", type=float, default={split})')
        body.line(f'parser.add_argument("--seed", type=int, default={train.get("seed") or 0})')
        if "load" in self._functions:
            body.line('parser.add_argument("--weights", help="a safetensors file to begin with")')
            body.line('parser.add_argument("--output", default="trained.safetensors")')
        body.line("arguments = parser.parse_args()")
        body.blank()

    def _write_data(self) -> None:
        body = self._body
        body.line("torch.manual_seed(arguments.seed)")
        body.line('device = "cuda" if torch.cuda.is_available() else "cpu"')
        body.line("with np.load(arguments.data) as arrays:")
        body.line("    data = [torch.from_numpy(arrays[name]) for name in INPUTS + TARGETS]")
        body.line("# The last examples are held out.")
        body.line("split = int(len(data[0]) * (1.0 - arguments.validation_split))")
        body.line("seen = TensorDataset(*(each[:split] for each in data))")
        body.line("held_out = TensorDataset(*(each[split:] for each in data))")
        shuffle = self._settings.train.get("shuffle")
        body.line(f"batches = DataLoader(seen, arguments.batch_size, shuffle={shuffle is not False})")
        body.line("held_out_batches = DataLoader(held_out, arguments.batch_size)")
        body.blank()

    def _write_loop(self) -> None:
        body, optimizer = self._body, self._optimizer
        chosen = self._settings.optimizer
        assert chosen is not None, "refused else"
        if "load" in self._functions:
            body.line(f"model = load(arguments.weights) if arguments.weights else {self._model}()")
        else:
            body.line(f"model = {self._model}()")
        body.line("model.to(device)")
        body.line("trained = [value for value in model.parameters() if value.requires_grad]")
        rate = name("learning_rate(0)") if self._scheduled else name(repr(float(chosen["learning_rate"])))
        body.statement("optimizer = ", optimizer.made(rate))
        body.line("step = 0")
        with body.block("for epoch in range(1, arguments.epochs + 1):"):
            body.line("model.train()")
            body.line("found = []")
            with body.block("for batch in batches:"):
                self._write_step()
            body.line('line = f"epoch {epoch}/{arguments.epochs}  {means(found)}"')
            with body.block("if len(held_out):"):
                body.line("model.eval()")
                body.line("found = []")
                with body.block("for batch in held_out_batches:"):
                    self._write_batch()
                    with body.block("with torch.no_grad():"):
                        body.line("given = predict(model, inputs)")
                        body.line("found.append((len(inputs[0]), measures(model, given, targets)))")
                body.line("line += f\"  {means(found, 'val_')}\"")
            body.line("print(line)")
        if "save" in self._functions:
            body.line("save(model.cpu(), arguments.output)")

    def _write_batch(self) -> None:
        self._body.line("batch = [each.to(device) for each in batch]")
        self._body.line("inputs, targets = batch[: len(INPUTS)], batch[len(INPUTS) :]")

    def _write_step(self) -> None:
        body = self._body
        self._write_batch()
        before = ['group["lr"] = learning_rate(step)'] if self._scheduled else []
        before += self._optimizer.before
        if before:
            with body.block("for group in optimizer.param_groups:"):
                body.lines(before)
        body.line("optimizer.zero_grad()")
        body.line("given = predict(model, inputs)")
        body.line("loss(model, given, targets).backward()")
        body.lines(self._clipping)
        body.line("optimizer.step()")
        if "constrain" in self._functions:
            body.line("constrain(model)")
        body.line("step += 1")
        body.line("given = [each.detach() for each in given]")
        body.line("found.append((len(inputs[0]), measures(model, given, targets)))")
