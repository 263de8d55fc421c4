"""What a model says about itself: names, shapes, dtypes and bounds, read from the JSON in its artifact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Port:
    """An input or an output: its name, its shape in numbers and expressions over dims, its dtype."""

    name: str
    shape: tuple[int | str, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype} {format_shape(self.shape)}"


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
    dims: tuple[Dim, ...]
    metadata: Mapping[str, Any]

    @staticmethod
    def parse(text: str) -> Description:
        metadata: dict[str, Any] = json.loads(text)
        return Description(
            metadata["model"],
            tuple(map(_port, metadata["inputs"])),
            tuple(map(_port, metadata["outputs"])),
            tuple(Dim(**dim) for dim in metadata["dims"]),
            metadata,
        )


def _port(fields: Mapping[str, Any]) -> Port:
    return Port(fields["name"], tuple(fields["shape"]), np.dtype(fields["dtype"]))


def format_shape(shape: tuple[int | str, ...]) -> str:
    """`(batch, 28, 28, 1)`, as messages show it."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
