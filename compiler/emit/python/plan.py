"""What a class of the emitted file holds, before it is written: its layers, weights and submodules, by attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import CallOp, FunctionLike, InitializerAttr
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import Order
from neuralc.emit.python.expressions import Expression
from neuralc.emit.python.places import Place


@dataclass(frozen=True)
class Parameter:
    """`layer.<name>` holds the weight `value` with its axes in another order."""

    name: str
    value: SSAValue
    axes: Order
    shape: tuple[int, ...] = ()
    """The shape between reordering axes and the layer's own, where they differ (Keras depthwise kernels)."""
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
    frozen: tuple[str, ...] = ()
    """Parameters that the model does not have (a batch norm without scale), which stay as they are made."""
    data: int = 0
    """Which operand of the op the layer is applied to."""
    optional: bool = False
    """True for an op that is written as an expression where its parameters are no weights of the model."""


@dataclass(frozen=True)
class Row:
    """A line of the weights table: `parameter` of the emitted model is weight `key` with its axes in another order."""

    parameter: str
    key: str
    axes: Order
    shape: tuple[int, ...] = ()
    gates: tuple[int, ...] = ()
    row: int | None = None
    """As a `Parameter` has them; a row of what is in the file has `places` for them."""
    places: tuple[Place, ...] = ()
    """What is read of an array that is not read as it stands in the file."""
    stored: tuple[int, ...] = ()
    """The shape of that array."""
    into: int | None = None
    """The row of the parameter that this is, where others are other rows."""


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

    def rows(self, prefix: str = "", names: Mapping[str, str] | None = None) -> Iterator[Row]:
        """The weights table of an instance at `prefix` whose weights are those of `names`."""
        for member in self.members:
            match member:
                case Layer():
                    for held in member.spec.parameters:
                        key = member.weights[held.name]
                        path = f"{prefix}{member.attribute}.{held.name}"
                        stored = names[key] if names else key
                        yield Row(path, stored, held.axes, held.shape, held.gates, held.row)
                case FreeWeight():
                    axes = tuple(range(len(member.shape)))
                    yield Row(prefix + member.attribute, names[member.weight] if names else member.weight, axes)
                case Child():
                    bound = {name: names[key] if names else key for name, key in member.weights.items()}
                    yield from member.plan.rows(f"{prefix}{member.path}.", bound)


def sizes_of(value: SSAValue) -> tuple[int, ...]:
    """The sizes of a weight, which are never symbolic."""
    return tuple(size for size in shape_of(value.type) if isinstance(size, int))
