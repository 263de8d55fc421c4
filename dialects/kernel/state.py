"""Memory that outlives a run: what a graph.state holds.

    %h = kernel.state @lstm.h -> !kernel.ref<[batch, 64], f32, [64, 1]>             // as the run found it
    %n = kernel.next_state @lstm.h -> !kernel.ref<[batch, 64], f32, [64, 1]>        // as the next run finds it
    kernel.launch @step[batch](%x, %h, %n)

| op                | meaning |
|-------------------|---------|
| kernel.state      | the memory of a state, with what earlier runs have left there |
| kernel.next_state | other memory, undefined at first: the run writes all of it, the next run finds it |

A program without a kernel.next_state of a state has that state in one place, which it may write: the next run finds
what was written. Memory of states is dense and 64-byte aligned; where a run fails, all states begin anew.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.irdl import irdl_op_definition, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.common import StateAccess
from neuralc.dialects.graph import StateOp as StateDeclaration
from neuralc.dialects.graph import symbols
from neuralc.dialects.kernel.types import RefType
from neuralc.dialects.types import format_shape, shape_of


class StateMemory(StateAccess):
    """Memory of one state, without gaps."""

    result = result_def(RefType)

    def verify_(self) -> None:
        top = self.parent_op()
        while top is not None and not isinstance(top, ModuleOp):
            top = top.parent_op()
        state = None if top is None else symbols(top).get(self.state_name)
        if state is None:
            return  # the walk over symbols says so
        if not isinstance(state, StateDeclaration):
            raise VerifyException(f"@{self.state_name} is no graph.state")
        shape, element = shape_of(state.type), state.type.element_type
        if self.result.type != RefType.of(shape, element):
            what = f"the memory of @{self.state_name} is {element} {format_shape(shape)} without gaps"
            raise VerifyException(f"{what}, not {self.result.type}")


@irdl_op_definition
class StateOp(StateMemory):
    """`%h = kernel.state @lstm.h -> ref`: what earlier runs have left, or what the state begins with."""

    name = "kernel.state"
    traits = traits_def(Pure())


@irdl_op_definition
class NextStateOp(StateMemory):
    """`%n = kernel.next_state @lstm.h -> ref`: memory that all of is written, for the next run."""

    name = "kernel.next_state"
