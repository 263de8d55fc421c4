"""The values of ONNX tensors as arrays: views of the file they stand in wherever that is possible."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Attribute

from neuralc.dialects.types import numpy_dtype
from neuralc.frontends.onnx.element_types import ELEMENTS, name_of
from neuralc.frontends.onnx.wire import Pieces
from neuralc.frontends.refusals import shown
from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.grammar.files_read import reads
from neuralc.mapped_file import map_file

if TYPE_CHECKING:
    from onnx import TensorProto

Array = NDArray[Any]

EXTERNAL = 1
"""TensorProto.DataLocation."""

FIELDS: Mapping[str, str] = {
    "float32": "float_data", "float64": "double_data", "int64": "int64_data",
    "uint32": "uint64_data", "uint64": "uint64_data",
}  # fmt: skip
"""dtype -> the field of its values when they are no raw bytes; all others use int32_data."""


class UnsupportedElement(ValueError):
    """A tensor of an element type the compiler does not have; the message is its name."""


@dataclass
class TensorReader:
    """Reads the tensors of one model."""

    pieces: Pieces | None = None
    folder: Path | None = None
    """Where external data lies; None where a model came without a file, and has none."""
    _files: dict[Path, memoryview] = field(default_factory=dict)

    def read(self, tensor: TensorProto) -> tuple[Attribute, Array]:
        """Element type and values.

        Raises UnsupportedElement, and NeuralcError E0613 where values do not fit the shape, E0614 for external data.
        """
        if tensor.data_type not in ELEMENTS:
            raise UnsupportedElement(name_of(tensor.data_type))
        element = ELEMENTS[tensor.data_type]
        dtype = numpy_dtype(element)
        shape = tuple(tensor.dims)
        if any(size < 0 for size in shape):
            raise wrong_tensor(tensor, f"it has a negative size: {list(shape)}")
        count = math.prod(shape)
        if tensor.data_location == EXTERNAL:
            return element, self._frombuffer(tensor, self._external(tensor, count * dtype.itemsize), dtype, shape)
        if tensor.HasField("raw_data"):
            raw = tensor.raw_data
            piece = self.pieces.find(raw) if self.pieces is not None else None
            return element, self._frombuffer(tensor, memoryview(raw) if piece is None else piece, dtype, shape)
        name = FIELDS.get(dtype.name, "int32_data")
        values = getattr(tensor, name)
        if len(values) != count:
            raise wrong_tensor(tensor, f"it has {len(values)} values in {name}, its shape {list(shape)} has {count}")
        return element, self._listed(values, dtype).reshape(shape)

    def _frombuffer(self, tensor: TensorProto, data: memoryview, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        needed = math.prod(shape) * dtype.itemsize
        if len(data) != needed:
            raise wrong_tensor(tensor, f"it has {len(data)} bytes, {list(shape)} of {dtype} takes {needed}")
        if dtype == np.bool_:  # any byte but 0 is true, and numpy takes bytes as they are
            flags: Array = np.frombuffer(data, np.uint8).reshape(shape) != 0
            return flags
        return np.frombuffer(data, dtype).reshape(shape)

    def _listed(self, values: Any, dtype: np.dtype[Any]) -> Array:
        if dtype.name in ("float16", "bfloat16"):  # the bits of each value stand in an int32
            return np.fromiter(values, np.int32, len(values)).astype(np.uint16).view(dtype)
        wide = {"f": dtype, "u": np.dtype(np.uint64)}.get(dtype.kind, np.dtype(np.int64))
        return np.fromiter(values, wide, len(values)).astype(dtype)

    # --- external data -------------------------------------------------------------------------------------------
    def _external(self, tensor: TensorProto, size: int) -> memoryview:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        data = self._file(tensor, entries.get("location", ""))
        offset = _number(tensor, entries, "offset", 0)
        length = _number(tensor, entries, "length", size)
        if length != size:
            raise wrong_tensor(tensor, f"its external data is {length} bytes, its shape and type take {size}")
        if offset + length > len(data):
            place = f"bytes {offset} to {offset + length} of `{entries['location']}`"
            raise wrong_tensor(tensor, f"it is at {place}, which has {len(data)}")
        return data[offset : offset + length]

    def _file(self, tensor: TensorProto, location: str) -> memoryview:
        """A file of the model's folder, mapped; links out of the folder are followed by nobody."""
        if self.folder is None:
            raise _outside(tensor, location, "the model was given without a file, so it has no folder")
        if not location or "\0" in location:
            raise _outside(tensor, location, "its location is not the name of a file")
        try:
            reads(self.folder / location)
            folder = self.folder.resolve(strict=True)
            path = (folder / location).resolve(strict=True)
            if not path.is_relative_to(folder):
                raise _outside(tensor, location, f"that is outside of the model's folder {folder}")
            if path not in self._files:
                if not path.is_file():
                    raise _outside(tensor, location, "that is not a file")
                self._files[path] = _mapped(path)
        except (OSError, RuntimeError) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else None
            raise _outside(tensor, location, reason or str(fault)) from None
        return self._files[path]


def _mapped(path: Path) -> memoryview:
    if path.stat().st_size == 0:
        return memoryview(b"")
    return memoryview(map_file(path))


def _number(tensor: TensorProto, entries: Mapping[str, str], key: str, default: int) -> int:
    text = entries.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise wrong_tensor(tensor, f"the {key} of its external data is {text[:40]!r}")
    return int(text)


def wrong_tensor(tensor: TensorProto, reason: str) -> NeuralcError:
    return error("E0613", f"tensor `{shown(tensor.name)}` has not the values of its shape", note=reason)


def _outside(tensor: TensorProto, location: str, reason: str) -> NeuralcError:
    return error(
        "E0614",
        f"cannot read the external data of tensor `{shown(tensor.name)}` from `{shown(location)}`",
        note=reason.lower() if reason[:1].isupper() else reason,
        help="external data stands in the model's own folder, as the exporter wrote it",
    )
