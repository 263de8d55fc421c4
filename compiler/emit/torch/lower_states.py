"""States: buffers of the module that a call finds and leaves for the next one, until `reset`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects.graph import GetStateOp, GetWeightOp, IdentityOp, ModelOp, SetStateOp, StateOp, WeightOp
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.python.lowering import Lowered
from neuralc.emit.python.names import identifier
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.plan import ClassPlan
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values


def attribute(state: str) -> str:
    """What a module calls a state."""
    return identifier(f"{state}_state" if not state.endswith("state") else state)


def states_of(plan: ClassPlan) -> list[str]:
    """The states of a model, by name, as its ops have them."""
    if not isinstance(plan.function, ModelOp):
        return []
    ops = [op for op in plan.function.block.ops if isinstance(op, GetStateOp | SetStateOp)]
    return list(dict.fromkeys(op.state_name for op in ops))


def _get_state(values: Values, op: GetStateOp) -> None:
    state = _declared(op)
    values.helpers.add("begun")
    held = name(f"self.{attribute(op.state_name)}")
    if state.initial_weight is not None:
        start = _start(op)
        values.define(op, Kind.OTHER, [values.at(start, natural(start))], lambda x: call("begun", held, x[0]))
        return
    sizes = Sizes(shape_of(op.results[0].type), values.inputs)
    if sizes.absent is not None:
        values.refuse(op, f"no argument has the size {sizes.absent}")
        return
    element, number = element_of(op.results[0].type), to_literal(state.initial)
    # An argument of the same type says where the state is, and of what.
    alike = next((value for value in values.plan.inputs if element_of(value.type) == element), None)
    place = [] if alike is None else [values.at(alike, values.layouts.orders[alike])]

    def render(x: Sequence[Expression]) -> Expression:
        made, options = f"{x[0]}.new_" if place else "torch.", dict[str, Value]()
        if not place:
            options["dtype"] = name(f"torch.{numpy_dtype(element).name}")
        shape = tuple(sizes.written(x[len(place) :]))
        start = call(f"{made}zeros", shape, **options) if number == 0 else call(f"{made}full", shape, number, **options)
        return call("begun", held, start)

    values.define(op, Kind.OTHER, [*place, *sizes.nodes], render)


def with_starts(module: ModuleOp) -> ModuleOp:
    """The module in which a weight that a state begins with is read in front of it, as other weights are."""
    states = {op.sym_name.data: op for op in module.walk() if isinstance(op, StateOp)}
    if all(state.initial_weight is None for state in states.values()):
        return module
    copy = module.clone()
    weights = {op.sym_name.data: op for op in copy.walk() if isinstance(op, WeightOp)}
    for op in [op for op in copy.walk() if isinstance(op, GetStateOp)]:
        weight = states[op.state_name].initial_weight
        if weight is not None:
            read = GetWeightOp(weight, weights[weight].type)
            Rewriter.insert_op([read, IdentityOp.of(read.result)], InsertPoint.before(op))
    return copy


def _start(op: GetStateOp) -> SSAValue:
    """What `with_starts` has put in front."""
    before = op.prev_op
    if not isinstance(before, IdentityOp):
        raise ValueError(f"the weight is not read in front of @{op.state_name}")
    return before.result


def _declared(op: GetStateOp) -> StateOp:
    module = op.parent_op()
    while module is not None and module.parent_op() is not None:
        module = module.parent_op()
    assert module is not None, "an op of a module"
    return next(each for each in module.walk() if isinstance(each, StateOp) and each.sym_name.data == op.state_name)


def _set_state(values: Values, op: SetStateOp) -> None:
    values.kept[op.state_name] = values.operand(op, 0)


def with_states(lowered: Lowered) -> Callable[[Sequence[Expression]], Expression]:
    """`self.keep(y, h_state=h)`."""

    def returned(x: Sequence[Expression]) -> Expression:
        count = len(lowered.results)
        kept = {attribute(key): value for key, value in zip(lowered.kept, x[count:], strict=True)}
        results = x[0] if count == 1 else name(f"({', '.join(map(str, x[:count]))})")
        return call("self.keep", results, **kept)

    return returned


def reset_lines(states: Sequence[str]) -> list[str]:
    """The bodies of `reset`, one state a line."""
    return [f"self.{attribute(state)} = None" for state in states]


def buffers(states: Sequence[str]) -> list[Expression]:
    """What `__init__` says of them: no file has them, but they go where the module goes."""
    return [call("self.register_buffer", attribute(state), None, persistent=False) for state in states]


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    GetStateOp: _get_state,
    SetStateOp: _set_state,
}
