"""The emitted file around its classes: what it is, imports of what is used, the weights table with load and save."""

from __future__ import annotations

import re

from neuralc.emit.python.expressions import literal
from neuralc.emit.python.planned import Planned
from neuralc.emit.python.writer import Writer
from neuralc.emit.torch.class_writer import ClassWriter
from neuralc.emit.torch.initializers import common_initializers
from neuralc.emit.torch.weight_rules import write_rules

_AVERAGE_POOL = '''\
def average_pool(
    x: Tensor,
    window: int | tuple[int, int],
    stride: int | tuple[int, int],
    padding: tuple[int, int, int, int],
) -> Tensor:
    """Average pooling in which padded places do not count, with any padding."""
    inside = F.pad(torch.ones_like(x[:1, :1]), padding)
    x = F.avg_pool2d(F.pad(x, padding), window, stride)
    return x / F.avg_pool2d(inside, window, stride)
'''


class ModuleFile:
    """A whole file: classes before those that use them, the model last, then its weights."""

    def __init__(self, planned: Planned, weights_table: bool) -> None:
        self._planned = planned
        self._structure = planned.structure
        self._rows = planned.structure.rows if weights_table else []

    def text(self) -> str:
        body = Writer()
        plans = [text.plan for shared in self._planned.classes for text in shared.variants]
        if "average_pool" in self._planned.helpers:
            body.blank(2)
            body.lines(_AVERAGE_POOL.splitlines())
        writer = ClassWriter(body, plans, common_initializers(plans))
        for shared in self._planned.classes:
            body.blank(2)
            writer.write(shared)
        if self._rows:
            body.blank(2)
            self._write_table(body)
            self._write_load(body)
            self._write_save(body)
            write_rules(body, self._structure.model.name, self._rows, self._structure.declared)
        return self._header(body.text) + body.text

    def _header(self, body: str) -> str:
        head = Writer()
        head.docstring(f"The model `{self._structure.model.function.sym_name.data}` in PyTorch, written by neuralc.")
        head.blank()
        if re.search(r"\btorch\.", body):
            head.line("import torch")
        if re.search(r"\bF\.", body):
            head.line("import torch.nn.functional as F")
        if self._rows:
            head.line("from safetensors.torch import load_file, save_file")
        head.line("from torch import Tensor, nn")
        return head.text

    @property
    def _split(self) -> dict[str, tuple[int, ...]]:
        return {row.parameter: row.shape for row in self._rows if row.shape}

    def _write_table(self, body: Writer) -> None:
        body.line("# Where each parameter stands in a weights file of the model, and the order of that")
        body.line("# array's axes that makes it torch's.")
        with body.block("WEIGHTS = {"):
            for row in self._rows:
                key, axes = literal(row.key), literal(row.axes)
                if body.fits(f"{literal(row.parameter)}: ({key}, {axes}),"):
                    body.line(f"{literal(row.parameter)}: ({key}, {axes}),")
                else:
                    with body.block(f"{literal(row.parameter)}: ("):
                        body.lines([f"{key},", f"{axes},"])
                    body.line("),")
        body.line("}")
        if not self._split:
            return
        body.line("# Parameters that hold several axes of the file as one, and those axes.")
        with body.block("SPLIT = {"):
            for parameter, shape in self._split.items():
                body.line(f"{literal(parameter)}: {literal(shape)},")
        body.line("}")

    def _write_load(self, body: Writer) -> None:
        model = self._structure.model.name
        body.blank(2)
        with body.block(f"def load(path: str) -> {model}:"):
            body.docstring("The model with the weights of a safetensors file.")
            body.line(f"model = {model}()")
            body.line("stored = load_file(path)")
            if self._split:
                body.line("shapes = {name: value.shape for name, value in model.state_dict().items()}")
            value = f"stored[key].permute(axes){'.reshape(shapes[name])' if self._split else ''}"
            source = "for name, (key, axes) in WEIGHTS.items()"
            if body.fits(f"state = {{name: {value} {source}}}"):
                body.line(f"state = {{name: {value} {source}}}")
            else:
                with body.block("state = {"):
                    body.lines([f"name: {value}", source])
                body.line("}")
            # What a file lacks then are the step counters of batch norms, which are torch's own.
            counted = any(row.parameter.endswith(".running_mean") for row in self._rows)
            body.line(f"model.load_state_dict(state{', strict=False' if counted else ''})")
            body.line("return model")

    def _write_save(self, body: Writer) -> None:
        body.blank(2)
        with body.block(f"def save(model: {self._structure.model.name}, path: str) -> None:"):
            body.docstring("Write the weights to a safetensors file that neuralc reads.")
            body.line("state = model.state_dict()")
            body.line("stored = {}")
            with body.block("for name, (key, axes) in WEIGHTS.items():"):
                body.line("back = sorted(range(len(axes)), key=axes.__getitem__)")
                value = "state[name]"
                if self._split:
                    body.line("value = state[name].reshape(SPLIT.get(name, state[name].shape))")
                    value = "value"
                body.line(f"stored[key] = {value}.permute(back).contiguous()")
            body.line("save_file(stored, path)")
