"""The values of a `forward` under construction: each graph value as a node, in every order of axes asked for."""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.types import Shape, shape_of
from neuralc.emit.layouts import Layouts, Order, conversion, natural, permuted
from neuralc.emit.python.expressions import Expression, name
from neuralc.emit.python.form import Form
from neuralc.emit.python.names import identifier
from neuralc.emit.python.nodes import Kind, Node, Render
from neuralc.emit.python.plan import ClassPlan
from neuralc.emit.refusals import Refusals
from neuralc.tables import aten

LONGEST_HINT = 24
_SAYING_NOTHING = frozenset(
    {*dir(builtins), *aten.IMPORTED, "chunk", "flatten", "lambda_", "matmul", "reshape", "transpose"}
)
"""Names of functions: an import calls a value after the op that made it where the source has no name for it."""
_NO_IMAGES = frozenset({Kind.PRODUCT, Kind.SUBSCRIPT, Kind.VIEW})
"""Kinds whose axes are no layout of an image, though four are turned as those of one: the heads of attention."""


class Values:
    """What the lowerings of ops read and write. `nodes` are in the order in which they were made."""

    def __init__(self, plan: ClassPlan, layouts: Layouts, form: Form, refusals: Refusals) -> None:
        self.plan = plan
        self.layouts = layouts
        self.form = form
        self.nodes: list[Node] = []
        self.inputs: list[Node] = []
        """The arguments of `forward`."""
        self.helpers: set[str] = set()
        """Functions of the file that the bodies use, by name."""
        self.kept: dict[str, Node] = {}
        """What the next run finds, by the names of states."""
        self.refusals = refusals
        self._at: dict[SSAValue, dict[Order, Node]] = {}

    def add_input(self, value: SSAValue, variable: str) -> Node:
        """An argument of `forward`, called `variable`."""
        order = self.layouts.orders[value]
        node = Node(Kind.INPUT, (), lambda _: name(variable), self.shape(value, order), variable)
        self._at[value] = {order: node}
        self.inputs.append(node)
        return node

    def bind(self, value: SSAValue, node: Node) -> None:
        """A value that is made elsewhere, with its axes in the model's own order."""
        self._at[value] = {natural(value): node}

    def add(self, kind: Kind, inputs: Sequence[Node], render: Render, shape: Shape, comment: str = "") -> Node:
        node = Node(kind, tuple(inputs), render, shape, comment=comment)
        self.nodes.append(node)
        return node

    def define(self, op: Operation, kind: Kind, inputs: Sequence[Node], render: Render) -> Node:
        """A new node for the only result of an op."""
        value = op.results[0]
        node = self.add(kind, inputs, render, self.shape(value, self.layouts.orders[value]))
        node.hint = _hint(op)
        self.alias(op, node)
        return node

    def define_inline(self, op: Operation, expression: Expression) -> None:
        """The only result of an op as an expression that is written wherever it is used."""
        self.alias(op, Node(Kind.INLINE, (), lambda _: expression, shape_of(op.results[0].type)))

    def alias(self, op: Operation, node: Node, index: int = 0) -> None:
        """The node of an op's result, in the order the layouts gave it."""
        self._at[op.results[index]] = {self.layouts.orders[op.results[index]]: node}

    def refuse(self, op: Operation, reason: str) -> None:
        """Report an op; stand-ins for its results let the rest of the module be looked at too."""
        self.refusals.add(op, reason)
        for index, result in enumerate(op.results):
            self.alias(op, Node(Kind.INLINE, (), lambda _: name("..."), shape_of(result.type)), index)

    def operand(self, op: Operation, index: int) -> Node:
        """An operand in the order the layouts want it in."""
        return self.at(op.operands[index], self.layouts.needs[op][index])

    def shape(self, value: SSAValue, order: Order) -> Shape:
        return permuted(shape_of(value.type), order)

    def at(self, value: SSAValue, order: Order) -> Node:
        """The node of a value with its axes in the given order; a permute is made once."""
        if value not in self._at:
            held = self.plan.held.get(value)
            self._at[value] = {held.parameter.axes if held else natural(value): self._weight(value)}
        made = self._at[value]
        if order not in made:
            have, source = next(iter(made.items()))
            axes = conversion(have, order)
            made[order] = self.add(
                Kind.PERMUTE,
                [source],
                lambda x: self.form.permuted(x[0], axes),
                self.shape(value, order),
                "" if source.kind in _NO_IMAGES else _layout_comment(have, order),
            )
            made[order].hint = source.hint
        return made[order]

    def _weight(self, value: SSAValue) -> Node:
        # A weight without an attribute was refused.
        attribute = name("...")
        if value in self.plan.free:
            attribute = name(self.form.access(self.plan.free[value].attribute))
        elif value in self.plan.held:
            held = self.plan.held[value]
            attribute = name(self.form.parameter(self.form.access(held.layer.attribute), held.parameter.name))
        return Node(Kind.INLINE, (), lambda _: attribute, shape_of(value.type))


def _hint(op: Operation) -> str:
    """The last name in the path of an op's value: `keys` of `encoder.0.attention.keys`. The name of a function or of
    the op itself says nothing."""
    parts = [part for part in (op.results[0].name_hint or "").split(".") if part and not part.isdigit()]
    if not parts or len(parts[-1]) > LONGEST_HINT:
        return ""
    found = identifier(parts[-1])
    plain = re.sub(r"_\d+$", "", found)
    return "" if plain in _SAYING_NOTHING or plain == op.name.rpartition(".")[2] else found


def _layout_comment(have: Order, want: Order) -> str:
    if (have, want) == ((0, 1, 2, 3), (0, 3, 1, 2)):
        return "NHWC to NCHW"
    if (have, want) == ((0, 3, 1, 2), (0, 1, 2, 3)):
        return "NCHW to NHWC"
    return ""
