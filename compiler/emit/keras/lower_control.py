"""Control flow: `ops.cond`, `ops.fori_loop`, `ops.while_loop`, and `scan` of the file, which stacks ends of rounds.

`keras.ops.scan` makes stacks only of what is shaped as the carried values are.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.keras.common import dtype_name
from neuralc.emit.keras.run_sizes import SIZE, sizes_in
from neuralc.emit.python.control import ControlFlow, Rounds, Stacks
from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.python.values import Values

_FIRST = call("ops.cast", 0, "int64")
"""The number of the first round."""


class KerasControlFlow(ControlFlow):
    """The words of `keras.ops`."""

    choice = "ops.cond"
    flip = "ops.flip"
    minimum = "ops.minimum"
    entry = SIZE
    no_ends = "()"
    unpacks = True

    def scan(self, rounds: Rounds) -> Expression:
        options: dict[str, Value] = {} if rounds.length is None else {"length": rounds.length}
        if rounds.ends:
            options["ends"] = name(f"[{', '.join(map(str, rounds.ends))}]")
        if rounds.reverse:
            options["reverse"] = True
        xs = rounds.scanned[0] if len(rounds.scanned) == 1 else name(f"({', '.join(map(str, rounds.scanned))})")
        return call("scan", name("body"), rounds.carried, xs, **options)

    def stacks(self, values: Values, op: Operation, results: Sequence[SSAValue]) -> Stacks | None:
        """The shape and the type of what a round adds to each stack."""
        values.helpers.add("scan")
        found = [sizes_in(values, shape_of(result.type)[1:]) for result in results]
        shapes = [sizes for sizes in found if sizes is not None]
        if len(shapes) < len(found):
            values.refuse(op, "no argument has a size of what its rounds end with")
            return None

        def written(x: Sequence[Expression]) -> list[Expression]:
            rest, ends = list(x), []
            for sizes, result in zip(shapes, results, strict=True):
                shape = literal(sizes.tuple(rest[: len(sizes.nodes)]))
                rest = rest[len(sizes.nodes) :]
                ends.append(name(f"({shape}, {literal(dtype_name(element_of(result.type)))})"))
            return ends

        return Stacks([node for sizes in shapes for node in sizes.nodes], written)

    def counted(self, bound: Expression, carried: Expression) -> Expression:
        return call("ops.fori_loop", _FIRST, bound, name("body"), carried)

    def repeated(self, going: Expression, bound: Expression | None, carried: Sequence[Expression]) -> Expression:
        again = "going" if bound is None else f"ops.logical_and(going, i < {bound})"
        start = name(f"({', '.join([str(_FIRST), str(going), *map(str, carried)])})")
        return call("ops.while_loop", name(f"lambda i, going, *_: {again}"), name("body"), start)

    def numbers(self, count: Expression) -> Expression:
        return call("ops.arange", count, dtype="int64")

    def bound(self, size: Expression) -> Expression:
        return call("ops.cast", size, "int64")


LOWERINGS = KerasControlFlow().lowerings
