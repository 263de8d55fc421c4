"""What a class of the emitted file holds, before it is written: its layers, weights and submodules, by attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import CallOp, FunctionLike, InitializerAttr
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import Order
from neuralc.emit.placements import Neutral
from neuralc.emit.python.expressions import Expression


@dataclass(frozen=True)
class Parameter:
    """`layer.<name>` holds the weight `value` with its axes in another order."""

    name: str
    value: SSAValue
    axes: Order
    shape: tuple[int, ...] = ()
    """That of the parameter, where it joins or splits axes (Keras depthwise kernels)."""
    gates: tuple[int, ...] = ()
    """Where the blocks along the first axis of the parameter stand in the weight, where that is another order."""
    row: int | None = None
    """The place along the weight's first axis of a parameter that is not all of it; `axes` are those of the rest."""


@dataclass(frozen=True)
class LayerSpec:
    """A layer of a framework: how it is made, what it holds, what to call it where no weight gives it a name."""

    kind: str
    constructor: Expression
    parameters: tuple[Parameter, ...] = ()
    neutral: tuple[Neutral, ...] = ()
    """Parameters that the model does not have (the scale of a batch norm without one), which stay as they are made."""
    data: int = 0
    """Which operand of the op the layer is applied to."""
    optional: bool = False
    """True for an op that is written as an expression where its parameters are no weights of the model."""

    @property
    def frozen(self) -> tuple[str, ...]:
        """What the model does not have, and training would change."""
        return tuple(each.name for each in self.neutral if each.counts)


@dataclass(frozen=True)
class Row:
    """`parameter` of the emitted model is the weight `key`, its axes in another order; the rest as in `Parameter`."""

    parameter: str
    key: str
    axes: Order
    shape: tuple[int, ...] = ()
    gates: tuple[int, ...] = ()
    row: int | None = None


@dataclass(frozen=True)
class Layer:
    """`self.attribute = nn.Something(...)`; `weights` names what it holds by parameter."""

    attribute: str
    spec: LayerSpec
    weights: Mapping[str, str]
    init: Mapping[str, InitializerAttr]
    """The initializer of each parameter that names one."""
    options: list[str] = field(default_factory=list, compare=False)
    """What a form gives the layer where it is applied, as it is known when all functions are: `stride=2`."""


@dataclass(frozen=True)
class Held:
    """A weight where a layer has it: `self.embedding.weight`, with its axes in the layer's order."""

    layer: Layer
    parameter: Parameter


@dataclass(frozen=True)
class FreeWeight:
    """A weight that forward uses directly: an nn.Parameter, or a buffer where training leaves it alone."""

    attribute: str
    weight: str
    shape: tuple[int, ...]
    trainable: bool
    init: InitializerAttr | None
    dtype: str = "float32"
    path: str = ""
    """Where it stands in the model: its name, without a last part that says no more than that it is a weight."""


@dataclass(frozen=True)
class Child:
    """A submodule of a class that is emitted too: `self.attribute`, or item `index` of that ModuleList."""

    attribute: str
    index: int | None
    plan: ClassPlan
    weights: Mapping[str, str]
    """The names of its weights in its own class -> in the class that holds it."""
    base: str
    """The path in the model, without the index."""
    options: list[str] = field(default_factory=list, compare=False)
    """The same for a part of the model."""

    @property
    def path(self) -> str:
        return self.attribute + ("" if self.index is None else f".{self.index}")


@dataclass
class ClassPlan:
    """A class to be written: what `__init__` makes, and which attribute each op of `forward` uses."""

    function: FunctionLike
    name: str
    written: str
    """The name of the class or function that stands for it in the file: another one where several are written once."""
    weight_names: dict[SSAValue, str]
    """Values that are weights (arguments of a function, graph.get_weight), by their names in this class."""
    members: list[Layer | FreeWeight | Child] = field(default_factory=list)
    layer_at: dict[Operation, Layer] = field(default_factory=dict)
    child_at: dict[CallOp, Child] = field(default_factory=dict)
    free: dict[SSAValue, FreeWeight] = field(default_factory=dict)
    held: dict[SSAValue, Held] = field(default_factory=dict)
    """Weights of layers that other ops use too (a tied embedding)."""
    refused: set[Operation] = field(default_factory=set)
    handed_on: set[str] = field(default_factory=set)
    """Weights that several parts read: this class holds them and gives them to the parts as values."""

    @property
    def inputs(self) -> list[SSAValue]:
        return [argument for argument in self.function.arguments if argument not in self.weight_names]

    @property
    def holds_weights(self) -> bool:
        """Whether there are any in it or in its parts."""
        return any(not isinstance(member, Child) or member.plan.holds_weights for member in self.members)

    def held_by_parts(self, value: SSAValue) -> str | None:
        """The name of a weight that the part holds which it is given to; None for other values."""
        found = self.weight_names.get(value)
        return None if found in self.handed_on else found

    def data_of(self, op: CallOp) -> tuple[int, ...]:
        """The operands of a call that its part does not hold."""
        return tuple(index for index, value in enumerate(op.args) if self.held_by_parts(value) is None)

    def holders(
        self, prefix: str = "", names: Mapping[str, str] | None = None
    ) -> Iterator[tuple[str, Layer | FreeWeight, Mapping[str, str]]]:
        """What holds the weights of an instance at `prefix`, and what the names of its weights are in the model."""
        for member in self.members:
            if isinstance(member, Child):
                bound = {name: names[key] if names else key for name, key in member.weights.items()}
                yield from member.plan.holders(f"{prefix}{member.path}.", bound)
            else:
                held = member.weights.values() if isinstance(member, Layer) else [member.weight]
                yield prefix + member.attribute, member, {key: names[key] if names else key for key in held}

    def rows(self) -> Iterator[Row]:
        """All parameters of the model."""
        for path, member, names in self.holders():
            if isinstance(member, FreeWeight):
                yield Row(path, names[member.weight], tuple(range(len(member.shape))))
                continue
            for held in member.spec.parameters:
                key = names[member.weights[held.name]]
                yield Row(f"{path}.{held.name}", key, held.axes, held.shape, held.gates, held.row)

    def neutral(self) -> Iterator[Neutral]:
        """All that the model does not have."""
        for path, member, _ in self.holders():
            if isinstance(member, Layer):
                yield from (each.inside(f"{path}.") for each in member.spec.neutral)


def sizes_of(value: SSAValue) -> tuple[int, ...]:
    """The sizes of a weight, which are never symbolic."""
    return tuple(size for size in shape_of(value.type) if isinstance(size, int))
