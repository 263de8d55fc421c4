"""The tensors of a model: initializers with the weights' names, in the order of axes that operators read.

Small models hold them. The bytes of large ones stand in a second file, one weight after the other: they are turned and
written one by one, so that no more than one is in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from neuralc.dialects.graph import WeightOp
from neuralc.dialects.interp.run import materialize
from neuralc.dialects.types import AnyTensor, element_bytes, element_of, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.emit.layouts import Order, permuted
from neuralc.frontends.onnx.element_types import NUMBERS
from neuralc.grammar.diagnostics import error

INSIDE = 64 << 20
"""Bytes of weights up to which a model holds them itself: protobuf has a copy of all of them."""

LARGEST = (1 << 31) - (1 << 24)
"""Bytes of weights that a model can hold: a message of protobuf ends at 2 GiB."""

ALIGNMENT = 4096
"""Where a weight begins in the second file: engines map it by pages."""


@dataclass(frozen=True)
class Form:
    """How a weight is stored, where that is more than another order of its axes."""

    shape: tuple[int, ...]
    make: Callable[[NDArray[Any]], NDArray[Any]]
    """Of the values as the model has them."""


@dataclass(frozen=True)
class Tensors:
    """The weights that a model reads, by name, with the order in which each is stored."""

    module: ModuleOp
    store: WeightStore
    table: Mapping[str, Operation]
    orders: Mapping[str, Order]
    forms: Mapping[str, Form]

    @property
    def are_large(self) -> bool:
        """Whether they should stand in a file of their own."""
        return self._total > INSIDE

    def inside(self) -> list[onnx.TensorProto]:
        """Initializers with their bytes. Raises NeuralcError E0850 where a file of their own is needed."""
        if self._total > LARGEST:
            raise error(
                "E0850",
                f"the weights take {self._total / 2**30:.1f} GiB, an ONNX model holds 2 at most",
                help="write the model to a file by `-o`: its weights will stand beside it",
            )
        return [self._tensor(name, raw_data=self._array(name).tobytes()) for name in self.orders]

    def outside(self, location: str) -> list[onnx.TensorProto]:
        """Initializers whose bytes are `pieces`, in the file `location`."""
        found: list[onnx.TensorProto] = []
        for name, offset in self._offsets().items():
            tensor = self._tensor(name, data_location=onnx.TensorProto.EXTERNAL)
            entries = {"location": location, "offset": str(offset), "length": str(self._size(name))}
            for key, value in entries.items():
                tensor.external_data.add(key=key, value=value)
            found.append(tensor)
        return found

    def _tensor(self, name: str, **fields: Any) -> onnx.TensorProto:
        element = element_of(self._type(name))
        return onnx.TensorProto(name=name, data_type=NUMBERS[element], dims=self._shape(name), **fields)

    def _shape(self, name: str) -> list[int]:
        if name in self.forms:
            return list(self.forms[name].shape)
        return [int(str(size)) for size in permuted(shape_of(self._type(name)), self.orders[name])]

    @property
    def _total(self) -> int:
        return sum(map(self._size, self.orders))

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The bytes of the second file."""
        end = 0
        for name, offset in self._offsets().items():
            yield bytes(offset - end)
            array = self._array(name)
            yield array.reshape(-1).view(np.uint8).data
            end = offset + array.nbytes

    def _offsets(self) -> dict[str, int]:
        found: dict[str, int] = {}
        end = 0
        for name in self.orders:
            found[name] = -(-end // ALIGNMENT) * ALIGNMENT
            end = found[name] + self._size(name)
        return found

    def _type(self, name: str) -> AnyTensor:
        weight = self.table[name]
        assert isinstance(weight, WeightOp), "the verifier resolves reads of weights"
        return weight.type

    def _size(self, name: str) -> int:
        return math.prod(self._shape(name)) * element_bytes(element_of(self._type(name)))

    def _array(self, name: str) -> NDArray[Any]:
        """The values as they are stored; the one copy is made where that is another way. Raises E0504."""
        array = materialize(self.module, self.store, name)
        stored = self.forms[name].make(array) if name in self.forms else array.transpose(self.orders[name])
        return np.ascontiguousarray(stored).reshape(self._shape(name))
