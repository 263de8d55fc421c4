"""The states of a context: where each lies in its memory, and the functions by which a context lets them begin.

    [ states that are swapped | the same once more | states that are written in place ]

Of the two places of a state that is swapped, one holds what the run finds and the other what it leaves; after a run
they change roles, all of them at once. Every state begins at a multiple of 64 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.bfloat16 import cast
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import StateOp as StateDeclaration
from neuralc.dialects.graph import WeightOp as WeightDeclaration
from neuralc.dialects.graph import declared_states, symbols
from neuralc.dialects.kernel import HostOp, NextStateOp, RefType, StateOp
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import numpy_dtype
from neuralc.emit.llvm.host_sizes import emit_bytes, emit_shape, load_dims
from neuralc.emit.llvm.host_weights import WeightLayout
from neuralc.emit.llvm.index import IndexArithmetic
from neuralc.emit.llvm.types import I8, I32, I64, POINTER, Value
from neuralc.passes.kernel.plan_memory import aligned


@dataclass(frozen=True)
class StatePlace:
    """A state and the byte at which it begins, in the memory of all states."""

    declaration: StateDeclaration
    type: RefType
    offset: Dim
    swapped: bool


@dataclass(frozen=True)
class StateLayout:
    """The places of the states of a host program. `half` is the size of the states that are swapped."""

    places: Mapping[str, StatePlace]
    half: Dim
    size: Dim

    @staticmethod
    def of(module: ModuleOp, host: HostOp) -> StateLayout:
        types: dict[str, RefType] = {}
        swapped: set[str] = set()
        for op in host.walk():
            if isinstance(op, StateOp | NextStateOp) and isinstance(op.result.type, RefType):
                types[op.state_name] = op.result.type
                swapped |= {op.state_name} if isinstance(op, NextStateOp) else set()
        declared = declared_states(module)
        places: dict[str, StatePlace] = {}

        def lay_out(names: Iterable[str], end: Dim) -> Dim:
            for name in names:
                places[name] = StatePlace(declared[name], types[name], end, name in swapped)
                end += aligned(types[name].bytes)
            return end

        half = lay_out((name for name in types if name in swapped), Dim.constant(0))
        size = lay_out((name for name in types if name not in swapped), half * 2)
        return StateLayout(places, half, size)

    def initial_weights(self, module: ModuleOp) -> Sequence[WeightDeclaration]:
        """The weights that states begin with."""
        table = symbols(module)
        names = [place.declaration.initial_weight for place in self.places.values()]
        found = [table.get(name) for name in names if name is not None]
        return [weight for weight in found if isinstance(weight, WeightDeclaration)]

    @property
    def sizes(self) -> Sequence[Dim]:
        """The different symbolic sizes of the states: a run with others does not fit what they hold."""
        sizes = [size for place in self.places.values() for size in place.type.shape if isinstance(size, Dim)]
        return list(dict.fromkeys(sizes))


def emit_states(module: Any, layout: StateLayout, weights: WeightLayout, dims: Sequence[str]) -> list[Value]:
    """The fields of %nrc.model that are about states: two counts and three functions, null where there is no state."""
    counts = [ir.Constant(I32, len(layout.places)), ir.Constant(I32, len(layout.sizes))]
    if not layout.places:
        return [*counts, *[ir.Constant(POINTER, None)] * 3]
    return [
        *counts,
        emit_bytes(module, "nrc.state_bytes", dims, layout.size),
        emit_shape(module, "nrc.state_sizes", dims, layout.sizes),
        _emit_begin(module, layout, weights, dims),
    ]


def _emit_begin(module: Any, layout: StateLayout, weights: WeightLayout, dims: Sequence[str]) -> Value:
    """`void nrc.begin_states(ptr dims, ptr states, ptr weights)` writes what the states hold at first."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER] * 3), "nrc.begin_states")
    function.attributes.add("nounwind")
    given, states, block = function.args
    given.name, states.name, block.name = "dims", "states", "weights"
    builder: Any = ir.IRBuilder(function.append_basic_block("entry"))
    index, values = IndexArithmetic(builder), load_dims(builder, given, dims)

    def size(dim: Dim) -> Value:
        return index.materialize(index.dim(dim, values.__getitem__))

    fill = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64, POINTER, I64]), "nrc.fill")
    for name, place in layout.places.items():
        weight = place.declaration.initial_weight
        if weight is None:
            pattern, length = _number(module, f"nrc.initial.{name}", place.declaration)
        else:
            found = weights.places[weight]
            pattern, length = builder.gep(block, [ir.Constant(I64, found.offset)], source_etype=I8), found.size
        to = builder.gep(states, [size(place.offset)], name=name, source_etype=I8)
        builder.call(fill, [to, size(place.type.bytes), pattern, ir.Constant(I64, length)])
    builder.ret_void()
    return function


def _number(module: Any, name: str, state: StateDeclaration) -> tuple[Value, int]:
    """A constant with the bytes of the number that a state begins with."""
    data = bytearray(cast(np.asarray(to_literal(state.initial)), numpy_dtype(state.type.element_type)).tobytes())
    constant = ir.Constant(ir.ArrayType(I8, len(data)), data)
    variable = ir.GlobalVariable(module, constant.type, name)
    variable.initializer = constant
    variable.global_constant = True
    variable.linkage = "internal"
    return variable, len(data)
