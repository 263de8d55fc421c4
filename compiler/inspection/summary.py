"""What there is to tell of a model, as plain data: ports, sizes, layers, the values between them, and their costs.

Values and layers are known by their place in a list, so a summary is a graph that JSON can hold: a layer names the
values it reads and makes, inputs are values that no layer makes. What is not known of a model that is not compiled,
or of an operator without a cost, is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from neuralc.inspection.units import shape_text, short_shape

Shape: TypeAlias = tuple[int | str, ...]
"""Sizes are numbers or expressions over the model's symbolic sizes."""

UNBOUNDED = 1 << 28
"""A size that may be so large has no bound worth showing: the ONNX front end gives every size this one."""


@dataclass(frozen=True)
class Value:
    """What flows between layers: its shape, and the numbers in it at the sizes that costs are for."""

    dtype: str
    shape: Shape | None
    at: tuple[int, ...] | None
    bytes: int | None

    @property
    def short(self) -> str:
        """Its shape for people: long expressions are their number in braces, `(batch, {17})`."""
        return shape_text(short_shape(self.shape, self.at))


@dataclass(frozen=True)
class Port:
    """An input or output of the model; `value` is its place among the values."""

    name: str
    dtype: str
    shape: Shape | None
    value: int


@dataclass(frozen=True)
class State:
    """What the model keeps from run to run: the values that are read from it, and the one that the next run finds."""

    name: str
    dtype: str
    shape: Shape
    bytes: int
    reads: tuple[int, ...]
    write: int | None


@dataclass(frozen=True)
class Size:
    """A symbolic size: its bounds, who names it, and the number it has in the costs."""

    name: str
    minimum: int
    maximum: int | None
    origin: str
    value: int

    @property
    def bounds(self) -> str:
        bounded = self.maximum is not None and self.maximum < UNBOUNDED
        return f"{self.minimum} to {self.maximum}" if bounded else f"from {self.minimum}"


@dataclass(frozen=True)
class Layer:
    """One op: where it stands in the model, its first result, its weights, its arithmetic and its memory."""

    name: str
    path: tuple[str, ...]
    """The name by parts: the blocks it is in, then its own."""
    op: str
    kind: str
    """What sort of op it is, for colours: one of `kinds.KINDS`."""
    place: str
    """`model.nr:12:5`, or the empty string."""
    dtype: str
    shape: Shape | None
    parameters: int
    flops: int | None
    flops_formula: str
    """The same for all sizes."""
    bytes: int | None
    """New memory for its results: none where they are views."""
    live_bytes: int | None
    """Inputs, outputs and values between layers that are there while it runs."""
    operands: tuple[int, ...]
    results: tuple[int, ...]
    refused: str = ""
    """Why it is not compiled."""


@dataclass(frozen=True)
class Unsupported:
    """An operator that keeps the model from being compiled."""

    operator: str
    reason: str
    count: int
    first: str


@dataclass(frozen=True)
class Summary:
    """A model. Of one that is refused, layers are the nodes of the file, with what the file says of them."""

    name: str
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    states: Sequence[State]
    sizes: Sequence[Size]
    values: Sequence[Value]
    layers: Sequence[Layer]
    operators: Mapping[str, int]
    parameters: int
    weight_bytes: int
    flops: int | None
    flops_formula: str
    peak_bytes: int | None
    """The most that inputs, outputs and values between layers take at one time, if each layer runs by itself."""
    peak_layer: int | None
    """The first layer at which they take it."""
    unsupported: Sequence[Unsupported] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "operators": dict(self.operators), "compiles": not self.unsupported}

    @property
    def is_file(self) -> bool:
        """Whether all there is was read from the file of a refused model: nodes, without costs."""
        return self.flops is None

    @property
    def extent(self) -> str:
        """`14 layers`."""
        return f"{len(self.layers):,} {'nodes' if self.is_file else 'layers'}"

    def short_shape(self, layer: Layer) -> str:
        """The shape of a layer's first result, for people."""
        return self.values[layer.results[0]].short if layer.results else ""

    @property
    def at(self) -> str:
        """The sizes that costs are for: `batch = 1, S = 16`."""
        return ", ".join(f"{size.name} = {size.value}" for size in self.sizes)
