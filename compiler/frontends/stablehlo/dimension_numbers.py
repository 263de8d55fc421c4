"""The attributes of StableHLO that say which dim is which, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neuralc.frontends.stablehlo.trial import dialect

Axes = tuple[int, ...]


@dataclass(frozen=True)
class Dot:
    """Which dims of the operands go together (StableHLO dot_general)."""

    lhs_batch: Axes
    rhs_batch: Axes
    lhs_contracting: Axes
    rhs_contracting: Axes

    @classmethod
    def of(cls, attribute: Any) -> Dot:
        numbers = dialect().DotDimensionNumbers(attribute)
        return cls(
            tuple(numbers.lhs_batching_dimensions),
            tuple(numbers.rhs_batching_dimensions),
            tuple(numbers.lhs_contracting_dimensions),
            tuple(numbers.rhs_contracting_dimensions),
        )


@dataclass(frozen=True)
class Convolution:
    """Where batch, channels and space stand in the three tensors: each as (batch or in, channels or out, *space)."""

    x: Axes
    kernel: Axes
    result: Axes

    @classmethod
    def of(cls, attribute: Any) -> Convolution:
        numbers = dialect().ConvDimensionNumbers(attribute)
        return cls(
            (numbers.input_batch_dimension, numbers.input_feature_dimension, *numbers.input_spatial_dimensions),
            (
                numbers.kernel_input_feature_dimension,
                numbers.kernel_output_feature_dimension,
                *numbers.kernel_spatial_dimensions,
            ),
            (numbers.output_batch_dimension, numbers.output_feature_dimension, *numbers.output_spatial_dimensions),
        )


@dataclass(frozen=True)
class Gather:
    """How indices choose slices of an operand (StableHLO gather)."""

    offset: Axes
    """Dims of the result that are dims of a slice; the others are those of the indices."""
    collapsed: Axes
    """Dims of the operand that a slice does not have."""
    operand_batch: Axes
    indices_batch: Axes
    start_map: Axes
    """The dim of the operand that each entry of an index vector is a place of."""
    vector: int
    """The dim of the indices that holds the vectors; its rank where they are single numbers."""
    entries: Axes = ()
    """Those of an index vector that `start_map` speaks of, where it leaves some out."""

    @classmethod
    def of(cls, attribute: Any) -> Gather:
        numbers = dialect().GatherDimensionNumbers(attribute)
        return cls(
            tuple(numbers.offset_dims),
            tuple(numbers.collapsed_slice_dims),
            tuple(numbers.operand_batching_dims),
            tuple(numbers.start_indices_batching_dims),
            tuple(numbers.start_index_map),
            numbers.index_vector_dim,
        )


@dataclass(frozen=True)
class Scatter:
    """How indices choose the places of updates (StableHLO scatter)."""

    window: Axes
    """Dims of the updates that are dims of a window; the others are those of the indices."""
    inserted: Axes
    """Dims of the operand that a window does not have."""
    operand_batch: Axes
    indices_batch: Axes
    start_map: Axes
    vector: int

    @classmethod
    def of(cls, attribute: Any) -> Scatter:
        numbers = dialect().ScatterDimensionNumbers(attribute)
        return cls(
            tuple(numbers.update_window_dims),
            tuple(numbers.inserted_window_dims),
            tuple(numbers.input_batching_dims),
            tuple(numbers.scatter_indices_batching_dims),
            tuple(numbers.scattered_dims_to_operand_dims),
            numbers.index_vector_dim,
        )
