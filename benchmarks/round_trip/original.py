"""A model as its own framework has it: what neuralc reads, inputs, and what the framework computes for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

    from neuralc.driver import Options
    from neuralc.imported import ImportedModel

Array = NDArray[Any]


@dataclass(frozen=True)
class Original:
    """`expected` are the outputs in the order of the model; None where no framework but neuralc has the model."""

    model: Path | ImportedModel
    inputs: Sequence[Array]
    expected: Sequence[Array] | None
    options: Options
    torch: nn.Module | None = None
    """The live module, whose gradients those of written code are held against."""
    states: Mapping[str, Array] | None = None


@dataclass(frozen=True)
class Subject:
    """A model by its name; `make` is called when its turn comes, with a folder for files."""

    family: str
    name: str
    make: Callable[[Path], Original]


def single(array: Array) -> Array:
    """The array as a model in single precision takes it."""
    return array.astype(np.float32) if array.dtype == np.float64 else array
