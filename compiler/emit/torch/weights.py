"""The part of an emitted file that reads and writes weights: tables, `load` and `save`."""

from __future__ import annotations

from collections.abc import Mapping

from neuralc.emit.python.expressions import Value, literal
from neuralc.emit.python.weights_table import WeightsTable
from neuralc.emit.python.writer import Writer


class WeightsWriter:
    """Writes what maps the parameters of `model` to the weights of a safetensors file."""

    def __init__(self, body: Writer, model: str, table: WeightsTable) -> None:
        self._body = body
        self._model = model
        self._table = table
        # Torch counts the steps of batch norms in a buffer that no weights file has.
        self._counts = any(end.endswith(".running_mean") for end in table.entries)

    def write(self) -> None:
        if self._table.is_identity:
            self._write_plain()
            return
        self._write_tables()
        if not self._table.is_flat:
            self._write_place()
        self._write_load()
        self._write_save()

    def _write_plain(self) -> None:
        """A weights file that has torch's own names and layouts."""
        body, model = self._body, self._model
        body.blank(2)
        with body.block(f"def load(path: str) -> {model}:"):
            body.docstring("The model with the weights of a safetensors file.")
            body.line(f"model = {model}()")
            body.line(f"model.load_state_dict(load_file(path){', strict=False' if self._counts else ''})")
            body.line("return model")
        body.blank(2)
        with body.block(f"def save(model: {model}, path: str) -> None:"):
            body.docstring("Write the weights to a safetensors file that neuralc reads.")
            body.line("save_file(model.state_dict(), path)")

    def _write_tables(self) -> None:
        body, table = self._body, self._table
        body.blank(2)
        if table.is_flat:
            body.line("# Where each parameter stands in a weights file of the model, and the order of that")
            body.line("# array's axes that makes it torch's.")
        else:
            body.line("# Where parameters stand in a weights file of the model, by the ends of their names, and")
            body.line("# the order of that array's axes that makes it torch's.")
        self._write_dict("WEIGHTS", table.entries)
        if table.steps:
            body.line("# Parts of the model that have another name there.")
            self._write_dict("PARTS", table.steps)
        if table.split:
            body.line("# Parameters that hold several axes of the file as one, and those axes.")
            self._write_dict("SPLIT", table.split)

    def _write_dict(self, name: str, entries: Mapping[str, Value]) -> None:
        body = self._body
        with body.block(f"{name} = {{"):
            for key, value in entries.items():
                if body.fits(f"{literal(key)}: {literal(value)},") or not isinstance(value, tuple):
                    body.line(f"{literal(key)}: {literal(value)},")
                else:
                    with body.block(f"{literal(key)}: ("):
                        body.lines([f"{literal(item)}," for item in value])
                    body.line("),")
        body.line("}")

    def _write_place(self) -> None:
        body = self._body
        body.blank(2)
        with body.block("def stored_as(name: str) -> tuple[str, tuple[int, ...]] | None:"):
            body.docstring("A parameter's name in a weights file, and that array's axes in torch's order.")
            body.line('end = next((end for end in WEIGHTS if f".{name}".endswith(f".{end}")), None)')
            with body.block("if end is None:"):
                body.line("return None")
            body.line("key, axes = WEIGHTS[end]")
            if self._table.steps:
                body.line('path = name.removesuffix(end).split(".")')
                body.line('return ".".join(PARTS.get(part, part) for part in path) + key, axes')
            else:
                body.line("return name.removesuffix(end) + key, axes")

    def _write_load(self) -> None:
        body, model, flat = self._body, self._model, self._table.is_flat
        shape = "shapes[name]" if flat else "value.shape"
        value = f"stored[key].permute(axes){f'.reshape({shape})' if self._table.split else ''}"
        body.blank(2)
        with body.block(f"def load(path: str) -> {model}:"):
            body.docstring("The model with the weights of a safetensors file.")
            body.line(f"model = {model}()")
            if flat:
                body.line("stored = load_file(path)")
                if self._table.split:
                    body.line("shapes = {name: value.shape for name, value in model.state_dict().items()}")
                source = "for name, (key, axes) in WEIGHTS.items()"
                if body.fits(f"state = {{name: {value} {source}}}"):
                    body.line(f"state = {{name: {value} {source}}}")
                else:
                    with body.block("state = {"):
                        body.lines([f"name: {value}", source])
                    body.line("}")
            else:
                body.line("stored, state = load_file(path), {}")
                self._write_loop(f"state[name] = {value}")
            body.line(f"model.load_state_dict(state{', strict=False' if self._counts else ''})")
            body.line("return model")

    def _write_save(self) -> None:
        body = self._body
        split = ["value = value.reshape(SPLIT.get(name, value.shape))"]
        if not self._table.is_flat:
            split = [
                'ends = [end for end in SPLIT if f".{name}".endswith(f".{end}")]',
                "value = value.reshape(SPLIT[ends[0]] if ends else value.shape)",
            ]
        split = split if self._table.split else []
        back = "back = sorted(range(len(axes)), key=axes.__getitem__)"
        body.blank(2)
        with body.block(f"def save(model: {self._model}, path: str) -> None:"):
            body.docstring("Write the weights to a safetensors file that neuralc reads.")
            if self._table.is_flat:
                body.lines(["state = model.state_dict()", "stored = {}"])
                with body.block("for name, (key, axes) in WEIGHTS.items():"):
                    body.line(back)
                    if split:
                        body.lines(["value = state[name]", *split])
                    body.line(f"stored[key] = {'value' if split else 'state[name]'}.permute(back).contiguous()")
            else:
                body.line("stored = {}")
                self._write_loop(*split, back, "stored[key] = value.permute(back).contiguous()")
            body.line("save_file(stored, path)")

    def _write_loop(self, *lines: str) -> None:
        """What is done with each parameter that a weights file has."""
        body = self._body
        names_alone = all("value" not in line for line in lines)
        items = "name in model.state_dict()" if names_alone else "name, value in model.state_dict().items()"
        with body.block(f"for {items}:"), body.block("if place := stored_as(name):"):
            body.line("key, axes = place")
            body.lines(lines)
