"""Layers of the language in the place of their ops: before blocks are found, so that an encoder is one line.

The front end itself says what a layer is lowered to (template.py), known.py which layers there may be. Weights go into
a layer as it keeps them, through the views of a file that has them in another layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.emit.nr.raised.known import FAMILIES
from neuralc.emit.nr.raised.layer import LayerOp
from neuralc.emit.nr.raised.matching import Match, kept, leaf_shapes, match
from neuralc.emit.nr.raised.template import Normal, Template, Wanted, template_of
from neuralc.emit.nr.tidy import inline, with_states
from neuralc.passes.base import PassContext
from neuralc.passes.driver import Rewriter
from neuralc.passes.graph.dce import DcePass
from neuralc.passes.locations import fuse_locations


class Raising:
    """Raises modules; keeps the templates that it has made."""

    def __init__(self, normal: Normal, *, masked: bool = True) -> None:
        """`normal` is what was done to the modules before; `masked` allows layers whose values carry a mask."""
        self._normal, self._masked = normal, masked
        self._known: dict[tuple[int, str], Template | None] = {}

    def __call__(self, module: ModuleOp, levels: int = len(FAMILIES)) -> None:
        if levels == len(FAMILIES):
            inline(module, with_states(module))
            self._normal(module)
        for level in range(levels):
            for function in [op for op in module.body.block.ops if isinstance(op, graph.FunctionLike)]:
                self._level(function.block, level)
            DcePass().run(module, PassContext())  # what a layer took the place of reads what it read
        _drop_states(module)

    def _level(self, block: Block, level: int) -> None:
        for family in FAMILIES[level]:
            tried: set[str] = set()
            for wanted in list(family(block)):
                if (text := wanted.text) not in tried and (self._masked or not wanted.is_masked):
                    tried.add(text)
                    template = self._template(wanted, level)
                    if template is not None:
                        _apply(template, block)

    def _template(self, wanted: Wanted, level: int) -> Template | None:
        key = level, wanted.text
        if key not in self._known:
            self._known[key] = template_of(wanted, partial(self._normalized, level=level))
        return self._known[key]

    def _normalized(self, module: ModuleOp, level: int) -> None:
        self._normal(module)
        self(module, level)


def _drop_states(module: ModuleOp) -> None:
    """Take out the states that layers keep now."""
    used = {op.state_name for op in module.walk() if isinstance(op, graph.GetStateOp | graph.SetStateOp)}
    for state in [op for op in module.body.block.ops if isinstance(op, graph.StateOp)]:
        if state.sym_name.data not in used:
            Rewriter(PassContext()).erase(state)


def _apply(template: Template, block: Block) -> None:
    for op in list(block.ops):
        if op.parent is block and (found := match(template, op)) is not None:
            _replace(op, found)


def _replace(op: Operation, found: Match) -> None:
    rewriter, wanted = Rewriter(PassContext()), found.template.wanted
    roles = {role: found.values[value] for value, role in found.template.inputs.items() if value in found.values}
    if any(role not in roles for role in wanted.inputs):
        return  # a value that the ops do not read
    operands = [
        (role, roles[role]) for role in [*wanted.inputs, *(role for role in roles if role not in wanted.inputs)]
    ]
    views: list[Operation] = []
    for path, type_ in leaf_shapes(found.template).items():
        value = found.weights.get(path)
        if value is None:
            return
        operands.append((f".{path}", _as(value, type_, views)))
    results = [found.values[result] for result in found.template.results]
    layer = LayerOp.of(wanted.layer, wanted.arguments, operands, [result.type for result in results])
    inside = [each for each in block_order(op) if each in found.ops]
    rewriter.insert_before(op, *views, layer)
    for each in kept(op.parent_block(), set(found.states.values())):
        rewriter.erase(each)  # the layer keeps it
    layer.location = fuse_locations(each.location for each in inside)
    for old, new in zip(results, layer.res, strict=True):
        new.name_hint = old.name_hint
        rewriter.replace_uses(old, new)


def block_order(op: Operation) -> Iterator[Operation]:
    block = op.parent_block()
    return iter(block.ops) if block is not None else iter(())


def _as(value: SSAValue, type_: Attribute, views: list[Operation]) -> SSAValue:
    """A weight under the shape that the layer keeps it in."""
    if value.type == type_:
        return value
    if isinstance(value.owner, graph.ReshapeOp) and value.owner.x.type == type_:
        return value.owner.x
    view = graph.ReshapeOp.of(value, result=type_)
    views.append(view)
    return view.result


__all__ = ["LayerOp", "Raising"]
