"""Bounds of whole numbers that are computed: a position that argmax found needs no clamp before it is an index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import IntegerType

from neuralc.frontends.values import Value

Interval = tuple[int, int]
"""Smallest and largest value, both inclusive."""


@dataclass
class Ranges:
    """What is known of the values of integer tensors."""

    _found: dict[Value, Interval] = field(default_factory=dict)

    def set(self, value: Value, low: int, high: int) -> Value:
        """Remember bounds of a value; gives the value."""
        self._found[value] = (low, high)
        return value

    def of(self, value: Value) -> Interval | None:
        if value in self._found:
            return self._found[value]
        numbers = value.numbers
        if numbers is None or numbers.dtype.kind not in "iu" or not numbers.size:
            return None
        return int(numbers.min()), int(numbers.max())

    def result(self, kind: str, operands: Sequence[Value], result: Value) -> Value:
        """Remember what follows for the result of an op; gives the result."""
        rule = RULES.get(kind)
        known = [self.of(operand) for operand in operands]
        if rule is None or result.known is not None or any(interval is None for interval in known):
            return result
        low, high = rule(*(interval for interval in known if interval is not None))
        if self._fits(result, low, high):
            self._found[result] = (low, high)
        return result

    def within(self, x: Value, low: Value, high: Value) -> bool:
        """Whether bounds show that no value of x is below `low` or above `high`."""
        least, inside, most = self.of(low), self.of(x), self.of(high)
        if least is None or inside is None or most is None:
            return False
        return least[1] <= inside[0] and inside[1] <= most[0]

    def decided(self, direction: str, lhs: Value, rhs: Value) -> bool | None:
        """The answer to a comparison where the bounds give one."""
        a, b = self.of(lhs), self.of(rhs)
        return None if a is None or b is None else _decided(direction, a, b)

    def _fits(self, value: Value, low: int, high: int) -> bool:
        """True where arithmetic of the type does not wrap around."""
        element = value.element
        return isinstance(element, IntegerType) and high < 1 << (element.width.data - 1) and low >= -(1 << 31)


def _decided(direction: str, a: Interval, b: Interval) -> bool | None:
    match direction:
        case "LT":
            return True if a[1] < b[0] else False if a[0] >= b[1] else None
        case "GE":
            return None if (less := _decided("LT", a, b)) is None else not less
        case "GT":
            return _decided("LT", b, a)
        case "LE":
            return None if (less := _decided("LT", b, a)) is None else not less
        case _:
            if a[0] == a[1] == b[0] == b[1]:
                return direction == "EQ"
            return direction != "EQ" if a[1] < b[0] or b[1] < a[0] else None


def _same(*intervals: Interval) -> Interval:
    """Values that are among those of the operands."""
    return min(low for low, _ in intervals), max(high for _, high in intervals)


def _clamped(low: Interval, x: Interval, high: Interval) -> Interval:
    return min(max(x[0], low[0]), high[0]), min(max(x[1], low[1]), high[1])


RULES: Mapping[str, Callable[..., Interval]] = {
    "same": _same,
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "subtract": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "maximum": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "minimum": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "clamp": _clamped,
}
"""Kind of an op -> bounds of its result from those of its operands."""
