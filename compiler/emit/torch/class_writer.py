"""Writes a class: docstring with shapes, `__init__` with its layers and initial values, `forward`."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.python.plan import Child, ClassPlan, FreeWeight, Layer
from neuralc.emit.python.shapes import write_docstring
from neuralc.emit.python.sharing import SharedClass
from neuralc.emit.python.writer import Writer
from neuralc.emit.torch.initializers import Common, own_initializers, write_common
from neuralc.emit.torch.lower_states import buffers, reset_lines, states_of
from neuralc.emit.torch.weights import float_type


class ClassWriter:
    """Writes classes that share the initializers `common`; `plans` are all classes of the file."""

    def __init__(self, writer: Writer, plans: Sequence[ClassPlan], common: Common | None) -> None:
        self._writer = writer
        self._plans = plans
        self._common = common

    def write(self, shared: SharedClass) -> None:
        writer, text = self._writer, shared.variants[0]
        with writer.block(f"class {shared.name}(nn.Module):"):
            write_docstring(self._writer, shared)
            states = states_of(text.plan)
            if text.plan.members or states or (text.is_model and self._common):
                writer.blank()
                self._write_init(shared)
            writer.blank()
            names, results = text.arguments, len(text.lowered.results)
            returns = "Tensor" if results == 1 else f"tuple[{', '.join(['Tensor'] * results)}]"
            writer.definition("forward", ["self", *(f"{name}: Tensor" for name in names)], returns)
            with writer.indented():
                text.write_body(writer, comments=len(shared.variants) == 1)
            if states:
                self._write_states(states, keeps=bool(text.lowered.kept))

    def _write_states(self, states: Sequence[str], *, keeps: bool) -> None:
        """`reset`, and what leaves values for the next call."""
        writer = self._writer
        if keeps:
            writer.blank()
            writer.definition("keep", ["self", "results: Any", "**states: Tensor"], "Any")
            with writer.indented():
                writer.docstring("The results; the states are what the next call finds.")
                with writer.block("for name, value in states.items():"):
                    writer.line("setattr(self, name, value.detach())")
                writer.line("return results")
        writer.blank()
        with writer.block("def reset(self) -> None:"):
            writer.docstring("Let the next call begin anew.")
            writer.lines(reset_lines(states))

    def _write_init(self, shared: SharedClass) -> None:
        writer, text = self._writer, shared.variants[0]
        writer.definition(
            "__init__",
            ["self", *(f"{name}{argument.declared}" for name, argument in shared.parameters.items())],
            "None",
        )
        with writer.indented():
            writer.line("super().__init__()")
            written: set[str] = set()
            for member in text.plan.members:
                match member:
                    case Layer():
                        self._write_layer(member, shared.constructors[member.attribute])
                    case FreeWeight():
                        self._write_free_weight(member)
                    case Child(index=None):
                        writer.statement(f"self.{member.attribute} = ", shared.constructors[member.path])
                    case Child() if member.attribute not in written:
                        written.add(member.attribute)
                        self._write_list(shared, member.attribute)
            writer.lines(own_initializers(text.plan, kernels_too=self._common is None))
            for buffer in buffers(states_of(text.plan)):
                writer.statement("", buffer)
            if text.is_model:
                self._finish_model(text.plan)

    def _finish_model(self, plan: ClassPlan) -> None:
        if self._common is not None:
            write_common(self._writer, self._plans, self._common)
        if cast := _cast(plan):
            self._writer.line(cast)

    def _write_layer(self, layer: Layer, constructor: Expression) -> None:
        self._writer.statement(f"self.{layer.attribute} = ", constructor)
        for parameter in layer.spec.frozen:
            if parameter.startswith("bias_hh"):
                zeros = f"nn.init.zeros_(self.{layer.attribute}.{parameter})"
                self._writer.line(f"{zeros}.requires_grad_(False)", comment="the model has one bias")
                continue
            absent = "scale" if parameter == "weight" else "offset"
            frozen = f"self.{layer.attribute}.{parameter}.requires_grad_(False)"
            self._writer.line(frozen, comment=f"the model has no {absent}")

    def _write_list(self, shared: SharedClass, attribute: str) -> None:
        """An nn.ModuleList, as a comprehension where its items are made alike."""
        if attribute in shared.counts:
            item, count = shared.constructors[attribute], shared.counts[attribute]
            made = call("nn.ModuleList", Expression(f"{item} for _ in range({count})"))
            self._writer.statement(f"self.{attribute} = ", made)
            return
        items = [
            shared.constructors[member.path].text
            for member in shared.variants[0].plan.members
            if isinstance(member, Child) and member.attribute == attribute
        ]
        whole = Expression(f"nn.ModuleList([{', '.join(items)}])")
        if self._writer.fits(f"self.{attribute} = {whole}"):
            self._writer.statement(f"self.{attribute} = ", whole)
            return
        with self._writer.block(f"self.{attribute} = nn.ModuleList("):
            self._writer.broken("[", items, "]")
        self._writer.line(")")

    def _write_free_weight(self, weight: FreeWeight) -> None:
        function = {"zeros": "torch.zeros", "ones": "torch.ones"}.get(
            weight.init.called.data if weight.init is not None else "", "torch.empty"
        )
        sizes: list[Value] = list(weight.shape) or [()]  # a single number has an empty size
        counted = not weight.dtype.startswith(("float", "bfloat"))  # floats are cast all at once
        made = call(function, *sizes, **({"dtype": name(f"torch.{weight.dtype}")} if counted else {}))
        if weight.trainable:
            self._writer.statement(f"self.{weight.attribute} = ", call("nn.Parameter", made))
        else:
            self._writer.statement("", call("self.register_buffer", weight.attribute, made))


def _cast(plan: ClassPlan) -> str:
    """torch makes parameters in float32; a model of another precision says so."""
    return {"float64": "self.double()", "float16": "self.half()"}.get(float_type(plan).name, "")
