"""The emitted file around its blocks: what it is, imports of what is used, helpers, the weights."""

from __future__ import annotations

import re
from collections import Counter

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.types import element_of, is_float, numpy_dtype
from neuralc.emit.keras.class_writer import BlockWriter
from neuralc.emit.keras.functional import Styles
from neuralc.emit.keras.helper_source import helper_texts
from neuralc.emit.keras.states import States
from neuralc.emit.keras.weights import weight_plan, write_files
from neuralc.emit.placements import WeightPlan
from neuralc.emit.python.planned import Planned
from neuralc.emit.python.writer import Writer


class ModelFile:
    """A whole file: blocks before those that use them, the model last, then its weights."""

    def __init__(self, planned: Planned, styles: Styles, states: States) -> None:
        self._planned = planned
        self._styles = styles
        self._states = states

    @property
    def weights(self) -> WeightPlan:
        """What `load` reads and `save` writes."""
        return weight_plan(self._planned.structure, self._styles.functions)

    def text(self) -> str:
        body = Writer()
        for helper in helper_texts(self._planned.helpers):
            body.blank(2)
            body.lines(helper.splitlines())
        blocks = BlockWriter(body, self._styles, self._states)
        for shared in self._planned.classes:
            body.blank(2)
            blocks.write(shared)
        if self._planned.structure.rows:
            body.blank(2)
            write_files(body, self._states)
        return self._header(body.text) + body.text

    def _header(self, body: str) -> str:
        head = Writer()
        head.docstring(
            f"The model `{self._planned.structure.model.function.sym_name.data}` in Keras, written by neuralc."
        )
        head.blank()
        standard = [
            f"import {name}" for name in ("functools", "itertools", "math", "re") if re.search(rf"\b{name}\.", body)
        ]
        if standard:
            head.lines(standard)
            head.blank()
        head.line("import keras")
        if re.search(r"\bnp\.", body):
            head.line("import numpy as np")
        names = [name for name in ("layers", "ops") if re.search(rf"\b{name}\.", body)]
        if names:
            head.line(f"from keras import {', '.join(names)}")
        if self._planned.structure.rows:
            head.line("from safetensors.numpy import load_file, save_file")
        floats = usual_float(self._planned.structure.model.function)
        if floats != "float32":
            head.blank()
            head.line(f"keras.config.set_floatx({floats!r})".replace("'", '"'))
            head.line(f"keras.config.set_dtype_policy({floats!r})".replace("'", '"'))
        return head.text


def usual_float(model: Operation) -> str:
    """The type of most floats of a model: layers of Keras turn all others into it, unless told otherwise."""
    elements = [element_of(value.type) for op in model.walk() for value in (*op.results, *_arguments(op))]
    names = Counter(numpy_dtype(element).name for element in elements if is_float(element))
    return names.most_common(1)[0][0] if names else "float32"


def _arguments(op: Operation) -> list[SSAValue]:
    return [argument for region in op.regions for block in region.blocks for argument in block.args]
