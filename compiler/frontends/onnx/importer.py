"""Walks an ONNX graph: every node is converted by its handler, or by the function that defines it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from xdsl.ir import Block, OpResult
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.types import ShapeError, is_float
from neuralc.frontends.builder import Builder, discard, hint
from neuralc.frontends.onnx import functions
from neuralc.frontends.onnx.names import Names, listed_scopes
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.parameters import one_number, parameters
from neuralc.frontends.onnx.registry import STANDARD, Operator, operators
from neuralc.frontends.onnx.scope import (
    MAX_DEPTH,
    MISSING,
    Missing,
    invalid,
    label,
    opset_of,
    ordered,
)
from neuralc.frontends.onnx.scope import (
    Scope as Values,
)
from neuralc.frontends.onnx.tensors import TensorReader, UnsupportedElement
from neuralc.frontends.refusals import Refusals, Refused, shown
from neuralc.frontends.values import Value
from neuralc.passes.scopes import CALLED, Scope, located

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import AttributeProto, FunctionProto, GraphProto, NodeProto, TensorProto
    from xdsl.dialects.builtin import LocationAttr


@dataclass(frozen=True)
class Place:
    """Where a node stands: the names it sees, the operator sets it means, and the functions it is inside of."""

    scope: Values
    opsets: Mapping[str, int]
    inside: tuple[str, ...] = ()
    parameters: Mapping[str, AttributeProto] = field(default_factory=dict)
    """The attributes of the function that the node is in."""
    name: str = ""
    """The node of the model that all this belongs to, where it is a function's."""
    names: Names | None = None
    """What values of the graph are called; in a function they have the names that it gives them."""
    scopes: tuple[Scope, ...] = ()
    """The modules that a function is used in."""

    def scopes_of(self, proto: NodeProto) -> tuple[Scope, ...]:
        """What stands around the name of a node in its location; a name with slashes says it itself."""
        return (*self.scopes, *listed_scopes(proto))

    def within(self, proto: NodeProto, function: FunctionProto) -> Place:
        """The place of the nodes of a model's own function: it is a block of the model, and stays one."""
        scopes = self.scopes_of(proto)
        if functions.is_operator(function):
            return self
        name = ".".join(part for part in label(proto).split("/") if part)
        path = f"{scopes[-1].path}.{name}" if scopes else name
        return replace(self, scopes=(*self.scopes, Scope(path, f"{function.name}{CALLED}")))

    def value_name(self, proto: NodeProto, text: str) -> str:
        return text if self.names is None else self.names.value(proto, text)


class Unavailable(Exception):
    """A graph or function has an output that comes from a refused node."""


