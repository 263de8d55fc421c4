"""Writes the function of a block, or of the model: its arguments, docstring with shapes, statements."""

from __future__ import annotations

from typing import cast

from neuralc.emit.jax.conventions import JaxForm
from neuralc.emit.jax.options import Options
from neuralc.emit.jax.steps import TYPES, steps_of
from neuralc.emit.jax.tree import access
from neuralc.emit.python.shapes import write_docstring
from neuralc.emit.python.sharing import SharedClass
from neuralc.emit.python.writer import Writer


class FunctionWriter:
    """Writes functions; `precise` ones multiply float32 in full, on every device, `stateful` ones keep values."""

    def __init__(self, writer: Writer, options: Options, *, precise: bool, stateful: bool) -> None:
        self._writer = writer
        self._options = options
        self._stateful = stateful
        self._precise = precise

    def write(self, shared: SharedClass) -> None:
        writer, text = self._writer, shared.variants[0]
        results = len(text.lowered.results)
        returns = "Array" if results == 1 else f"tuple[{', '.join(['Array'] * results)}]"
        parameters = ["params: Params"] if text.plan.holds_weights else []
        parameters += ["state: Params"] if text.is_model and self._stateful else []
        parameters += [f"{argument}: Array" for argument in text.arguments]
        if text.is_model and self._stateful:
            returns = f"tuple[{returns}, Params]"
        parameters += [f"{step}: {TYPES[step]}" + (" = None" if text.is_model else "") for step in steps_of(text.plan)]
        parameters += self._options.of(shared)
        if text.is_model and self._precise:
            writer.line('@jax.default_matmul_precision("float32")')
        writer.definition("forward" if text.is_model else shared.name, parameters, returns)
        with writer.indented():
            write_docstring(self._writer, shared)
            for branch, name in cast(JaxForm, text.form).aliases.items():
                writer.line(f"{name} = {access('params', branch)}")
            text.write_body(writer, comments=len(shared.variants) == 1)
