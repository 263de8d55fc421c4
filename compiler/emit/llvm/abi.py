"""The description of a model in its artifact: the constant `%nrc.model` that the functions of neuralc.h read.

What is the same for every model is LLVM IR in `support/`; `support_text` gives the files for a target. Here the tables
are written: names, dtypes, shapes, bounds of dims, needed features, metadata as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from llvmlite import ir
from xdsl.ir import Attribute

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import DimOp
from neuralc.dialects.kernel import HostOp, RefType
from neuralc.dialects.types import numpy_dtype
from neuralc.emit.llvm.abi_features import required_features
from neuralc.emit.llvm.host_sizes import emit_bytes, emit_shape
from neuralc.emit.llvm.host_states import StateLayout
from neuralc.emit.llvm.types import I8, I32, I64, POINTER, Value
from neuralc.passes.target import Target
from neuralc.passes.target_table import architecture_of

ABI_VERSION = 4

DTYPES: dict[str, int] = {
    "float16": 1,
    "float32": 2,
    "float64": 3,
    "bool": 4,
    "int8": 5,
    "int16": 6,
    "int32": 7,
    "int64": 8,
    "uint8": 9,
    "uint16": 10,
    "uint32": 11,
    "uint64": 12,
    "bfloat16": 13,
}
"""numpy's names of the values of `nrc_dtype`."""

LARGEST = 2**63 - 1

_SUPPORT_OF = {"x86_64": "cpu_x86_64.ll", "aarch64": "cpu_aarch64.ll"}


@dataclass(frozen=True)
class Port:
    """An input, an output or a state of the model."""

    name: str
    dtype: str
    shape: tuple[int | Dim, ...]


@dataclass(frozen=True)
class SizeSymbol:
    """A dim that is known when the model runs: its inclusive bounds and who introduced it."""

    name: str
    minimum: int
    maximum: int | None
    origin: str


@dataclass(frozen=True)
class Description:
    """What callers need to know of a model."""

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    states: tuple[Port, ...]
    dims: tuple[SizeSymbol, ...]
    target: Target
    version: str
    threads: int
    """Of a context that does not say; 0 is one for each processor."""

    @staticmethod
    def of(
        host: HostOp,
        declared: Mapping[str, DimOp],
        states: StateLayout,
        target: Target,
        version: str,
        threads: int,
    ) -> Description:
        return Description(
            host.sym_name.data,
            tuple(_port(name, value.type) for name, value in zip(host.inputs, host.input_arguments, strict=True)),
            tuple(_port(name, value.type) for name, value in zip(host.outputs, host.output_arguments, strict=True)),
            tuple(_port(name, place.type) for name, place in states.places.items()),
            tuple(_size_symbol(name, declared.get(name)) for name in host.dims),
            target,
            version,
            threads,
        )

    @property
    def identifier(self) -> str:
        """The name as part of a C identifier."""
        return re.sub(r"[^0-9A-Za-z_]", "_", self.name)

    @property
    def weights_symbol(self) -> str:
        """Where the bytes of the weights begin: defined by whoever brings them."""
        return f"nrc_weights_{self.identifier}"

    @property
    def metadata(self) -> str:
        """The description as JSON, the same text for the same model."""
        dims = [
            {"name": dim.name, "minimum": dim.minimum, "maximum": dim.maximum, "origin": dim.origin}
            for dim in self.dims
        ]
        return json.dumps(
            {
                "neuralc": self.version,
                "model": self.name,
                "inputs": [_as_json(port) for port in self.inputs],
                "outputs": [_as_json(port) for port in self.outputs],
                "states": [_as_json(port) for port in self.states],
                "dims": dims,
                "threads": self.threads,
                "target": {
                    "triple": self.target.triple,
                    "cpu": self.target.cpu_name,
                    "features": [feature.name for feature in required_features(self.target)],
                },
            },
            separators=(",", ":"),
        )


def _port(name: str, type_: Attribute) -> Port:
    if not isinstance(type_, RefType):
        raise TypeError(f"host argument `{name}` is {type_}")
    return Port(name, numpy_dtype(type_.element_type).name, type_.shape)


def _size_symbol(name: str, declared: DimOp | None) -> SizeSymbol:
    if declared is None:
        return SizeSymbol(name, 1, None, "")
    maximum = declared.maximum.data.value if declared.maximum is not None else None
    return SizeSymbol(name, declared.minimum.data.value, maximum, declared.origin.data if declared.origin else "")


def _as_json(port: Port) -> dict[str, object]:
    shape = [size if isinstance(size, int) else str(size) for size in port.shape]
    return {"name": port.name, "dtype": port.dtype, "shape": shape}


