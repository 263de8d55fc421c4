"""What the import of a loop's body believes: of some values each round reads, or writes, its own slice."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.frontends.sizes import Size
from neuralc.frontends.values import Value


@dataclass(frozen=True)
class Written:
    """A slice that a round writes into a stacked value."""

    marker: Value
    value: Value
    backwards: bool


@dataclass
class Rounds:
    """One loop that counts. Markers stand for whole values in its body, and nothing but slices may be made of them."""

    counter: Value
    begin: int
    trips: Size
    slices: dict[Value, Value]
    """Marker of a walked value -> the slice of this round."""
    stacked: set[Value]
    read: dict[Value, bool] = field(default_factory=dict)
    """Walked values that were read at the counter; True where from the end."""
    written: dict[Value, Written] = field(default_factory=dict)

    def slice_of(self, x: Value, start: Value) -> Value | None:
        """The slice of a walked value at a place that goes along with the rounds."""
        backwards = self._direction(start) if x in self.slices else None
        if backwards is None or self.read.setdefault(x, backwards) != backwards:
            return None
        return self.slices[x]

    def write(self, x: Value, value: Value, start: Value) -> Value | None:
        """What stands for a stacked value behind the write of this round's slice."""
        backwards = self._direction(start) if x in self.stacked else None
        if backwards is None:
            return None
        whole = Value(x.name, x.element, None, x.ssa)
        self.written[whole] = Written(x, value, backwards)
        return whole

    def _direction(self, start: Value) -> bool | None:
        """False for a place that is the number of the round, True for one that counts down from the last, else None."""
        if start is self.counter or (start.ssa is not None and start.ssa is self.counter.ssa):
            return False if self.begin == 0 else None
        found = None if start.ssa is None else self._line(start.ssa, 8)
        if found is None:
            return None
        factor, offset = found
        if factor == 1 and offset == -self.begin:
            return False
        if factor == -1 and as_dim(self.trips) - 1 + self.begin == as_dim(offset):
            return True
        return None

    def _line(self, value: SSAValue, depth: int) -> tuple[int, int] | None:
        """Factor and offset of a value that is `factor * counter + offset`."""
        if value is self.counter.ssa:
            return 1, 0
        op = value.owner
        if isinstance(op, graph.CastOp) and depth:
            return self._line(op.x, depth - 1)
        if isinstance(op, graph.ConstantOp):
            number = op.literal("value")
            return (0, number) if isinstance(number, int) else None
        if not isinstance(op, graph.AddOp | graph.SubOp) or not depth:
            return None
        lhs, rhs = self._line(op.lhs, depth - 1), self._line(op.rhs, depth - 1)
        if lhs is None or rhs is None:
            return None
        sign = 1 if isinstance(op, graph.AddOp) else -1
        return lhs[0] + sign * rhs[0], lhs[1] + sign * rhs[1]
