"""Control flow: `lax.cond`, `lax.fori_loop`, `lax.while_loop` and `lax.scan` over functions inside of the function."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.emit.python.control import ControlFlow, Rounds
from neuralc.emit.python.expressions import Expression, Value, call, name


class JaxControlFlow(ControlFlow):
    """The words of `jax.lax`."""

    choice = "lax.cond"
    flip = "jnp.flip"
    minimum = "jnp.minimum"

    def scan(self, rounds: Rounds) -> Expression:
        options: dict[str, Value] = {"reverse": True} if rounds.reverse else {}
        if rounds.length is not None:
            return call("lax.scan", name("body"), rounds.carried, None, length=rounds.length, **options)
        xs = rounds.scanned[0] if len(rounds.scanned) == 1 else name(f"({', '.join(map(str, rounds.scanned))})")
        return call("lax.scan", name("body"), rounds.carried, xs, **options)

    def counted(self, bound: Expression, carried: Expression) -> Expression:
        return call("lax.fori_loop", 0, bound, name("body"), carried)

    def repeated(self, going: Expression, bound: Expression | None, carried: Sequence[Expression]) -> Expression:
        again = "lambda carry: carry[1]" + ("" if bound is None else f" & (carry[0] < {bound})")
        start = name(f"({', '.join(['0', str(going), *map(str, carried)])})")
        return call("lax.while_loop", name(again), name("body"), start)

    def numbers(self, count: Expression) -> Expression:
        return call("jnp.arange", count)


LOWERINGS = JaxControlFlow().lowerings
