"""What a model keeps from run to run: an input with what a run finds, an output with what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import GetStateOp, SetStateOp
from neuralc.emit.onnx.values import Values


def _get_state(values: Values, op: GetStateOp) -> None:
    values.names[op.results[0]] = values.states[op.state_name]


def _set_state(values: Values, op: SetStateOp) -> None:
    values.next_states[op.state_name] = values.operand(op, 0)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    GetStateOp: _get_state,
    SetStateOp: _set_state,
}
