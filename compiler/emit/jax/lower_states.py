"""States: `forward` takes what the last run kept and returns what the next one finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import GetStateOp, SetStateOp, StateOp, declared_states
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.jax.types import dtype_of
from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.python.lowering import Lowered
from neuralc.emit.python.sizes import written
from neuralc.emit.python.values import Values
from neuralc.emit.python.writer import Writer


def _get_state(values: Values, op: GetStateOp) -> None:
    values.define_inline(op, name(f"state[{literal(op.state_name)}]"))


def _set_state(values: Values, op: SetStateOp) -> None:
    values.kept[op.state_name] = values.operand(op, 0)


def with_states(lowered: Lowered) -> Callable[[Sequence[Expression]], Expression]:
    """`y, {"h": h}`; a state that is not set stays."""

    def returned(x: Sequence[Expression]) -> Expression:
        count = len(lowered.results)
        kept = [f"{literal(key)}: {value}" for key, value in zip(lowered.kept, x[count:], strict=True)]
        results = [str(value) for value in x[:count]]
        result = results[0] if count == 1 else f"({', '.join(results)})"
        return name(f"{result}, state | {{{', '.join(kept)}}}")

    return returned


def write_init_state(writer: Writer, module: ModuleOp, *, wide: bool) -> None:
    """`init_state(batch)`: what the first run finds, for the sizes that its states have."""
    states = declared_states(module)
    symbols = sorted(
        {symbol for op in states.values() for size in shape_of(op.type) for symbol in as_dim(size).symbols}
    )
    writer.blank(2)
    writer.definition("init_state", [f"{symbol}: int" for symbol in symbols], "Params")
    with writer.indented():
        writer.docstring("What the first run finds.")
        entries = [f"{literal(key)}: {_initial(op, wide=wide)}" for key, op in states.items()]
        writer.code(f"return {{{', '.join(entries)}}}")


def _initial(op: StateOp, *, wide: bool) -> Expression:
    sizes = shape_of(op.type)
    places = {symbol: name(symbol) for size in sizes for symbol in as_dim(size).symbols}
    shape: tuple[Value, ...] = tuple(written(size, places) for size in sizes)
    number, dtype = to_literal(op.initial), dtype_of(element_of(op.type), wide=wide)
    options: dict[str, Value] = {"dtype": dtype} if dtype.text != "jnp.float32" or wide else {}
    return call("jnp.zeros", shape, **options) if number == 0 else call("jnp.full", shape, number, **options)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    GetStateOp: _get_state,
    SetStateOp: _set_state,
}