@dataclass
class Importer:
    """One import. Handlers get nodes, and ask for subgraphs here."""

    builder: Builder
    tensors: TensorReader
    functions: Mapping[functions.Key, FunctionProto] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)

    # --- graphs --------------------------------------------------------------------------------------------------
    def graph(self, graph: GraphProto, place: Place, wanted: Sequence[str]) -> None:
        """Convert what the wanted values need; they are in the scope of `place` afterwards."""
        names, held = Names(graph, renames=not self.builder.keeps_weights), parameters(graph)
        place = replace(place, names=names)
        for tensor in graph.initializer:
            name, stays = names.weights.get(tensor.name, tensor.name), tensor.name in held
            place.scope.deferred[tensor.name] = self._deferred(tensor, name, stays=stays)
        for sparse in graph.sparse_initializer:
            place.scope.deferred[sparse.values.name] = self._sparse(sparse.values.name)
        for node in ordered(graph.node, wanted):
            self.node(node, place)

    def _deferred(self, tensor: TensorProto, name: str, *, stays: bool) -> Any:
        def read() -> Value | Missing:
            try:
                element, array = self.tensors.read(tensor)
            except UnsupportedElement as problem:
                self.refusals.add("initializer", f"element type {problem}", tensor.name)
                return MISSING
            if name != tensor.name:
                self.builder.sources[name] = tensor.name
            kept = (stays and is_float(element) and one_number(array)) or (
                self.builder.keeps_weights and bool(array.shape)
            )
            return self.builder.known(array, element, name, weight=True, stays=kept)

        return read

    def _sparse(self, name: str) -> Any:
        def read() -> Missing:
            self.refusals.add("initializer", "a sparse tensor", name)
            return MISSING

        return read

    # --- nodes ---------------------------------------------------------------------------------------------------
    def node(self, proto: NodeProto, place: Place) -> None:
        """Convert one node; its outputs are in the scope afterwards. Raises NeuralcError E0612."""
        name = place.name or label(proto)
        inputs = [place.scope.get(text, label(proto)) if text else None for text in proto.input]
        results: Sequence[Value | Missing | None]
        if any(isinstance(value, Missing) for value in inputs):
            self._look(proto, place, name)
            results = [MISSING] * len(proto.output)
        else:
            try:
                values = [value for value in inputs if not isinstance(value, Missing)]
                results = self._results(proto, values, place)
            except (Refused, UnsupportedElement) as refused:
                reason = str(refused) if isinstance(refused, Refused) else f"element type {refused}"
                by_values = isinstance(refused, Refused) and refused.by_values
                self.refusals.add(_operator(proto), reason, name, by_values=by_values)
                results = [MISSING] * len(proto.output)
            except Unavailable:
                results = [MISSING] * len(proto.output)
            except (ShapeError, VerifyException) as problem:
                raise invalid(f"node `{shown(name)}` ({_operator(proto)}) does not fit: {problem}") from None
            except (ValueError, IndexError, OverflowError, ZeroDivisionError) as problem:
                raise invalid(f"node `{shown(name)}` ({_operator(proto)}) cannot be read", str(problem)) from problem
        for text, value in zip(proto.output, results, strict=False):
            if text and value is not None:
                self._name(value, text, place.value_name(proto, text))
                place.scope.define(text, value)

    def _look(self, proto: NodeProto, place: Place, name: str) -> None:
        """Say of a node whose inputs are missing whether it would be refused whatever they are."""
        domain = STANDARD if proto.domain == "ai.onnx" else proto.domain
        ours = (proto.domain, proto.op_type, proto.overload) in self.functions
        if ours or (domain, proto.op_type) in operators():
            return
        if not functions.has_body(proto.op_type, domain, opset_of(domain, place.opsets)):
            reason = "not compiled yet" if domain == STANDARD else f"nothing is known about domain `{shown(domain)}`"
            self.refusals.add(_operator(proto), reason, name)

    def _results(self, proto: NodeProto, inputs: Sequence[Value | None], place: Place) -> Sequence[Value | None]:
        attributes = functions.bound(proto, place.parameters)
        function = self.functions.get((proto.domain, proto.op_type, proto.overload))
        if function is not None:
            return self._expand(proto, function, inputs, attributes, place.within(proto, function))
        domain = STANDARD if proto.domain == "ai.onnx" else proto.domain
        operator = operators().get((domain, proto.op_type))
        version = opset_of(domain, place.opsets)
        if version is None:
            raise Refused(f"the model does not say which version of domain `{shown(domain) or 'ai.onnx'}` it means")
        functions.check(proto, domain, version, attributes, operator.since if operator is not None else 7)
        if operator is None:
            body = functions.standard_body(proto, domain, version, inputs, attributes)
            return self._expand(proto, body, inputs, functions.with_defaults(proto, domain, version, attributes), place)
        return self._convert(operator, proto, version, inputs, attributes, place)

    def _convert(
        self,
        operator: Operator,
        proto: NodeProto,
        version: int,
        inputs: Sequence[Value | None],
        attributes: dict[str, AttributeProto],
        place: Place,
    ) -> Sequence[Value | None]:
        name = place.name or label(proto)
        called = place.value_name(proto, label(proto))
        node = Node(proto, called, version, inputs, attributes, self.builder, self.tensors, _Subgraphs(self, place))
        with self._at(located(name, place.scopes_of(proto))):
            found = operator.handler(node)
        unread = [text for text in node.unread() if text not in operator.unread]
        if unread:
            raise Refused(f"with the attribute `{unread[0]}`")
        results = [found] if isinstance(found, Value) else list(found)
        missing = [text for text in proto.output[len(results) :] if text]
        if missing:
            raise Refused(f"with {len(proto.output)} outputs")
        return results

    # --- functions -----------------------------------------------------------------------------------------------
    def _expand(
        self,
        proto: NodeProto,
        function: FunctionProto,
        inputs: Sequence[Value | None],
        attributes: Mapping[str, AttributeProto],
        place: Place,
    ) -> Sequence[Value | None]:
        """The nodes of a function in the place of a node. Raises Unavailable where one of them is refused."""
        key = f"{function.domain}.{function.name}.{proto.op_type}"
        if key in place.inside:
            raise invalid(f"function `{shown(function.name)}` uses itself")
        scope = Values()
        for text, value in zip(function.input, inputs, strict=False):
            if value is not None:
                scope.define(text, value)
        parameters = {default.name: default for default in function.attribute_proto} | dict(attributes)
        opsets = {("" if each.domain == "ai.onnx" else each.domain): each.version for each in function.opset_import}
        name, scopes = place.name or label(proto), place.scopes_of(proto)
        inside = Place(scope, opsets, (*place.inside, key), parameters, name, scopes=scopes)
        if len(inside.inside) > MAX_DEPTH:
            raise invalid(f"functions use one another more than {MAX_DEPTH} deep")
        wanted = [text if made else "" for text, made in zip(function.output, proto.output, strict=False)]
        for node in ordered(functions.without_absent(function, scope), wanted):
            self.node(node, inside)
        values = iter(_available([scope.get(text, function.name) for text in wanted if text]))
        return [next(values) if text else None for text in wanted]

    # --- places --------------------------------------------------------------------------------------------------
    @contextmanager
    def _at(self, location: LocationAttr) -> Iterator[None]:
        before, self.builder.location = self.builder.location, location
        try:
            yield
        finally:
            self.builder.location = before

    def _name(self, value: Value | Missing, text: str, called: str) -> None:
        """A value is called what the model calls it, unless it is a tensor of the file and has its name."""
        if isinstance(value, Missing) or value.weight:
            return
        value.name = text if value.known is None else called
        if isinstance(value.ssa, OpResult) and value.known is None:
            value.ssa.name_hint = hint(called)


