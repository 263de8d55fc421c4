"""What a model says about itself: names, shapes, dtypes and bounds, read from the JSON in its artifact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class Port:
    """An input, an output or a state: its name, its shape in numbers and expressions over dims, its dtype."""

    name: str
    shape: tuple[int | str, ...]
    dtype: np.dtype[Any]
    """As arrays have it: uint16 stands for bfloat16 where ml_dtypes is missing."""
    is_bfloat16: bool = False

    @property
    def dtype_name(self) -> str:
        """What the model calls its dtype."""
        return BFLOAT16 if self.is_bfloat16 else self.dtype.name

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype_name} {format_shape(self.shape)}"


@dataclass(frozen=True)
class Dim:
    """A size that the inputs of a run fix: inclusive bounds, and who introduced it."""

    name: str
    minimum: int
    maximum: int | None
    origin: str

    def allows(self, size: int) -> bool:
        return self.minimum <= size and (self.maximum is None or size <= self.maximum)

    @property
    def bounds(self) -> str:
        """`at least 1`, `1 to 2048`."""
        return f"at least {self.minimum}" if self.maximum is None else f"{self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Description:
    """The interface of a model. `metadata` is all the artifact says, as JSON gives it."""

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    states: tuple[Port, ...]
    dims: tuple[Dim, ...]
    metadata: Mapping[str, Any]

    @staticmethod
    def parse(text: str) -> Description:
        metadata: dict[str, Any] = json.loads(text)
        return Description(
            metadata["model"],
            tuple(map(_port, metadata["inputs"])),
            tuple(map(_port, metadata["outputs"])),
            tuple(map(_port, metadata["states"])),
            tuple(Dim(**dim) for dim in metadata["dims"]),
            metadata,
        )


def _port(fields: Mapping[str, Any]) -> Port:
    return Port(fields["name"], tuple(fields["shape"]), _dtype(fields["dtype"]), fields["dtype"] == BFLOAT16)


def _dtype(name: str) -> np.dtype[Any]:
    """The dtype of a name. numpy has no bfloat16: without ml_dtypes its bits are those of uint16."""
    if name != BFLOAT16:
        return np.dtype(name)
    try:
        import ml_dtypes
    except ImportError:
        return np.dtype(np.uint16)
    bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return bfloat16


def format_shape(shape: tuple[int | str, ...]) -> str:
    """`(batch, 28, 28, 1)`, as messages show it."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
