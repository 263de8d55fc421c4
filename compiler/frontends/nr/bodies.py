"""Applies the layers of a body one after another: the running value, values with names, branches, shared layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.calls import Calls
from neuralc.frontends.nr.feeding import Applied, feed
from neuralc.frontends.nr.frame import Broken, Frame, Running
from neuralc.frontends.nr.functions import Function
from neuralc.frontends.nr.layers import lowering_of
from neuralc.frontends.nr.precision import Precision, policy_of
from neuralc.frontends.nr.site import LayerError, Nested, Piece, Site, Values, shown
from neuralc.frontends.nr.trace import Origin, Trace
from neuralc.frontends.sizes import Bounds, Size
from neuralc.frontends.symbols import Symbols
from neuralc.grammar.binding import Bound
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Span, warning
from neuralc.grammar.program import (
    Body,
    BranchNode,
    BrokenNode,
    CallNode,
    CustomNode,
    Fed,
    LayerNode,
    Node,
    RepeatNode,
    SharedNode,
    Step,
)
from neuralc.grammar.signatures import Signature, find

MAX_OPS = 20_000
"""Most ops of a short model, ten times those of the largest examples; a long one may have one more for each character.

Few layers may become many ops; what takes long to compile should be as long to read."""


class Bodies:
    """The walk over a network's bodies; what layers need of it is `site.Run`."""

    def __init__(self, taken: set[str], symbols: Symbols, written: int) -> None:
        """`taken` are names that no function may have, `written` the characters of the file."""
        self.symbols = symbols
        self.trace = Trace()
        self.masks: dict[SSAValue, SSAValue] = {}
        self.precision = Precision()
        self.calls = Calls(self, taken)
        self._frames: list[Frame] = []
        self._ops, self._most_ops = 0, MAX_OPS + written

    # --- items -------------------------------------------------------------------------------------------------------
    def body(self, frame: Frame, body: Body, running: Running) -> Running:
        """What the items of a body make of the running values."""
        self._frames.append(frame)
        start, branches = running, False
        for step in body.steps:
            if not isinstance(step.node, BranchNode):
                branches = False
                running = self._step(frame, step, running)
                continue
            # Branches that follow each other run side by side; what comes next finds all their results.
            if not branches:
                start, running, branches = running, (), True
            result = self._branch(frame, step.node, start)
            running = None if running is None or result is None else (*running, *result)
        self._frames.pop()
        return running

    def _step(self, frame: Frame, step: Step, running: Running) -> Running:
        node = step.node
        try:
            path = self._path(frame, step)
        except NeuralcError as problem:
            self._keep(problem)
            return None
        if step.shared:
            frame.shared[step.targets[0]] = (node, path)
            if not step.applied:
                return running
        result = self._node(frame, node, running, path)
        return self._bind(frame, step, result)

    def _bind(self, frame: Frame, step: Step, result: Running) -> Running:
        """Gives names to results. The first of several becomes the running value."""
        targets = step.targets
        if len(targets) < 2:
            for target in targets:
                frame.values[target] = result
            return result
        if result is not None and len(result) != len(targets):
            message = f"this layer gives {_count(len(result))}, and {len(targets)} names stand before it"
            self.trace.report(Diagnostic("E0212", message, step.node.name_span))
            result = None
        for index, target in enumerate(targets):
            frame.values[target] = None if result is None else result[index : index + 1]
        return None if result is None else result[:1]

    def _path(self, frame: Frame, step: Step) -> str:
        """The path of an item's weights. Raises NeuralcError for a name that is taken."""
        node = step.node.node if isinstance(step.node, RepeatNode) else step.node
        if isinstance(node, LayerNode) and node.arguments["name"] is not None:
            return frame.scope.named(node.arguments["name"], node.arguments.spans["name"])
        if isinstance(node, CallNode) and node.named is not None:
            return frame.scope.named(node.named, node.named_at or node.span)
        if step.shared:
            return frame.scope.unique(step.targets[0])
        match node:
            case LayerNode():
                return frame.scope.unique(node.signature.scope)
            case CallNode():
                return frame.scope.unique(node.scope)
            case CustomNode():
                return frame.scope.unique(node.name)
            case _:
                return ""

    def _node(self, frame: Frame, node: Node, running: Running, path: str) -> Running:
        match node:
            case BrokenNode():
                return None
            case BranchNode():
                return self._branch(frame, node, running)
            case SharedNode():
                return self._shared(frame, node, running)
            case RepeatNode():
                return self._rounds(frame, node, running, path)
            case CallNode():
                return self._guarded(node, lambda: self._call(frame, node, running, path))
            case CustomNode():
                return self._guarded(node, lambda: self._custom(frame, node, running, path))
            case LayerNode():
                return self._guarded(node, lambda: self.layer(frame, node, running, path))

    def _guarded(self, node: Node, apply: Any) -> Running:
        """The result of a layer; None, and a message, where it does not fit."""
        try:
            values: Running = apply()
        except Broken:
            return None
        except NeuralcError as problem:
            self._keep(problem)
            return None
        return values

    def _keep(self, problem: NeuralcError) -> None:
        for found in problem.diagnostics:
            self.trace.report(found)

    # --- kinds of items ----------------------------------------------------------------------------------------------
    def _branch(self, frame: Frame, node: BranchNode, running: Running) -> Running:
        start = running if node.source is None else frame.look_up(node.source.name)
        path = frame.scope.unique(node.name)
        result = self.body(frame.inside(path), node.body, start)
        frame.values[node.name] = result
        return result

    def _shared(self, frame: Frame, node: SharedNode, running: Running) -> Running:
        try:
            layer, path = frame.layer(node.handle)
        except Broken:
            return None
        if isinstance(layer, RepeatNode):
            return self._node(frame, replace(layer, node=_fed(layer.node, node)), running, path)
        if isinstance(layer, LayerNode | CallNode | CustomNode):
            return self._node(frame, _fed(layer, node), running, path)
        return None

    def _rounds(self, frame: Frame, node: RepeatNode, running: Running, path: str) -> Running:
        """A repetition: the first round takes what the layer names, each further one what the last one gave."""
        further = replace(node.node, fed=Fed((), node.node.fed.named))
        for index in range(node.count):
            running = self._repeated(frame, further if index else node.node, running, f"{path}.{index}")
        return running

    def _repeated(self, frame: Frame, node: LayerNode | CallNode | CustomNode, running: Running, path: str) -> Running:
        """One round of a repetition. Blocks become functions, so that equal ones are known to be equal."""
        if not isinstance(node, LayerNode) or node.body is None or node.body.captures or node.fed.named:
            return self._node(frame, node, running, path)
        return self._guarded(node, lambda: self.calls.block(frame, node, self._given(frame, node, running, path), path))

    def _given(self, frame: Frame, node: LayerNode, running: Running, path: str) -> Values:
        applied = self._feed(frame, node, node.signature.name, running)
        return self.precision.cast(Site(frame.function, path, node.span, self), applied.positional)

    def _feed(self, frame: Frame, node: LayerNode | CallNode | CustomNode, name: str, running: Running) -> Applied:
        """The values a layer is applied to. Raises Broken where one of them is, NeuralcError where they do not fit."""
        inputs = node.signature.inputs if isinstance(node, LayerNode) else self.calls.inputs(node)
        try:
            applied = feed(node.fed, inputs, frame.look_up, running)
        except ShapeError as problem:
            raise self._problem(problem, f"`{name}`", node.name_span, running or ()) from None
        if applied is None:
            raise Broken
        for value in applied.all:
            if 0 in shape_of(value.type):
                empty = ShapeError(f"its input {shown(value)} has no elements")
                raise self._problem(empty, f"`{name}`", node.name_span, (value,))
        return applied

    def layer(self, frame: Frame, node: LayerNode, running: Running, path: str) -> Values:
        name = node.signature.name
        applied = self._feed(frame, node, name, running)
        if name in ("Dense", "Output"):
            self._warn_image(node, applied.positional[0])
        site = self.site(frame, node, path)
        try:
            values = self._lowered(site, node.signature, node.arguments, self.precision.entering(site, applied))
            if not node.signature.retypes:
                self.precision.leaving(applied, values)
            return values
        except ShapeError as problem:
            raise self._problem(problem, f"`{name}`", node.name_span, applied.all) from None

    def _lowered(self, site: Site, signature: Signature, arguments: Bound, applied: Applied) -> Values:
        result = lowering_of(signature)(site, arguments, *applied.positional, **applied.named)
        values = (result,) if isinstance(result, SSAValue) else tuple(result)
        if signature.masking == "keep" and values:
            site.put_mask(values[0], self.masks.get(applied.all[0]))
        self.trace.made(values, Origin(signature.name, site.span, applied.all))
        return values

    def _custom(self, frame: Frame, node: CustomNode, running: Running, path: str) -> Values:
        """An op without a meaning: it can be looked at, and is refused where it would have to be compiled."""
        site = Site(frame.function, path, node.span, self)
        applied = self.precision.entering(site, self._feed(frame, node, node.name, running))
        x = applied.positional[0]
        shape = shape_of(x.type) if node.shape is None else (shape_of(x.type)[0], *node.shape)
        op = graph.CustomOp(node.name, applied.all, [tensor_type(shape, element_of(x.type))], node.arguments)
        values = site.add_all(op)
        self.trace.made(values, Origin(node.name, node.span, applied.all))
        return values

    def _call(self, frame: Frame, node: CallNode, running: Running, path: str) -> Values:
        applied = self._feed(frame, node, node.callee.name, running)
        site = Site(frame.function, path, node.span, self)
        try:
            return self.calls.callee(frame, node, self.precision.entering(site, applied), path)
        except ShapeError as problem:
            raise self._problem(problem, f"`{node.callee.name}`", node.name_span, applied.all) from None

    # --- what layers need (site.Run) ---------------------------------------------------------------------------------
    def site(self, frame: Frame, node: LayerNode, path: str) -> Site:
        """The place of a layer, with its block and branches ready to be applied."""
        block = None if node.body is None else self._block(frame, node.body, path)
        branches = {
            branch.name: self._block(frame, branch.body, f"{path}.{branch.name}" if path else branch.name)
            for branch in node.branches
        }
        arguments = node.arguments
        return Site(
            frame.function,
            path,
            node.span,
            self,
            arguments["trainable"],
            block,
            branches,
            node.signature.name,
            policy_of(arguments["dtype"]),
        )

    def _block(self, frame: Frame, body: Body, path: str) -> Nested:
        def apply(*values: SSAValue, inside: str = "", function: Function | None = None) -> Values:
            inner = frame.inside(".".join(part for part in (path, inside) if part))
            if function is not None:
                inner = replace(inner, function=function)
                self.symbols.blocks.append(function.block)
            result = self.body(inner, body, values)
            if result is None:
                raise Broken
            return result

        return apply

    def apply(self, site: Site, layer: str, arguments: Mapping[str, Any], values: Values) -> Values:
        signature = find(layer)
        if signature is None:
            raise ValueError(f"no layer is called {layer}")
        defaults = {parameter.name: parameter.default for parameter in signature.all_parameters}
        bound = Bound({**defaults, **arguments})
        result = lowering_of(signature)(replace(site, kind=layer), bound, *values)
        return (result,) if isinstance(result, SSAValue) else tuple(result)

    def piece(self, site: Site, layer: LayerNode | CallNode) -> Piece:
        frame = replace(self._frames[-1], function=site.function)
        self.symbols.watch(site.function.block)

        def apply(*values: SSAValue) -> Values:
            result = self._node(frame, layer, values, site.path)
            if result is None:
                raise Broken
            return result

        return apply

    def equal(self, site: Site, lhs: Size, rhs: Size) -> None:
        """Raises ShapeError where two sizes cannot be equal; named ones become one size, which is told."""
        if lhs == rhs:
            return
        self.symbols.solve(lhs, rhs)
        message = f"`{lhs}` and `{rhs}` have to be equal here, so they are one size: a run with others is refused"
        self.trace.report(warning("W0402", message, site.span, help="give equal sizes one name"))

    @property
    def bounds(self) -> Bounds:
        return self.symbols.bounds

    def at_most(self, size: Size, limit: int) -> None:
        """Raises ShapeError for a size that is larger, or an expression that cannot be bounded."""
        if not isinstance(size, int):
            self.symbols.unify(size, size.min(limit))
        elif size > limit:
            raise ShapeError(f"{size} is more than {limit}")

    def warn(self, site: Site, code: str, message: str, help: str | None = None) -> None:
        self.trace.report(warning(code, message, site.span, help=help))

    def count(self) -> None:
        self._ops += 1
        if self._ops > self._most_ops:
            raise LayerError(f"the network becomes more than {self._most_ops} ops", "E0313")

    # --- messages ----------------------------------------------------------------------------------------------------
    def _warn_image(self, node: LayerNode, x: SSAValue) -> None:
        rank = len(shape_of(x.type))
        # Of a sequence the last axis is what a dense layer is for; an input of rank 3 may be a picture of one channel.
        if rank < 3 or (rank == 3 and not self.trace.is_input(x)):
            return
        if self.trace.told("W0401"):
            return
        message = f"`{node.signature.name}` works on the last axis of {shown(x)}, at each place of the others"
        help = "write `Flatten()` before it if all places belong together"
        self.trace.report(warning("W0401", message, node.name_span, help=help))

    def _problem(self, problem: ShapeError, what: str, place: Span, values: Values) -> NeuralcError:
        code, help = (problem.code, problem.help) if isinstance(problem, LayerError) else ("E0401", None)
        return NeuralcError([Diagnostic(code, f"{what}: {problem}", place, self.trace.path(values), help)])


def _fed(node: LayerNode | CallNode | CustomNode, use: SharedNode) -> LayerNode | CallNode | CustomNode:
    """A shared layer, applied to what one use of it names."""
    return replace(node, fed=use.fed, span=use.span, name_span=use.span)


def _count(number: int) -> str:
    return "1 value" if number == 1 else f"{number} values"
