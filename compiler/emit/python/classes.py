"""One class as it comes out of lowering: its plan, the names of its inputs and the text of its `forward`."""

from __future__ import annotations

from dataclasses import dataclass

from neuralc.dialects.graph import ModelOp
from neuralc.emit.python.form import RUNNING, Form
from neuralc.emit.python.forward import Forward
from neuralc.emit.python.lowering import Lowered
from neuralc.emit.python.names import Names, identifier
from neuralc.emit.python.plan import ClassPlan
from neuralc.emit.python.writer import Writer


def input_names(plan: ClassPlan, form: Form) -> list[str]:
    """The parameters of `forward`: the model's own names; `x` for the one input of a block or an unnamed one."""
    names = Names(form.local_names | form.input_names)
    if isinstance(plan.function, ModelOp):
        wanted = [identifier(name) for name in plan.function.inputs]
    else:
        wanted = [identifier(value.name_hint or "x") for value in plan.inputs]
    if form.returned is not None:
        # What is returned names the inputs again: the variables that values flow through are not for them.
        if len(wanted) == 1 and wanted[0] in ("input", *RUNNING):
            return ["inputs"]
        wanted = [f"{name}_input" if name in RUNNING else name for name in wanted]
    elif len(wanted) == 1 and (wanted == ["input"] or not isinstance(plan.function, ModelOp)):
        return ["x"]
    return [names.claim(name) for name in wanted]


@dataclass(frozen=True)
class ClassText:
    """A planned class with its lowered `forward`."""

    plan: ClassPlan
    lowered: Lowered
    form: Form

    @property
    def is_model(self) -> bool:
        return isinstance(self.plan.function, ModelOp)

    @property
    def arguments(self) -> list[str]:
        """The names of what the function takes."""
        return [node.name for node in self.lowered.inputs]

    def write_body(self, writer: Writer, *, comments: bool = True) -> None:
        """The statements of the function that computes."""
        with_states = self.form.with_states if self.lowered.kept else None
        result = None if with_states is None else with_states(self.lowered)
        Forward(self.lowered, self.form, comments=comments).write(writer, result)

    def body(self) -> str:
        """The statements without comments."""
        writer = Writer()
        self.write_body(writer, comments=False)
        return writer.text
