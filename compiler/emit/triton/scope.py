"""The values of one kernel as Python: how each is written, and the shape it has before Triton broadcasts it.

Triton broadcasts operands of arithmetic by itself, so `kernel.broadcast` is only `[:, None]`; where the full shape is
needed (a dot, a loop-carried value), `exact` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue

from neuralc.dialects import arith, kernel
from neuralc.dialects.types import is_float
from neuralc.emit.python.expressions import Expression, Precedence, call, literal, name
from neuralc.emit.python.names import Names, identifier
from neuralc.emit.triton.types import ELEMENTS


@dataclass(frozen=True)
class Written:
    """A value as it is written. `number` is set for a tile of one repeated literal, whose text is that number."""

    text: Expression
    shape: tuple[int, ...] = ()
    number: bool = False


class Scope:
    """The names of one kernel and what each value is written as."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._names = Names(reserved)
        self._written: dict[SSAValue, Written] = {}

    def claim(self, wanted: str) -> str:
        return self._names.claim(identifier(wanted))

    def set(self, value: SSAValue, written: Written) -> None:
        self._written[value] = written

    def set_name(self, value: SSAValue, text: str) -> None:
        """A value that has a variable: it has its full shape."""
        shape = value.type.shape if isinstance(value.type, kernel.TileType) else ()
        self._written[value] = Written(name(text), shape)

    def written(self, value: SSAValue) -> Written:
        return self._written[value]

    def has(self, value: SSAValue) -> bool:
        return value in self._written

    def text(self, value: SSAValue) -> Expression:
        return self._written[value].text

    def exact(self, value: SSAValue, written: Written | None = None) -> Expression:
        """A value in the full shape of its type; `written` is how it is written where that is not known here yet."""
        tile, written = tile_type(value), written or self._written[value]
        shape = list(tile.shape)
        if written.number:
            return call("tl.full", name(str(shape)), written.text, name(ELEMENTS[tile.element_type].triton))
        if written.shape != tile.shape:
            return call("tl.broadcast_to", written.text, name(str(shape)))
        return written.text


def subscript(value: Expression, kept: tuple[bool, ...]) -> Expression:
    """`value[:, None]`: a dim of the value where `kept`, a new one elsewhere; nothing where all are kept."""
    if all(kept) or not any(kept):
        return value
    places = ", ".join(":" if keep else "None" for keep in kept)
    return name(f"{value.within(Precedence.ATOM)}[{places}]")


def tile_type(value: SSAValue) -> kernel.TileType:
    if not isinstance(value.type, kernel.TileType):
        raise TypeError(f"expected a tile, got {value.type}")
    return value.type


def ref_type(value: SSAValue) -> kernel.RefType:
    if not isinstance(value.type, kernel.RefType):
        raise TypeError(f"expected a reference, got {value.type}")
    return value.type


def constant_index(value: SSAValue | int) -> SSAValue | int:
    """The number an index value is defined as, or the value itself."""
    if isinstance(value, SSAValue) and isinstance(value.owner, arith.ConstantOp):
        return index_of(value.owner)
    return value


def index_of(op: arith.ConstantOp) -> int:
    """The number of an index constant."""
    if not isinstance(op.value, IntegerAttr):
        raise TypeError(f"expected an index, got {op.value}")
    return op.value.value.data


def number_of(tile: kernel.TileType, value: float | int | bool) -> Expression:
    """The literal of a tile's element type."""
    if is_float(tile.element_type):
        return name(literal(float(value)))
    if ELEMENTS[tile.element_type].triton == "tl.int1":
        return name(str(bool(value)))
    return name(str(int(value)))