def _operator(proto: NodeProto) -> str:
    domain = "" if proto.domain in (STANDARD, "ai.onnx") else f"{proto.domain}."
    return shown(f"{domain}{proto.op_type}")


def _available(values: Sequence[Value | Missing]) -> list[Value]:
    found = [value for value in values if not isinstance(value, Missing)]
    if len(found) < len(values):
        raise Unavailable
    return found


@dataclass(frozen=True)
class _Subgraphs:
    """The graphs of one node."""

    importer: Importer
    place: Place

    def inline(self, graph: GraphProto, arguments: Sequence[Value]) -> list[Value]:
        scope = Values(self.place.scope)
        if scope.depth > MAX_DEPTH:
            raise invalid(f"graphs within graphs, more than {MAX_DEPTH} deep")
        if len(graph.input) != len(arguments):
            raise ShapeError(f"a graph of {len(graph.input)} inputs gets {len(arguments)}")
        for port, value in zip(graph.input, arguments, strict=True):
            scope.define(port.name, value)
        place = replace(self.place, scope=scope)
        wanted = [port.name for port in graph.output]
        self.importer.graph(graph, place, wanted)
        return _available([scope.get(name, graph.name) for name in wanted])

    def attempt(self, graph: GraphProto, arguments: Sequence[Value], like: Block) -> list[Value] | None:
        refusals = self.importer.refusals
        before = {key: list(nodes) for key, nodes in refusals.found.items()}
        by_values = refusals.by_values
        try:
            return self.block(graph, arguments, like)
        except Unavailable:
            refusals.found, refusals.by_values = before, by_values
            discard(like)
            return None

    def block(self, graph: GraphProto, arguments: Sequence[Value], like: Block) -> list[Value]:
        with self.importer.builder.inside(like):
            return self.inline(graph, arguments)
