"""What the layers of a module have in common, so that the file says it once: in a default instead of at every call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from xdsl.dialects.builtin import Float32Type, ModuleOp
from xdsl.ir import Attribute, Operation

from neuralc.dialects.graph import (
    BatchNormOp,
    BitcastOp,
    ConvOp,
    ConvTransposeOp,
    GroupNormOp,
    LayerNormOp,
    RmsNormOp,
    StateOp,
    WeightOp,
    the_model,
)
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.jax.kernels import kernel_layout
from neuralc.emit.jax.padding import padding_of
from neuralc.emit.jax.recurrences import without_last
from neuralc.emit.jax.tree import access, branches
from neuralc.emit.python.form import RUNNING, Form
from neuralc.emit.python.names import Names, identifier
from neuralc.emit.python.plan import Child, ClassPlan
from neuralc.emit.python.values import Values

T = TypeVar("T")

_COMMON: Mapping[type[Operation], tuple[str, ...]] = {
    BatchNormOp: ("epsilon", "momentum"),
    GroupNormOp: ("epsilon",),
    LayerNormOp: ("epsilon",),
    RmsNormOp: ("epsilon",),
}
"""Properties whose most frequent value becomes the default of the helper function."""


@dataclass(frozen=True)
class Conventions:
    """Defaults of the helper functions of a file, and how it holds numbers."""

    defaults: Mapping[tuple[type[Operation], str], Any] = field(default_factory=dict)
    layouts: Mapping[tuple[type[Operation], int], tuple[str, str]] = field(default_factory=dict)
    """By the kind and the rank of a convolution: the order of axes of most images, and of their kernels."""
    padding: Any = "VALID"
    """Of most convolutions."""
    wide: bool = False
    """The model has values of 64 bits, which JAX else narrows."""
    weights: Attribute = field(default_factory=Float32Type)
    """The float type of the weights."""
    without_last: frozenset[str] = frozenset()
    """Functions of recurrent layers whose last states no one reads."""

    @classmethod
    def of(cls, module: ModuleOp) -> Conventions:
        found: dict[tuple[type[Operation], str], Counter[Any]] = {}
        layouts: dict[tuple[type[Operation], int], Counter[tuple[str, str]]] = {}
        for op in module.walk():
            if isinstance(op, PlainOp):
                for name in _COMMON.get(type(op), ()):
                    found.setdefault((type(op), name), Counter())[op.literal(name)] += 1
            if isinstance(op, ConvOp | ConvTransposeOp):
                key = type(op), len(op.literal("strides"))
                layouts.setdefault(key, Counter())[op.literal("data_format"), kernel_layout(op)] += 1
        return cls(
            {key: counter.most_common(1)[0][0] for key, counter in found.items()},
            {key: counter.most_common(1)[0][0] for key, counter in layouts.items()},
            _most([padding_of(op, shape_of(op.x.type)) for op in module.walk() if isinstance(op, ConvOp)], "VALID"),
            _is_wide(module),
            _weight_type(module),
            without_last(module),
        )

    def options(self, op: Any, *names: str) -> dict[str, Any]:
        """The properties of an op that differ from the defaults of its helper function."""
        return {name: op.literal(name) for name in names if op.literal(name) != self.defaults.get((type(op), name))}


def _is_wide(module: ModuleOp) -> bool:
    """float64 or unsigned 64 bits anywhere; integers of 64 bits that come in, go out, are stored or are read as bits.

    Places and counts inside, which the graph level has as i64, fit the 32 bits that they then have."""
    model = the_model(module)
    outside = [value.type for value in (*model.arguments, *model.terminator.operands)]
    outside += [op.type for op in module.walk() if isinstance(op, WeightOp | StateOp)]
    outside += [value.type for op in module.walk() if isinstance(op, BitcastOp) for value in (op.x, op.result)]
    if any(numpy_dtype(element_of(type_)).itemsize == 8 for type_ in outside):
        return True
    inside = (result.type for op in module.walk() for result in op.results)
    return any(numpy_dtype(element_of(type_)).name in ("float64", "uint64") for type_ in inside)


def _most(values: Sequence[T], otherwise: T) -> T:
    return Counter(values).most_common(1)[0][0] if values else otherwise


def _weight_type(module: ModuleOp) -> Attribute:
    types = [element_of(op.type) for op in module.walk() if isinstance(op, WeightOp)]
    floats: Sequence[Attribute] = [type_ for type_ in types if is_float(type_)]
    return _most(floats, Float32Type())


@dataclass(frozen=True)
class JaxForm(Form):
    """JAX, with what all functions of a file agree on."""

    conventions: Conventions = field(default_factory=Conventions)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Branches of the tree that a function reads often, by their paths: what it calls them."""

    def of_plan(self, plan: ClassPlan, functions: Collection[str]) -> JaxForm:
        """The form of one function, whose variables are not called as any function is."""
        paths = [member.path if isinstance(member, Child) else member.attribute for member in plan.members]
        reserved = {
            *self.local_names,
            *functions,
            *RUNNING,
            *(identifier(value.name_hint or "x") for value in plan.inputs),
        }
        aliases = branches(paths, Names(reserved))
        return replace(self, aliases=aliases, local_names=self.local_names | {*functions, *aliases.values()})

    def access(self, attribute: str, index: int | None = None) -> str:
        """`params["blocks"][0]`."""
        branch = max((path for path in self.aliases if attribute.startswith(f"{path}.")), key=len, default="")
        if not branch:
            return access("params", attribute, index)
        return access(self.aliases[branch], attribute.removeprefix(f"{branch}."), index)


def conventions_of(values: Values) -> Conventions:
    """What the file of these values agrees on."""
    return cast(JaxForm, values.form).conventions
