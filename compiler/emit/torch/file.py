"""The emitted file around its classes: what it is, imports of what is used, load and save."""

from __future__ import annotations

import re

from neuralc.emit.placements import WeightPlan
from neuralc.emit.python.planned import Planned
from neuralc.emit.python.writer import Writer
from neuralc.emit.torch.class_writer import ClassWriter
from neuralc.emit.torch.helper_source import closure, functions
from neuralc.emit.torch.initializers import common_initializers
from neuralc.emit.torch.weight_rules import write_rules
from neuralc.emit.torch.weights import weight_plan, write_files

_ALIASES = {"Function": "Callable[[Tensor], Tensor]"}
"""Types of the file, where they are used."""


class ModuleFile:
    """A whole file: classes before those that use them, the model last, then its weights."""

    def __init__(self, planned: Planned) -> None:
        self._planned = planned
        self._structure = planned.structure
        self._rows = planned.structure.rows

    @property
    def weights(self) -> WeightPlan:
        """What `load` reads and `save` writes."""
        return weight_plan(self._structure)

    def text(self) -> str:
        body = Writer()
        plans = [text.plan for shared in self._planned.classes for text in shared.variants]
        for function in closure(self._planned.helpers):
            body.blank(2)
            body.lines(functions()[function].text.splitlines())
        writer = ClassWriter(body, plans, common_initializers(plans))
        for shared in self._planned.classes:
            body.blank(2)
            writer.write(shared)
        if self._rows:
            write_files(body, self._structure.model.name)
        activity = "ActivityRegularization" in self._planned.helpers
        write_rules(body, self._structure.model.name, self._rows, self._structure.declared, activity=activity)
        return self._header(body.text) + body.text

    def _header(self, body: str) -> str:
        head = Writer()
        head.docstring(f"The model `{self._structure.model.function.sym_name.data}` in PyTorch, written by neuralc.")
        head.blank()
        aliases = {key: value for key, value in _ALIASES.items() if re.search(rf"\b{key}\b", body)}
        text = body + " ".join(aliases.values())
        standard = [f"import {module}" for module in ("itertools", "math") if re.search(rf"\b{module}\.", text)]
        abstract = [key for key in ("Callable", "Sequence") if re.search(rf"\b{key}\[", text)]
        standard += [f"from collections.abc import {', '.join(abstract)}"] if abstract else []
        standard += ["from typing import Any"] if re.search(r"\bAny\b", text) else []
        head.lines([*standard, ""] if standard else [])
        if re.search(r"\btorch\.", body):
            head.line("import torch")
        if re.search(r"\bF\.", body):
            head.line("import torch.nn.functional as F")
        if self._rows:
            head.line("from safetensors.torch import load_file, save_file")
        head.line("from torch import Tensor, nn")
        packing = [name for name in ("pack_padded_sequence", "pad_packed_sequence") if name in body]
        if packing:
            head.line(f"from torch.nn.utils.rnn import {', '.join(packing)}")
        if aliases:
            head.blank()
            head.lines([f"{key} = {value}" for key, value in aliases.items()])
        return head.text
