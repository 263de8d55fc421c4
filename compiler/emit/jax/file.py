"""The emitted file around its functions: what it is, imports of what is used, helpers, how it trains, load and save."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from xdsl.dialects.builtin import Float32Type, Float64Type, ModuleOp

from neuralc.dialects.graph import (
    ConvOp,
    ConvTransposeOp,
    DeformConvOp,
    DenseOp,
    DetOp,
    EinsumOp,
    GruOp,
    LstmOp,
    MatmulOp,
    RnnOp,
    declared_states,
)
from neuralc.dialects.types import numpy_dtype
from neuralc.emit.jax.conventions import Conventions
from neuralc.emit.jax.files import weight_plan, write_files
from neuralc.emit.jax.function_writer import FunctionWriter
from neuralc.emit.jax.helper_source import closure, functions
from neuralc.emit.jax.init_texts import NAMES as INIT_NAMES
from neuralc.emit.jax.init_texts import SINGLETONS, InitTexts
from neuralc.emit.jax.init_writer import InitWriter
from neuralc.emit.jax.layer_texts import LayerTexts
from neuralc.emit.jax.lower_states import write_init_state
from neuralc.emit.jax.options import Options, without_bias
from neuralc.emit.jax.recurrences import fitted, outputs_alone, with_defaults
from neuralc.emit.jax.steps import steps_of
from neuralc.emit.jax.training_text import write_train_forward, write_training
from neuralc.emit.jax.weight_rules import write_rules
from neuralc.emit.placements import WeightPlan
from neuralc.emit.python.planned import Planned
from neuralc.emit.python.trimming import trimmed
from neuralc.emit.python.writer import Writer

_ALIASES = {
    "Params": "dict[str, Any]",
    "Function": "Callable[[Array], Array]",
    "Initializer": "Callable[..., Array]",
    "Ints": "Sequence[int]",
    "Keys": "Iterator[Array]",
    "Masks": "tuple[Sequence[Array], Sequence[Array]]",
    "Padding": "str | Sequence[tuple[int, int]]",
}
"""Types of the file, where they are used."""

_PRODUCTS = (ConvOp, ConvTransposeOp, DeformConvOp, DenseOp, DetOp, EinsumOp, GruOp, LstmOp, MatmulOp, RnnOp)
"""Ops whose float32 numbers TPUs and GPUs multiply in fewer bits where nobody asks for more."""


class ModuleFile:
    """A whole file: helpers, then functions before those that use them, `forward` last; then how weights start."""

    def __init__(self, planned: Planned, conventions: Conventions, module: ModuleOp) -> None:
        self._planned = planned
        self._module = module
        self._stateful = bool(declared_states(module))
        self._conventions = conventions
        self._model = planned.structure.model
        self._has_weights = self._model.holds_weights

    @property
    def weights(self) -> WeightPlan:
        """What `load` reads and `save` writes."""
        return weight_plan(self._planned.structure)

    def text(self) -> str:
        computing, starting = Writer(), Writer()
        options = Options(self._planned.classes)
        writer = FunctionWriter(computing, options, precise=self._is_precise, stateful=self._stateful)
        for shared in self._planned.classes:
            computing.blank(2)
            writer.write(shared)
        if steps_of(self._model):
            write_train_forward(computing, self._planned.classes[-1].variants[0], stateful=self._stateful)
        if self._stateful:
            write_init_state(starting, self._module, wide=self._conventions.wide)
        rules: set[str] = set()
        if self._has_weights:
            init = InitWriter(starting, options, self._dtype, self._without_bias)
            for shared in self._planned.classes:
                if shared.variants[0].plan.holds_weights:
                    init.write(shared)
            write_files(starting)
            rules = write_rules(starting, self._planned.structure.rows, self._planned.structure.declared)
        helpers = self._helpers(computing.text, starting.text, rules)
        body = helpers + computing.text + starting.text.removesuffix("\n" if starting.text == "\n" else "")
        return self._header(body) + body

    @property
    def _is_precise(self) -> bool:
        """Whether products have to be asked for in full."""
        products = any(isinstance(op, _PRODUCTS) for op in self._module.walk())
        return products and isinstance(self._conventions.weights, Float32Type | Float64Type)

    @property
    def _without_bias(self) -> frozenset[str]:
        return without_bias(self._planned.classes)

    @property
    def _dtype(self) -> str:
        """The type of new parameters, where it is not what JAX takes by itself."""
        if isinstance(self._conventions.weights, Float32Type) and not self._conventions.wide:
            return ""
        return f"jnp.{numpy_dtype(self._conventions.weights).name}"

    def _helpers(self, computing: str, starting: str, rules: Set[str]) -> str:
        writer, used = Writer(), self._planned.helpers
        if "train" in steps_of(self._model):
            write_training(writer, self._model)
        texts = LayerTexts(self._conventions, used, computing)
        texts.write(writer)
        names = closure([*used, *rules, *(["unit_forget"] if "unit_forget" in starting else [])])
        found = self._fitted(names, computing + starting)
        for function in names:
            writer.blank(2)
            writer.lines(found[function].splitlines())
        init = InitTexts(LayerTexts(self._conventions, used, starting), self._dtype, self._without_bias)
        for function in sorted(INIT_NAMES):
            if f"{function}(" in starting:
                init.write(writer, function)
        return writer.text if writer.text != "\n" else ""

    def _fitted(self, names: Sequence[str], calls: str) -> dict[str, str]:
        """The texts of helper functions as calls need them. Each function is called by those behind it."""
        found: dict[str, str] = {}
        for name in reversed(names):
            if name == "walk":
                found.update(fitted(found))
            text = found.pop(name, functions()[name].text)
            if name in self._conventions.without_last:
                text = outputs_alone(text)
            found[name] = with_defaults(trimmed(text, "\n".join([calls, *found.values()])))
        return found

    def _header(self, body: str) -> str:
        head = Writer()
        head.docstring(f"The model `{self._model.function.sym_name.data}` in JAX, written by neuralc.")
        head.blank()
        aliases = {key: value for key, value in _ALIASES.items() if re.search(rf"\b{key}\b", body)}
        text = body + " ".join(aliases.values())
        standard = [f"import {module}" for module in ("itertools", "math") if re.search(rf"\b{module}\.", text)]
        abstract = [key for key in ("Callable", "Iterator", "Sequence") if re.search(rf"\b{key}\[", text)]
        standard += [f"from collections.abc import {', '.join(abstract)}"] if abstract else []
        standard += ["from functools import partial"] if re.search(r"\bpartial\(", text) else []
        standard += ["from typing import Any"] if re.search(r"\bAny\b", text) else []
        head.lines([*standard, ""] if standard else [])
        head.lines(["import jax"] if re.search(r"\bjax\.", text) or self._conventions.wide else [])
        head.lines(["import jax.numpy as jnp"] if re.search(r"\bjnp\.", text) else [])
        used = ["Array", *(key for key in ("lax", "nn") if re.search(rf"\b{key}\.", text))]
        head.line(f"from jax import {', '.join(used)}")
        if re.search(r"\bnp\.", body):
            head.line("import numpy as np")
        if self._has_weights:
            head.line("from jax.tree_util import keystr")
            head.line("from safetensors.flax import load_file, save_file")
        if self._conventions.wide:
            head.blank()
            head.line("# The model has values of 64 bits, which JAX else makes 32.")
            head.line('jax.config.update("jax_enable_x64", True)')
        made = [f"{key} = {value}" for key, value in SINGLETONS.items() if f"Initializer = {key}" in body]
        if aliases or made:
            head.blank()
            head.lines([*(f"{key} = {value}" for key, value in aliases.items()), *made])
        return head.text
