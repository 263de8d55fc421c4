"""Macros, networks and repeated blocks as functions: one graph.func for each kind of values they are applied to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Attribute, Block, Region, SSAValue

from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import CallOp, FuncOp, ReturnOp
from neuralc.dialects.types import as_tensor, element_of, element_type_of, format_shape, shape_of
from neuralc.frontends.nr.constraints import apply_to_call
from neuralc.frontends.nr.feeding import Applied
from neuralc.frontends.nr.frame import Broken, Frame, Running
from neuralc.frontends.nr.functions import BlockFunction, Scope, StateDeclaration, WeightDeclaration, emit, location
from neuralc.frontends.nr.site import LayerError, Values, shown
from neuralc.frontends.nr.trace import Origin, Used
from neuralc.frontends.sizes import Size
from neuralc.grammar.diagnostics import Span
from neuralc.grammar.inputs import BATCH
from neuralc.grammar.program import RUNNING, Callee, CallNode, CustomNode, LayerNode, ProgramInput
from neuralc.grammar.signatures import MANY, ONE, Inputs

if TYPE_CHECKING:
    from neuralc.frontends.nr.bodies import Bodies

DEEPEST = 32
"""Functions in functions. Each passes on the weights of all below it, so further ones stand where they are used."""

Build: TypeAlias = "Callable[[Frame, Values, str], Running]"
"""Writes a body: into a frame, from values, with the weights at a path."""

Key: TypeAlias = tuple[int, tuple[Attribute, ...], tuple[bool, ...]]
"""What is called, the types of the values, and which of them carry a mask."""


@dataclass(frozen=True)
class Template:
    """A graph.func, and the weights and states its calls have to pass, by their paths within it."""

    op: FuncOp
    passed: Sequence[WeightDeclaration | StateDeclaration]
    masked: tuple[bool, ...]
    """Which of its results carry a mask; the masks are further results."""
    kept: Sequence[str]
    """The states whose next values are its last results."""
    natural: tuple[Attribute | None, ...]
    """The types its results would have without a `dtype` in it, where they are others."""

    @property
    def results(self) -> Sequence[Attribute]:
        return [value.type for value in self.op.terminator.operands]


class Calls:
    """The functions of a module, by what they were made of."""

    def __init__(self, bodies: Bodies, taken: set[str]) -> None:
        self._bodies = bodies
        self._names = Scope("", set(taken))
        self._templates: dict[Key, Template | None] = {}
        self.functions: list[FuncOp] = []

    def inputs(self, node: CallNode | CustomNode) -> Inputs:
        """What a macro takes is any number of values, a network those of its `input:` clause."""
        if isinstance(node, CustomNode):
            return Inputs(optional=tuple(node.fed.named), many=True)
        if node.callee.inputs is None:
            return MANY
        return Inputs(tuple(given.name for given in node.callee.inputs)) if node.callee.inputs else ONE

    def callee(self, frame: Frame, node: CallNode, applied: Applied, path: str) -> Values:
        """Raises ShapeError where values are not what the inputs of a network say."""
        callee = node.callee
        values = applied.positional
        if callee.inputs is not None:
            values = _in_order(callee.inputs, applied)
            apply_to_call(callee, _sizes(callee.inputs, values), self._bodies.symbols)

        def build(inner: Frame, given: Values, at: str) -> Running:
            for port, value in zip(callee.inputs or (), given, strict=False):
                inner.values[port.name] = (value,)
            return self._results(inner, callee, self._bodies.body(inner, callee.body, given))

        return self._call(frame, node.span, node.name_span, id(callee), node.scope, values, path, build)

    def _results(self, frame: Frame, callee: Callee, running: Running) -> Running:
        if callee.outputs is None:
            return running
        found = [frame.look_up(use.name) for use in callee.outputs]
        return None if None in found else tuple(value for values in found for value in values or ())

    def block(self, frame: Frame, node: LayerNode, values: Values, path: str) -> Values:
        """A layer with a block, as one of several equal ones."""
        alone = replace(node, fed=RUNNING)
        key = id(node.arguments)

        def build(inner: Frame, given: Values, at: str) -> Running:
            return self._bodies.layer(inner, alone, given, at)

        return self._call(frame, node.span, node.name_span, key, node.signature.scope, values, path, build)

    def _call(
        self,
        frame: Frame,
        span: Span,
        name_span: Span,
        key: int,
        name: str,
        values: Values,
        path: str,
        build: Build,
    ) -> Values:
        """A call of the func for this body and these types, which is built on first use. Raises Broken."""
        if len(self._bodies.trace.uses) >= DEEPEST:
            return self._here(frame, name, name_span, values, path, build)
        masks = [self._bodies.masks.get(value) for value in values]
        masked = tuple(mask is not None for mask in masks)
        found = (key, tuple(value.type for value in values), masked)
        if found not in self._templates:
            self._bodies.trace.uses.append(Used(name, name_span))
            self._templates[found] = self._template(name, values, masks, span, build)
            self._bodies.trace.uses.pop()
        template = self._templates[found]
        if template is None:
            raise Broken
        passed = [self._passed(frame, symbol, path, span) for symbol in template.passed]
        given = [*values, *(mask for mask in masks if mask is not None)]
        call = CallOp(template.op.sym_name.data, [*given, *passed], template.results, path)
        emit(frame.function, call, span, path)
        count = len(template.masked)
        results, rest = tuple(call.res[:count]), tuple(call.res[count:])
        self._bodies.precision.made(dict(zip(results, template.natural, strict=True)))
        carrying = [value for value, has_mask in zip(results, template.masked, strict=True) if has_mask]
        self._bodies.masks.update(zip(carrying, rest, strict=False))
        for state, value in zip(template.kept, rest[len(carrying) :], strict=True):
            frame.function.keep(_joined(path, state), value)
        self._bodies.trace.made(results, Origin(name, name_span, values))
        return results

    def _passed(self, frame: Frame, symbol: WeightDeclaration | StateDeclaration, path: str, span: Span) -> SSAValue:
        """What a call passes for a weight or a state of the function."""
        own = replace(symbol, name=_joined(path, symbol.name))
        if isinstance(own, WeightDeclaration):
            return frame.function.declare(own, span)
        type_ = as_tensor(self._bodies.symbols.attribute(own.type))
        return frame.function.state(replace(own, type=type_), span)

    def _here(self, frame: Frame, name: str, name_span: Span, values: Values, path: str, build: Build) -> Values:
        """The body at the place of its use."""
        self._bodies.trace.uses.append(Used(name, name_span))
        results = build(Frame(frame.function, Scope(path)), values, path)
        self._bodies.trace.uses.pop()
        if results is None:
            raise Broken
        self._bodies.trace.made(results, Origin(name, name_span, values))
        return results

    def _template(
        self,
        name: str,
        values: Values,
        masks: Sequence[SSAValue | None],
        span: Span,
        build: Build,
    ) -> Template | None:
        block = Block(arg_types=[value.type for value in (*values, *masks) if value is not None])
        self._bodies.symbols.blocks.append(block)
        for argument in block.args:
            argument.name_hint = "x"
            argument.location = location(span)
        given, rest = tuple(block.args[: len(values)]), list(block.args[len(values) :])
        for value, mask in zip(given, masks, strict=True):
            if mask is not None:
                self._bodies.masks[value] = rest.pop(0)
        function = BlockFunction(block)
        running = build(Frame(function, Scope()), given, "")
        function.finish()
        if running is None:
            return None
        found = [self._bodies.masks.get(value) for value in running]
        end = ReturnOp([*running, *(mask for mask in found if mask is not None), *function.kept.values()])
        end.location = location(span)
        block.add_op(end)
        op = FuncOp(self._names.unique(name), [value.type for value in end.values], Region(block))
        op.location = location(span)
        self.functions.append(op)
        masked = tuple(mask is not None for mask in found)
        natural = tuple(self._bodies.precision.natural.get(value) for value in running)
        return Template(op, tuple(function.passed), masked, tuple(function.kept), natural)

    def finish(self) -> Sequence[FuncOp]:
        """The functions, with the types that their results have after sizes were found to be equal."""
        for op in self.functions:
            op.properties["returns"] = ArrayAttr([value.type for value in op.terminator.operands])
        return self.functions


def _sizes(inputs: Sequence[ProgramInput], values: Values) -> Mapping[str, Size]:
    """The sizes that the names of a network's inputs stand for: equal names are equal sizes.

    Raises LayerError where values do not have the types that the inputs declare."""
    named: dict[str, Size] = {}
    for port, value in zip(inputs, values, strict=True):
        shape = shape_of(value.type)
        wanted = port.shape
        if len(shape) != len(wanted):
            raise LayerError(f"its input `{port.name}` is {_written(wanted)}, and gets {shown(value)}", "E0406")
        if element_of(value.type) != element_type_of(port.element):
            raise LayerError(
                f"its input `{port.name}` is {port.element}, and gets {element_of(value.type)}",
                "E0406",
                f'write `Cast("{port.element}")` before it',
            )
        for expected, size in zip(wanted, shape, strict=True):
            known = named.setdefault(expected, size) if isinstance(expected, str) else expected
            if expected != BATCH and as_dim(known) != as_dim(size):
                raise LayerError(f"its input `{port.name}` is {_written(wanted)}, and gets {shown(value)}", "E0406")
    return named


def _written(shape: Sequence[int | str]) -> str:
    return format_shape([as_dim(size) for size in shape])


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _in_order(inputs: Sequence[ProgramInput], applied: Applied) -> Values:
    """One value for each input of a network, whichever way it was given."""
    given = list(applied.positional)
    values: list[SSAValue] = []
    for port in inputs:
        found = applied.named.get(port.name)
        if isinstance(found, SSAValue):
            values.append(found)
        else:
            values.append(given.pop(0))
    return tuple(values)
