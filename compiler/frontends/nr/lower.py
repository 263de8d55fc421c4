"""Lowers a checked network to a module of the graph dialect.

Macros, networks used as layers and repeated blocks become one graph.func for each shape they are used with, weights as
arguments; everything else goes into graph.model in the order it was written. A layer that does not fit is reported, and
what depends on it is left out, so that one run tells all independent errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import (
    ConstraintAttr,
    InitializerAttr,
    ModelOp,
    RegularizerAttr,
    ReturnOp,
    WeightAttr,
    WeightOp,
)
from neuralc.dialects.syntax import to_attribute
from neuralc.dialects.types import ShapeError, element_type_of, tensor_type
from neuralc.frontends.nr.bodies import Bodies
from neuralc.frontends.nr.clauses import clause_attributes
from neuralc.frontends.nr.constraints import apply_constraints
from neuralc.frontends.nr.frame import Frame, Running
from neuralc.frontends.nr.functions import ModelFunction, Scope, WeightDeclaration, location
from neuralc.frontends.nr.objectives import check_objectives
from neuralc.frontends.nr.site import Values
from neuralc.frontends.nr.trace import Origin
from neuralc.frontends.sizes import LARGEST, Size
from neuralc.frontends.symbols import Symbols
from neuralc.grammar.configured import Configured
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, error
from neuralc.grammar.program import Body, BranchNode, Program, ProgramInput, SharedNode

BATCH = "batch"

A = TypeVar("A", bound=WeightAttr)


class Lowering:
    """One run over one network; `pinned` are sizes with a number: `--dim S=128`."""

    def __init__(self, program: Program, pinned: Mapping[str, int] | None = None) -> None:
        self.program = program
        self.symbols = Symbols(pinned)
        taken = {BATCH, program.name, *(size.name for size in program.sizes)}
        self.bodies = Bodies(taken, self.symbols, len(program.span.source.text))
        self.values: dict[str, SSAValue] = {}
        """What the model computes, by the names that the program gives to values."""

    @property
    def messages(self) -> list[Diagnostic]:
        """Warnings and notes."""
        return self.bodies.trace.messages

    def run(self) -> tuple[ModuleOp, list[WeightDeclaration]]:
        """The module and its weights in the order of the layers. Raises NeuralcError with all that is wrong."""
        program = self.program
        self._declare()
        block = Block(arg_types=[self._type(given) for given in program.inputs])
        self.symbols.blocks.append(block)
        function = ModelFunction(block)
        frame = Frame(function, Scope(), values={})
        for given, argument in zip(program.inputs, block.args, strict=True):
            argument.name_hint = given.name
            argument.location = location(given.span)
            frame.values[given.name] = (argument,)
            self.bodies.trace.made((argument,), Origin(given.name, given.span, is_input=True))
        running = self.bodies.body(frame, program.body, tuple(block.args))
        outputs = self._outputs(frame, running)
        self._stop()
        self.values = {name: found[0] for name, found in frame.values.items() if found is not None and len(found) == 1}
        states = function.write_states()
        end = ReturnOp([value for _, value in outputs])
        end.location = location(program.body.steps[-1].node.span)
        block.add_op(end)
        op = ModelOp(
            program.name,
            [given.name for given in program.inputs],
            [name for name, _ in outputs],
            [value.type for _, value in outputs],
            Region(block),
            clause_attributes(program.clauses),
        )
        op.location = location(program.span)
        for message in check_objectives(op, program.clauses):
            self.bodies.trace.report(message)
        weights = list(function.weights.values())
        return ModuleOp([*self._declarations(weights), *states, *self.bodies.calls.finish(), op]), weights

    def _stop(self) -> None:
        errors = [*self.program.errors, *self.bodies.trace.errors]
        if errors:
            raise NeuralcError(sorted(errors, key=lambda found: found.span.start if found.span else -1))

    # --- sizes -------------------------------------------------------------------------------------------------------
    def _declare(self) -> None:
        for size in self.program.sizes:
            try:
                self.symbols.declare(size.name, size.origin, size.minimum, size.maximum or LARGEST)
            except ShapeError as problem:
                raise error("E0402", str(problem), self.program.span) from None
        self.symbols.check_sizes()
        for found in apply_constraints(self.program, self.symbols):
            self.bodies.trace.report(found)

    def _type(self, given: ProgramInput) -> Attribute:
        sizes: list[Size] = [self.symbols.named(size, "") if isinstance(size, str) else size for size in given.shape]
        return tensor_type(sizes, element_type_of(given.element))

    def _declarations(self, weights: Sequence[WeightDeclaration]) -> list[Operation]:
        ops: list[Operation] = []
        for dim in self.symbols.declarations():
            if dim.maximum is not None and dim.maximum.data == Dim.constant(LARGEST):
                dim.properties.pop("maximum")
            ops.append(dim)
        rules = _Rules()
        for weight in weights:
            attributes = {} if weight.trainable else {"trainable": to_attribute(False)}
            op = WeightOp(
                weight.name,
                weight.type,
                init=rules.of(InitializerAttr, weight.initializer),
                regularizer=rules.of(RegularizerAttr, weight.regularizer),
                constraint=rules.of(ConstraintAttr, weight.constraint),
                attributes=attributes,
            )
            ops.append(op)
        return ops

    # --- outputs -----------------------------------------------------------------------------------------------------
    def _outputs(self, frame: Frame, running: Running) -> list[tuple[str, Any]]:
        """Names and values of the results: those of the `outputs:` clause, of the last branches, or the last value."""
        if self.program.outputs is None:
            branches = _last_branches(self.program.body)
            if branches:
                return [pair for name in branches for pair in _numbered(name, frame.look_up(name) or ())]
            last = self.program.body.steps[-1].node
            name = last.handle if isinstance(last, SharedNode) else frame.scope.last
            return _numbered(name or "output", running or ())
        return [pair for use in self.program.outputs for pair in _numbered(use.name, frame.look_up(use.name) or ())]


def _last_branches(body: Body) -> Sequence[str]:
    """The names of the branches that a body ends with."""
    names: list[str] = []
    for step in reversed(body.steps):
        if not isinstance(step.node, BranchNode):
            break
        names.insert(0, step.node.name)
    return names


def _numbered(name: str, values: Values) -> list[tuple[str, Any]]:
    if len(values) == 1:
        return [(name, values[0])]
    return [(f"{name}_{index}", value) for index, value in enumerate(values)]


class _Rules:
    """How weights begin and what training does with them, as attributes: most weights have those of others."""

    def __init__(self) -> None:
        self._known: dict[tuple[type[WeightAttr], str | int], WeightAttr] = {}

    def of(self, attribute: type[A], configured: Configured | None) -> A | None:
        if configured is None:
            return None
        key = (attribute, id(configured) if configured.arguments else configured.name)
        known = self._known.get(key)
        if not isinstance(known, attribute):
            known = self._known[key] = attribute.named(configured.name, configured.arguments)
        return known
