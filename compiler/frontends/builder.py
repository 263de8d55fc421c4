"""Builds graph ops from values, and computes at once what follows from values that are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from xdsl.dialects.builtin import LocationAttr, StringAttr, UnknownLoc
from xdsl.ir import Attribute, Block, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.interp.evaluator import Evaluator, Weights
from neuralc.dialects.interp.numerics import Numerics
from neuralc.dialects.syntax import PlainOp, to_attribute, to_literal
from neuralc.dialects.types import AnyTensor, element_type_of, is_float, shape_of, tensor_type
from neuralc.dialects.weights import WeightStore
from neuralc.frontends import alignment, symbolic
from neuralc.frontends.sizes import Undecided
from neuralc.frontends.symbols import Symbols
from neuralc.frontends.values import Array, Value, as_objects, from_ssa, known_array

FOLDED = 1 << 14
"""Elements of an array up to which the import computes with it; larger ones are left to the passes."""

VIEWS = (graph.ReshapeOp, graph.TransposeOp)
"""What a kernel goes through on its way into a layer: it stays the tensor of the file, whatever its size."""

SPLAT = 1 << 10
"""Elements of an array up to which it is looked through for being one number everywhere."""


@dataclass
class Builder:
    """The module under construction. `block` is where ops go now; regions of control flow have their own."""

    symbols: Symbols = field(default_factory=Symbols)
    store: WeightStore = field(default_factory=WeightStore)
    main: Block = field(default_factory=Block)
    location: LocationAttr = field(default_factory=UnknownLoc)
    weights: list[graph.WeightOp] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    """What the file calls tensors that have another name here."""
    keeps_weights: bool = False
    """Whether the tensors of the file are what training may change, and no constants."""
    unrolled: int = 0
    """Rounds of loops that were written out."""
    _names: dict[str, int] = field(default_factory=dict)
    _splats: dict[tuple[Block, Value], SSAValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.block = self.main
        self.symbols.blocks.append(self.main)
        self._evaluator = Evaluator({}, Weights({}, {}), Numerics.ROUNDED, {})

    # --- values --------------------------------------------------------------------------------------------------
    def known(
        self, values: Any, element: Attribute, name: str = "constant", *, weight: bool = False, stays: bool = False
    ) -> Value:
        """A value that the import knows: numbers, sizes, or both."""
        value = Value(name, element, known_array(values, element), weight=weight, stays=stays)
        if value.is_symbolic:
            self.symbols.values.append(value)
        return value

    def parameter(self, name: str, array: Array, *, trainable: bool = True) -> Value:
        """A tensor that stays a weight of its own name: nothing is computed from it beforehand."""
        type_ = self.declare(name, array, trainable=trainable)
        (ssa,) = self._append(self.main, graph.GetWeightOp(name, type_), name)
        return replace(from_ssa(name, ssa), weight=True, derived=True)

    def declare(self, name: str, array: Array, *, trainable: bool) -> AnyTensor:
        """A weight that nothing reads yet; gives its type."""
        type_ = tensor_type(array.shape, element_type_of(array.dtype))
        self.store[name] = array
        self._names.setdefault(name, 0)
        attributes = {} if trainable else {"trainable": to_attribute(False)}
        self.weights.append(graph.WeightOp(name, type_, attributes=attributes))
        return type_

    def ssa(self, value: Value) -> SSAValue:
        """The value as data: known ones become a weight, one number everywhere, or sizes of the run."""
        if value.ssa is not None:
            return value.ssa
        if value.known is None:
            raise ValueError(f"`{value.name}` is not there yet")
        number = None if value.stays else _splat(value)
        if number is not None:
            key = self.block, value
            if key not in self._splats:
                op = graph.ConstantOp.of(result=value.type, value=number)
                self._splats[key] = self._append(self.block, op, value.name)[0]
            return self._splats[key]
        value.ssa = self._sizes(value) if value.is_symbolic else self._weight(value)
        return value.ssa

    @contextmanager
    def inside(self, block: Block) -> Iterator[None]:
        """Build in a region of control flow, which is part of no op yet."""
        outer, self.block = self.block, block
        self.symbols.blocks.append(block)
        try:
            yield
        finally:
            self.block = outer
            self.symbols.blocks.remove(block)

    def _weight(self, value: Value) -> SSAValue:
        name = self._unique(value.name)
        if value.known is not None:
            self.store[name] = value.known
        source = self.sources.get(value.name)
        attributes = {} if source is None else {graph.SOURCE: StringAttr(source)}
        self.weights.append(graph.WeightOp(name, value.type, attributes=attributes))
        return self._append(self.main, graph.GetWeightOp(name, value.type), name)[0]

    def _sizes(self, value: Value) -> SSAValue:
        """An array of sizes, put together at run time: numbers from a weight, symbols one by one."""
        inner, self.block = self.block, self.main
        try:
            flat = list(as_objects(value.known).reshape(-1)) if value.known is not None else []
            parts: list[Value] = []
            start = 0
            while start < len(flat):
                end = start
                while end < len(flat) and not isinstance(flat[end], Dim):
                    end += 1
                if end > start:
                    parts.append(self.known(flat[start:end], value.element, value.name))
                    start = end
                else:
                    parts.append(self._one_size(flat[start], value))
                    start += 1
            whole = parts[0] if len(parts) == 1 else from_ssa("sizes", self._concat(parts, value))
            return self._build(graph.ReshapeOp, [whole], value.type, {}, value.name)[0]
        finally:
            self.block = inner

    def _one_size(self, size: Dim, value: Value) -> Value:
        (number,) = self._append(self.block, graph.SizeOp.of(dim=graph.DimAttr(as_dim(size))), value.name)
        if value.element != from_ssa("", number).element:
            (number,) = self._build(graph.CastOp, [from_ssa("", number)], tensor_type((), value.element), {}, "size")
        return from_ssa(
            "size",
            self._build(graph.ReshapeOp, [from_ssa("", number)], tensor_type((1,), value.element), {}, "size")[0],
        )

    def _concat(self, parts: Sequence[Value], value: Value) -> SSAValue:
        return self._build(graph.ConcatOp, parts, None, {"axis": 0}, value.name)[0]

    # --- ops -----------------------------------------------------------------------------------------------------
    def emit(
        self, op: type[PlainOp], *operands: Value, result: Attribute | None = None, name: str = "", **properties: Any
    ) -> Value:
        """The value of an op of one result: computed now where the operands are known, else built. Raises ShapeError.

        Symbols that the op needs to be one size become one.
        """
        (value,) = self.emit_several(op, *operands, result=result, name=name, **properties)
        return value

    def emit_several(
        self, op: type[PlainOp], *operands: Value, result: Attribute | None = None, name: str = "", **properties: Any
    ) -> tuple[Value, ...]:
        alignment.align(op.name, [operand.shape for operand in operands], properties, self.symbols)
        result = None if result is None else self.symbols.attribute(result)
        attributes = {key: self.symbols.attribute(to_attribute(value)) for key, value in properties.items()}
        folded = self._folded(op, operands, result, attributes)
        if folded is not None:
            parameter = _parameter(operands)
            own, stays = parameter or name or op.name, any(operand.stays for operand in operands)
            return tuple(
                self.known(array, element, own, weight=parameter is not None, stays=stays) for array, element in folded
            )
        derived = bool(operands) and all(operand.is_parameter for operand in operands)
        return tuple(
            replace(from_ssa(name, ssa), derived=derived) for ssa in self._build(op, operands, result, attributes, name)
        )

    def append(self, op: Operation, name: str = "") -> tuple[Value, ...]:
        """Add an op that was built elsewhere; gives its results."""
        return tuple(from_ssa(name, ssa) for ssa in self._append(self.block, op, name))

    def _build(
        self,
        op: type[PlainOp],
        operands: Sequence[Value],
        result: Attribute | None,
        properties: dict[str, Any],
        name: str,
    ) -> Sequence[SSAValue]:
        built = op.of(*(self.ssa(operand) for operand in operands), result=result, **properties)
        built.verify_()
        return self._append(self.block, built, name)

    def _append(self, block: Block, op: Operation, name: str) -> Sequence[SSAValue]:
        for value in op.results:
            self.symbols.check(shape_of(value.type))
        op.location = self.location
        block.add_op(op)
        for value in op.results:
            value.name_hint = hint(name)
        return op.results

    # --- known values --------------------------------------------------------------------------------------------
    def _folded(
        self, op: type[PlainOp], operands: Sequence[Value], result: Attribute | None, properties: dict[str, Attribute]
    ) -> list[tuple[Array, Attribute]] | None:
        arrays = [operand.known for operand in operands]
        known = [array for array in arrays if array is not None]
        if not known or len(known) < len(arrays) or any(array.size > FOLDED for array in known):
            return None
        if op in VIEWS and any(operand.is_matrix for operand in operands):
            return None
        if op not in VIEWS and any(operand.stays and is_float(operand.element) for operand in operands):
            return None  # training changes what it is computed from
        types = [operand.type for operand in operands]
        attributes = {**{key: to_attribute(value) for key, value in op.DEFAULTS.items()}, **properties}
        literals = {key: to_literal(attribute) for key, attribute in attributes.items()}
        inferred = result or op.infer(types, **literals)
        results = [inferred] if isinstance(inferred, Attribute) else list(inferred or ())
        if any(as_dim(_count(type_)).is_static is False or int(str(_count(type_))) > FOLDED for type_ in results):
            return None
        if any(operand.is_symbolic for operand in operands):
            return self._on_sizes(op, known, results, literals)
        scratch = Block(arg_types=types)
        built = op.of(*scratch.args, result=result, **attributes)
        with np.errstate(all="ignore"):
            found = self._evaluator.op(built, known)
        elements = [value.element for value in (from_ssa("", ssa) for ssa in built.results)]
        return list(zip(found, elements, strict=True))

    def _on_sizes(
        self, op: type[PlainOp], known: Sequence[Array], results: Sequence[Attribute], literals: dict[str, Any]
    ) -> list[tuple[Array, Attribute]] | None:
        rule = symbolic.RULES.get(op.name)
        if rule is None or len(results) != 1:
            return None
        element = getattr(results[0], "element_type", results[0])
        try:
            array = rule(symbolic.Request(literals, results[0], self.symbols.bounds), *known)
        except Undecided:
            return None
        return [(known_array(array, element), element)]

    # --- names ---------------------------------------------------------------------------------------------------
    def _unique(self, text: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_.]+", "_", text).strip("_.")[:120] or "constant"
        name, count = base, self._names.get(base, 0)
        while name in self._names:
            count += 1
            name = f"{base}_{count}"
        self._names[base] = count
        self._names.setdefault(name, 0)
        return name


def _parameter(operands: Sequence[Value]) -> str | None:
    """The one tensor of the file that all of the operands come from: what is only turned round keeps its name."""
    names = {operand.name for operand in operands if operand.weight}
    return names.pop() if len(names) == 1 else None


def discard(block: Block) -> None:
    """Give up the ops of a block that is part of nothing: they use values no longer."""
    for op in reversed(list(block.ops)):
        block.erase_op(op, safe_erase=False)


def hint(text: str) -> str | None:
    """A name that a value of the IR can have."""
    name = re.sub(r"[^A-Za-z0-9_.]+", "_", text).strip("_.")[:80]
    return (f"v{name}" if name[0].isdigit() else name) if name else None


def _count(type_: Attribute) -> Any:
    total = as_dim(1)
    for size in shape_of(type_):
        total *= size
    return total


def _splat(value: Value) -> bool | int | float | None:
    """The number of which all values are, where that is so."""
    array = value.numbers
    if array is None or not 0 < array.size <= SPLAT:
        return None
    first = array.reshape(-1)[0]
    same = bool((array == first).all()) and not (is_float(value.element) and np.signbit(array).any() and first == 0)
    if not (same or _is_nan(array)) or (array.dtype == np.uint64 and first >= 1 << 63):
        return None
    number: bool | int | float = first.item()
    return number


def _is_nan(array: Array) -> bool:
    """Whether no value is a number. NaN is equal to nothing, so also not to itself."""
    return bool((array != array).all())
