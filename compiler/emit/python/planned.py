"""From a graph module to the classes of an emitted file: structure, orders of axes, expressions, what is shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import refuse_custom, symbols
from neuralc.emit.layouts import Layouts, natural
from neuralc.emit.python.classes import ClassText, input_names
from neuralc.emit.python.form import Form
from neuralc.emit.python.lowering import lower
from neuralc.emit.python.sharing import SharedClass, share
from neuralc.emit.python.structure import Structure
from neuralc.emit.refusals import Refusals


@dataclass(frozen=True)
class Planned:
    """The classes to write, a class before those that use it; the model's is the last."""

    structure: Structure
    classes: Sequence[SharedClass]

    @property
    def helpers(self) -> frozenset[str]:
        """Functions of the file that any body uses."""
        return frozenset().union(*(text.lowered.helpers for shared in self.classes for text in shared.variants))


def planned(module: ModuleOp, form: Form) -> Planned:
    """Plan the file of the model of `module`.

    Raises NeuralcError: E0850 lists every op that the form cannot say, E0704 the layers without a meaning.
    """
    refuse_custom(module.walk())
    refusals = Refusals(f"{form.name} code")
    table = symbols(module)
    structure = Structure(module, table, form, refusals)
    layouts = Layouts(table, structure.weights, form.demanded_order, form.made_order)
    layouts.analyze(structure.model.function, [natural(argument) for argument in structure.model.function.arguments])
    forms = form.forms(structure.classes, form)
    classes = [
        ClassText(plan, lower(plan, layouts, own, refusals, input_names(plan, own)), own)
        for plan in structure.classes
        for own in [forms[plan.name]]
    ]
    refusals.raise_if_any()
    return Planned(structure, share(classes, form))
