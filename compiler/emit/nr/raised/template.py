"""What a layer is lowered to, as a pattern: the front end writes it, and ops of a model that equal it are the layer.

So a layer is only recognised where the program that is written means the very same ops, and none has to be described
a second time. The pattern is the network of that one layer, brought into the form that imported models have:

    network Template { input: x: (S, 64) layers: MultiHeadAttention(4, 16) }

A mask that the value carries comes from an embedding in front of the layer, which is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import the_model
from neuralc.dialects.types import Shape, numpy_dtype
from neuralc.emit.nr.raised.layer import CARRIED
from neuralc.emit.nr.text import written
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source

NAME = "layer"
"""What the layer of a template is called; its weights are below."""

Normal = Callable[[ModuleOp], None]
"""Brings a module into the form in which models are compared with templates."""


@dataclass(frozen=True)
class Wanted:
    """A layer that ops may be: its arguments, what it is applied to, and whether that carries a mask."""

    layer: str
    arguments: Mapping[str, object]
    inputs: Mapping[str, tuple[Shape, Attribute]]
    """By role: `x` or another name by position, `attention_mask=` by name; of a mask that is carried, nothing."""
    is_masked: bool = False
    bounds: Mapping[str, int] | None = None
    """Largest sizes, by role of an input and what is at most so many steps along its axis 1."""

    @property
    def text(self) -> str:
        """The network of this layer."""
        sizes: dict[Dim, str] = {}
        shapes = {role: self._shape(shape, sizes) for role, (shape, _) in self.inputs.items()}
        shown = [f"{name}={written(value)}" for name, value in self.arguments.items()]
        layer = f"{self.layer}({', '.join([*shown, f'name={NAME!r}'])})"
        declared = [
            f"{role.strip('=')}: {shapes[role]} {numpy_dtype(element).name}"
            for role, (_, element) in self.inputs.items()
        ]
        applied = [f"{role}{role.strip('=')}" if role.endswith("=") else role for role in self.inputs]
        first = ""
        if self.is_masked:
            (role, (shape, _)), *_ = self.inputs.items()
            declared[0] = f"ids: {self._shape(shape[:-1], sizes)} int32"
            first = f"{role} = Embedding(2, {shape[-1]}, mask_zero=true)(ids)"
        where = f" where {sizes_text(self.bounds, sizes)}" if self.bounds else ""
        return (
            f"network Template {{ input: {{ {', '.join(declared)} }}{where} "
            f"layers: {first} {layer}({', '.join(applied)}) }}"
        )

    def _shape(self, shape: Shape, sizes: dict[Dim, str]) -> str:
        names = [str(size) if isinstance(size, int) else sizes.setdefault(size, f"S{len(sizes)}") for size in shape[1:]]
        return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def sizes_text(bounds: Mapping[str, int] | None, sizes: Mapping[Dim, str]) -> str:
    return ", ".join(f"{name} <= {bound}" for bound in (bounds or {}).values() for name in sizes.values())


@dataclass(frozen=True)
class Template:
    """The ops of a layer between what it is applied to and what it gives."""

    wanted: Wanted
    module: ModuleOp
    inputs: Mapping[SSAValue, str]
    """The values that stand for what the layer is applied to, by role."""

    @cached_property
    def results(self) -> Sequence[SSAValue]:
        model = the_model(self.module)
        end = model.block.last_op
        return list(end.operands) if end is not None else []

    @cached_property
    def of_weights(self) -> set[Operation]:
        """The ops that depend on weights."""
        found: set[Operation] = set()
        for op in the_model(self.module).block.ops:
            if isinstance(op, graph.GetWeightOp) or any(value.owner in found for value in op.operands):
                found.add(op)
        return found


def template_of(wanted: Wanted, normal: Normal) -> Template | None:
    """The template of a layer; None where the language does not take these arguments or shapes."""
    try:
        module = load(Source("<template>", wanted.text)).module
    except NeuralcError:
        return None
    normal(module)
    model = the_model(module)
    places = dict(zip(model.inputs, model.arguments, strict=True))
    inputs: dict[SSAValue, str] = {}
    for role in wanted.inputs:
        if role.strip("=") in places:
            inputs[places[role.strip("=")]] = role
    if wanted.is_masked:
        carried = _carried(places["ids"])
        if carried is None:
            return None
        first = next(iter(wanted.inputs))
        inputs |= {carried[0]: first, carried[1]: CARRIED}
    return Template(wanted, module, inputs)


def _carried(ids: SSAValue) -> tuple[SSAValue, SSAValue] | None:
    """What an embedding gives, and its mask."""
    value, mask = None, None
    for use in ids.uses:
        op = use.operation
        if isinstance(op, graph.GatherOp):
            value = op.result
        elif isinstance(op, graph.NotEqualOp):
            mask = op.result
    return None if value is None or mask is None else (value, mask)
