"""The part of an emitted file that reads and writes weights: tables, `load` and `save`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from neuralc.emit.python.expressions import Value, literal
from neuralc.emit.python.weights_table import WeightsTable
from neuralc.emit.python.writer import Writer

_BLOCKS = '''\
def blocks(*order: int, size: int) -> Tensor:
    """The places of blocks along an axis, in another order."""
    return torch.cat([torch.arange(size) + block * size for block in order])
'''


class WeightsWriter:
    """Writes what maps the parameters of `model` to the weights of a safetensors file."""

    def __init__(self, body: Writer, model: str, table: WeightsTable) -> None:
        self._body = body
        self._model = model
        self._table = table
        # Torch counts the steps of batch norms in a buffer that no weights file has, nor the second bias of an LSTM.
        ends = tuple(table.entries)
        alone = any(end.replace(".bias_ih_l", ".bias_hh_l") not in ends for end in ends if ".bias_ih_l" in end)
        self._partial = alone or any(end.endswith(".running_mean") for end in ends)

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
            body.line(f"model.load_state_dict(load_file(path){', strict=False' if self._partial else ''})")
            body.line("return model")
        body.blank(2)
        with body.block(f"def save(model: {model}, path: str) -> None:"):
            body.docstring("Write the weights to a safetensors file that neuralc reads.")
            body.line("save_file(model.state_dict(), path)")

    def _write_tables(self) -> None:
        body, table = self._body, self._table
        if any(index.text.find("blocks(") >= 0 for index in table.places.values()):
            body.blank(2)
            body.lines(_BLOCKS.splitlines())
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
        if table.places:
            body.line("# Parameters that are a part of an array of the file, and the places of that part.")
            self._write_dict("PLACES", table.places)
            body.line("# The shapes of those arrays.")
            self._write_dict("SHAPES", table.shapes)

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
        array = "stored[key][PLACES.get(name, ...)]" if self._table.places else "stored[key]"
        value = f"{array}.permute(axes){f'.reshape({shape})' if self._table.split else ''}"
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
                with self._loop(by_value="value" in value):
                    body.line(f"state[name] = {value}")
            body.line(f"model.load_state_dict(state{', strict=False' if self._partial else ''})")
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
        lines = [*split, "back = sorted(range(len(axes)), key=axes.__getitem__)"]
        body.blank(2)
        with body.block(f"def save(model: {self._model}, path: str) -> None:"):
            body.docstring("Write the weights to a safetensors file that neuralc reads.")
            if self._table.is_flat:
                body.lines(["state = model.state_dict()", "stored = {}"])
                with body.block("for name, (key, axes) in WEIGHTS.items():"):
                    named = bool(split or self._table.places)
                    body.lines(["value = state[name]", *lines] if named else lines)
                    self._write_kept("value" if named else "state[name]")
            else:
                body.line("stored = {}")
                with self._loop(by_value=True):
                    body.lines(lines)
                    self._write_kept("value")
            body.line("save_file(stored, path)")

    def _write_kept(self, value: str) -> None:
        """A parameter where a file has it."""
        body, kept = self._body, f"stored[key] = {value}.permute(back).contiguous()"
        if not self._table.places:
            body.line(kept)
            return
        with body.block("if name in PLACES:"):
            body.line("whole = stored.setdefault(key, value.new_zeros(SHAPES[key]))")
            body.line("whole[PLACES[name]] = value.permute(back)")
        with body.block("else:"):
            body.line(kept)

    @contextmanager
    def _loop(self, *, by_value: bool) -> Iterator[None]:
        """What is done with each parameter that a weights file has."""
        body = self._body
        items = "name, value in model.state_dict().items()" if by_value else "name in model.state_dict()"
        with body.block(f"for {items}:"), body.block("if place := stored_as(name):"):
            body.line("key, axes = place")
            yield
