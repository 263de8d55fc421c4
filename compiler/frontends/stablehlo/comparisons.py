"""Regions that compare: which of two values a sort puts first, and which one a reduction keeps.

Such a region is made of comparisons and choices alone. What it gives depends then on the order of its arguments and on
nothing else, so that it is known when it has been run for each order that two values can have.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neuralc.frontends.refusals import Refused

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir

    from neuralc.frontends.stablehlo.node import Session

COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq, "NE": operator.ne, "LT": operator.lt, "LE": operator.le, "GT": operator.gt, "GE": operator.ge,
}  # fmt: skip
LOGIC: Mapping[str, Callable[..., Any]] = {
    "stablehlo.and": lambda a, b: a and b,
    "stablehlo.or": lambda a, b: a or b,
    "stablehlo.xor": operator.ne,
    "stablehlo.not": operator.not_,
    "stablehlo.select": lambda condition, on, off: on if condition else off,
}

NUMBERS = (1.0, 2.0)
NAN = math.nan


def run(block: ir.Block, arguments: Sequence[float], session: Session) -> list[Any]:
    """The results of a region for numbers. Raises Refused for a region that does more than compare and choose."""
    values: dict[ir.Value, Any] = dict(zip(block.arguments, arguments, strict=True))

    def value_of(value: ir.Value) -> Any:
        if value not in values:
            outer = session.found(value)
            if outer is None or outer.numbers is None or outer.numbers.size != 1:
                raise Refused("with a region that does more than compare")
            values[value] = outer.numbers.reshape(()).item()
        return values[value]

    for op in block.operations:
        operation = op.operation
        operands = [value_of(operand) for operand in operation.operands]
        if operation.name == "stablehlo.return":
            return operands
        values[operation.results[0]] = _result(operation, operands)
    raise Refused("with a region without an end")


def _result(op: ir.Operation, operands: Sequence[Any]) -> Any:
    if op.name == "stablehlo.compare":
        kind = str(op.attributes["compare_type"]) if "compare_type" in op.attributes else ""
        direction = str(op.attributes["comparison_direction"]).rstrip(">").rpartition(" ")[2]
        keys = [_total(value) for value in operands] if "TOTALORDER" in kind else operands
        return COMPARED[direction](*keys)
    if op.name == "stablehlo.constant":
        from neuralc.frontends.stablehlo.bindings import values_of

        return values_of(op.attributes["value"]).reshape(()).item()
    if op.name not in LOGIC:
        raise Refused("with a region that does more than compare")
    return LOGIC[op.name](*operands)


def _total(value: float) -> int:
    """A key for the total order of floats (IEEE 754, totalOrder): -NaN, -inf, .., -0, 0, .., inf, NaN."""
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return int(bits if bits >= 0 else ~bits ^ (-1 << 63))


def sorts_ascending(block: ir.Block, key: int, session: Session, *, floats: bool) -> bool:
    """True where the comparator puts smaller values of one operand first, False for larger ones; NaN is the largest.

    Raises Refused for another order, and for one that looks at several operands.
    """
    count = len(block.arguments) // 2

    def first(a: float, b: float) -> bool:
        arguments = [0.0] * (2 * count)
        arguments[2 * key], arguments[2 * key + 1] = a, b
        return bool(run(block, arguments, session)[0])

    pairs = [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0)]
    if floats:
        pairs += [(1.0, NAN), (NAN, 1.0), (NAN, NAN), (math.inf, NAN), (NAN, math.inf), (0.0, -0.0), (-0.0, 0.0)]
    found = [first(a, b) for a, b in pairs]
    if found == [_before(a, b) for a, b in pairs]:
        return True
    if found == [_before(b, a) for a, b in pairs]:
        return False
    raise Refused("in an order other than that of numbers with NaN as the largest")


def _before(a: float, b: float) -> bool:
    return not math.isnan(a) and (math.isnan(b) or a < b)


def is_only_key(block: ir.Block, key: int, session: Session) -> bool:
    """True where the other operands have no say: values that are equal in the key are equal."""
    count = len(block.arguments) // 2
    for other in range(count):
        for a, b in ((1.0, 2.0), (2.0, 1.0)):
            arguments = [0.0] * (2 * count)
            arguments[2 * other], arguments[2 * other + 1] = a, b
            if other != key and run(block, arguments, session)[0]:
                return False
    return True


def kept(block: ir.Block, session: Session, *, floats: bool) -> str | None:
    """`max` or `min` for a region over (value, index, value, index) that keeps the extreme and its first place."""
    cases = [(a, i, b, j) for a, b in ((1.0, 2.0), (2.0, 1.0), (1.0, 1.0)) for i, j in ((0, 1), (1, 0))]
    if floats:
        cases += [(NAN, 0, 1.0, 1), (1.0, 0, NAN, 1), (NAN, 0, NAN, 1)]
    found = [tuple(run(block, case, session)) for case in cases]
    for kind in ("max", "min"):
        if all(_same(got, _extreme(kind, *case)) for got, case in zip(found, cases, strict=True)):
            return kind
    return None


def _extreme(kind: str, a: float, i: int, b: float, j: int) -> tuple[float, int]:
    if math.isnan(a) or math.isnan(b):
        return (a, i) if math.isnan(a) else (b, j)
    if a == b:
        return a, min(i, j)
    return (a, i) if (a > b) == (kind == "max") else (b, j)


def _same(got: Sequence[Any], wanted: tuple[float, int]) -> bool:
    value, index = got
    return bool(index == wanted[1] and (value == wanted[0] or (math.isnan(value) and math.isnan(wanted[0]))))