def support_text(target: Target) -> str:
    """The LLVM IR that every artifact for a target contains."""
    processor = _SUPPORT_OF.get(architecture_of(target.triple), "cpu_other.ll")
    folder = resources.files("neuralc.emit.llvm") / "support"
    names = ("abi.ll", "pool.ll", "run.ll", "context.ll", "states.ll", processor)
    return "".join((folder / name).read_text(encoding="utf-8") for name in names)


def emit_model(module: Any, description: Description, host: HostOp, program: Value, states: Sequence[Value]) -> None:
    """Write the constant of the model and the two functions that give it to callers. `states` are fields of it."""
    writer = _Constants(module)
    dims = [dim.name for dim in description.dims]
    ports = (*description.inputs, *description.outputs)
    shapes = [emit_shape(module, f"nrc.shape.{number}", dims, port.shape) for number, port in enumerate(ports)]
    tensors = [writer.tensor(port, shape) for port, shape in zip(ports, shapes, strict=True)]
    inputs, outputs = tensors[: len(description.inputs)], tensors[len(description.inputs) :]
    sizes = [writer.dim(dim) for dim in description.dims]
    features = [writer.feature(feature) for feature in required_features(description.target)]
    arena = host.arena.data if host.arena is not None else Dim.constant(0)
    fields = [
        ir.Constant(I32, ABI_VERSION),
        ir.Constant(I32, description.threads),
        *(ir.Constant(I32, len(table)) for table in (inputs, outputs, sizes, features)),
        writer.table("nrc.inputs", inputs),
        writer.table("nrc.outputs", outputs),
        writer.table("nrc.dims", sizes),
        writer.table("nrc.features", features),
        writer.text(description.name),
        writer.text(description.metadata),
        _weights(module, description),
        emit_bytes(module, "nrc.arena_size", dims, arena),
        program,
        *states,
        emit_bytes(module, "nrc.shared_work", dims, host.shared.data if host.shared is not None else Dim.constant(0)),
    ]
    model = writer.sized(fields, "nrc.model")
    for name, linkage in (("nrc_get_model", "weak"), (f"nrc_model_{description.identifier}", "")):
        function = ir.Function(module, ir.FunctionType(POINTER, []), name)
        function.linkage = linkage
        ir.IRBuilder(function.append_basic_block("entry")).ret(model)


def _weights(module: Any, description: Description) -> Value:
    weights = ir.GlobalVariable(module, I8, description.weights_symbol)
    weights.global_constant = True
    return weights


class _Constants:
    """Writes the tables of a model as constants of an LLVM module; equal texts are one."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.texts: dict[str, Value] = {}

    def text(self, text: str) -> Value:
        if text not in self.texts:
            data = bytearray(text.encode() + b"\0")
            value = ir.Constant(ir.ArrayType(I8, len(data)), data)
            self.texts[text] = self.variable(f"nrc.text.{len(self.texts)}", value)
        return self.texts[text]

    def variable(self, name: str, value: Any) -> Value:
        variable = ir.GlobalVariable(self.module, value.type, name)
        variable.initializer = value
        variable.global_constant = True
        variable.linkage = "internal"
        return variable

    def table(self, name: str, entries: Sequence[Any]) -> Value:
        if not entries:
            return ir.Constant(POINTER, None)
        return self.variable(name, ir.Constant(ir.ArrayType(entries[0].type, len(entries)), entries))

    def structure(self, fields: Sequence[Any]) -> Any:
        return ir.Constant.literal_struct(fields)

    def tensor(self, port: Port, shape: Value) -> Any:
        sizes = self.table(f"nrc.sizes.{shape.name}", [self.text(str(size)) for size in port.shape])
        return self.structure(
            [
                ir.Constant(I64, 32),
                self.text(port.name),
                sizes,
                ir.Constant(I32, DTYPES[port.dtype]),
                ir.Constant(I32, len(port.shape)),
                shape,
            ]
        )

    def dim(self, dim: SizeSymbol) -> Any:
        maximum = LARGEST if dim.maximum is None else dim.maximum
        bounds = [ir.Constant(I64, dim.minimum), ir.Constant(I64, maximum)]
        return self.structure([ir.Constant(I64, 40), self.text(dim.name), self.text(dim.origin), *bounds])

    def feature(self, feature: Any) -> Any:
        numbers = (feature.leaf, feature.subleaf, feature.register, feature.mask, feature.state)
        return self.structure([self.text(feature.name), *(ir.Constant(I32, number) for number in numbers)])

    def sized(self, fields: Sequence[Any], name: str) -> Value:
        """A structure that starts with its size: counted for 8-byte pointers, as on every 64-bit system."""
        size = 8 + sum(8 if isinstance(field.type, ir.PointerType) else 4 for field in fields)
        return self.variable(name, self.structure([ir.Constant(I64, size), *fields]))
