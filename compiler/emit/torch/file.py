"""The emitted file around its classes: what it is, imports of what is used, the weights table with load and save."""

from __future__ import annotations

import re

from neuralc.emit.python.planned import Planned
from neuralc.emit.python.weights_table import weights_table
from neuralc.emit.python.writer import Writer
from neuralc.emit.torch.class_writer import ClassWriter
from neuralc.emit.torch.initializers import common_initializers
from neuralc.emit.torch.weight_rules import write_rules
from neuralc.emit.torch.weights import WeightsWriter

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
            WeightsWriter(body, self._structure.model.name, weights_table(self._rows, plans)).write()
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
