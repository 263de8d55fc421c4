"""Lowers a checked network to a module of the graph dialect.

Macros and repeated blocks become one graph.func for each shape they are used with, weights as arguments; everything
else goes into graph.model in the order it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import CallOp, DimOp, FuncOp, ModelOp, ReturnOp, WeightOp
from neuralc.dialects.syntax import to_attribute
from neuralc.dialects.types import ShapeError, element_type_of, shape_of, tensor_type
from neuralc.frontends.nr.clauses import clause_attributes
from neuralc.frontends.nr.functions import (
    BlockFunction,
    Function,
    ModelFunction,
    Scope,
    Site,
    WeightDeclaration,
    emit,
    location,
    shown,
)
from neuralc.frontends.nr.layers import LOWERINGS, project
from neuralc.frontends.nr.objectives import check_objectives
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Span, error, warning
from neuralc.grammar.program import Body, LayerNode, MacroNode, Node, Program, RepeatNode

BATCH = "batch"
_KEEP_SHAPE = 'keep the shape (padding="same", equal channels), or write ResidualConnection(shortcut="projection")'


@dataclass(frozen=True)
class Template:
    """A graph.func, and the weights its calls have to pass, by their paths within it."""

    name: str
    result: Attribute
    weights: Sequence[WeightDeclaration]


@dataclass(frozen=True)
class Origin:
    """The layer a value comes from, for messages about shapes."""

    layer: str
    span: Span


class Lowering:
    """One run over one network."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.messages: list[Diagnostic] = []
        self.functions: list[FuncOp] = []
        self.templates: dict[tuple[int, Attribute], Template] = {}
        self.function_names = Scope("", {BATCH, program.name})
        self.origin: Origin | None = None
        self.uses: list[Origin] = []
        self.warned = False

    def run(self) -> tuple[ModuleOp, list[WeightDeclaration]]:
        """The module and its weights in the order of the layers. Raises NeuralcError."""
        program = self.program
        batch = Dim.symbol(BATCH)
        given = program.input
        block = Block(arg_types=[tensor_type((batch, *given.sizes), element_type_of(given.element))])
        block.args[0].name_hint = given.name
        block.args[0].location = location(given.span)
        model = ModelFunction(block)
        scope = Scope()
        value = self._body(model, scope, program.body, block.args[0])
        end = ReturnOp([value])
        last = program.body.nodes[-1]
        end.location = location(last.span)
        block.add_op(end)
        op = ModelOp(
            program.name, [given.name], [scope.last], [value.type], Region(block), clause_attributes(program.clauses)
        )
        op.location = location(program.span)
        self.messages += check_objectives(op, program.clauses)
        return ModuleOp([*self._declarations(model.weights), *self.functions, op]), model.weights

    def _declarations(self, weights: Sequence[WeightDeclaration]) -> list[Operation]:
        ops: list[Operation] = [DimOp(BATCH, 1, None, self.program.input.batch_origin)]
        for weight in weights:
            attributes = {} if weight.trainable else {"trainable": to_attribute(False)}
            ops.append(WeightOp(weight.name, weight.type, init=weight.initializer, attributes=attributes))
        return ops

    # --- layers ------------------------------------------------------------------------------------------------------
    def _body(self, function: Function, scope: Scope, body: Body, x: SSAValue) -> SSAValue:
        for node in body.nodes:
            x = self._node(function, scope, node, x)
        return x

    def _node(self, function: Function, scope: Scope, node: Node, x: SSAValue) -> SSAValue:
        if not isinstance(node, RepeatNode):
            return self._one(function, node, x, self._path(scope, node), repeated=False)
        path = self._path(scope, node.node)
        for index in range(node.count):
            x = self._one(function, node.node, x, f"{path}.{index}", repeated=True)
        return x

    def _path(self, scope: Scope, node: LayerNode | MacroNode) -> str:
        if isinstance(node, MacroNode):
            return scope.unique(node.macro)
        if node.arguments["name"] is not None:
            return scope.named(node.arguments["name"], node.arguments.spans["name"])
        return scope.unique(node.signature.scope)

    def _one(
        self, function: Function, node: LayerNode | MacroNode, x: SSAValue, path: str, *, repeated: bool
    ) -> SSAValue:
        if isinstance(node, MacroNode):
            body = node.body
            return self._call(
                function, node, id(body), node.macro, x, path, lambda f, y: self._body(f, Scope(), body, y)
            )
        if node.body is None:
            return self._layer(function, node, x, path)
        inner = node.body
        if not repeated:
            return self._residual(function, node, inner, x, path)
        name = node.signature.scope
        return self._call(function, node, id(node), name, x, path, lambda f, y: self._residual(f, node, inner, y, ""))

    def _layer(self, function: Function, node: LayerNode, x: SSAValue, path: str) -> SSAValue:
        name = node.signature.name
        if name in ("Dense", "Output"):
            self._warn_image(node, x)
        try:
            result = LOWERINGS[name](Site(function, path, node.span), node.arguments, x)
        except ShapeError as problem:
            raise self._problem("E0401", f"`{name}`: {problem}", node.name_span, x) from None
        self.origin = Origin(name, node.span)
        return result

    def _residual(self, function: Function, node: LayerNode, body: Body, x: SSAValue, path: str) -> SSAValue:
        origin = self.origin
        result = self._body(function, Scope(path), body, x)
        shortcut = x
        if shape_of(result.type) != shape_of(x.type):
            changed = f"this block turns {shown(x)} into {shown(result)}, so its input cannot be added"
            if node.arguments["shortcut"] != "projection":
                self.origin = origin
                raise self._problem("E0404", changed, node.name_span, x, _KEEP_SHAPE)
            try:
                site = Site(function, f"{path}.shortcut" if path else "shortcut", node.span)
                shortcut = project(site, x, result)
            except ShapeError as problem:
                raise self._problem("E0404", f"{changed}; {problem}", node.name_span, x) from None
        added = emit(function, graph.AddOp.of(result, shortcut), node.span, path or node.signature.scope)
        self.origin = Origin(node.signature.name, node.span)
        return added

    # --- functions ---------------------------------------------------------------------------------------------------
    def _call(
        self,
        function: Function,
        node: LayerNode | MacroNode,
        key: int,
        name: str,
        x: SSAValue,
        path: str,
        build: Callable[[Function, SSAValue], SSAValue],
    ) -> SSAValue:
        """A call of the func for this body and this input type, which is built on first use."""
        template = self.templates.get((key, x.type))
        if template is None:
            self.uses.append(Origin(name, node.name_span))
            template = self._template(name, x, node.span, build)
            self.uses.pop()
            self.templates[key, x.type] = template
        weights = [
            function.declare(
                WeightDeclaration(f"{path}.{weight.name}", weight.type, weight.initializer, weight.trainable), node.span
            )
            for weight in template.weights
        ]
        self.origin = Origin(name, node.span)
        return emit(function, CallOp(template.name, [x, *weights], [template.result], path), node.span, path)

    def _template(
        self, name: str, x: SSAValue, span: Span, build: Callable[[Function, SSAValue], SSAValue]
    ) -> Template:
        block = Block(arg_types=[x.type])
        block.args[0].name_hint = "x"
        block.args[0].location = location(span)
        body = BlockFunction(block)
        result = build(body, block.args[0])
        end = ReturnOp([result])
        end.location = location(span)
        block.add_op(end)
        op = FuncOp(self.function_names.unique(name), [result.type], Region(block))
        op.location = location(span)
        self.functions.append(op)
        return Template(op.sym_name.data, result.type, tuple(body.weights))

    # --- messages ----------------------------------------------------------------------------------------------------
    def _warn_image(self, node: LayerNode, x: SSAValue) -> None:
        if self.warned or len(shape_of(x.type)) < 3:
            return
        self.warned = True
        message = f"`{node.signature.name}` works on the last axis of {shown(x)}, at each place of the others"
        self.messages.append(
            warning("W0401", message, node.name_span, help="write `Flatten()` before it if all places belong together")
        )

    def _problem(self, code: str, message: str, place: Span, x: SSAValue, help: str | None = None) -> NeuralcError:
        came = (
            f"its input {shown(x)} is the input of the network"
            if self.origin is None
            else f"its input {shown(x)} comes from `{self.origin.layer}` in line {self.origin.span.line}"
        )
        used = [f"in `{use.layer}`, used in line {use.span.line}" for use in reversed(self.uses)]
        return error(code, message, place, note=[came, *used], help=help)
