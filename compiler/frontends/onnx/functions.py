"""Operators that are defined by a graph of others: functions of the model itself, and those of the ONNX standard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import ShapeError
from neuralc.frontends.onnx.element_types import NUMBERS
from neuralc.frontends.onnx.scope import Scope, invalid
from neuralc.frontends.refusals import Refused, shown
from neuralc.frontends.values import Value

if TYPE_CHECKING:
    from onnx import AttributeProto, FunctionProto, ModelProto, NodeProto, TypeProto

Key: TypeAlias = tuple[str, str, str]
"""Domain, name, overload."""

FIRST = 7
"""The version of the operator set from which on every operator is read."""

OPERATORS = ("pkg.onnxscript", "ai.onnx")
"""How the domains of functions begin that are operators."""

MAX_NODES = 1 << 18
"""Nodes of a model whose functions are all expanded."""


def of_model(model: ModelProto) -> dict[Key, FunctionProto]:
    """The functions that a model brings along. Raises NeuralcError E0612 where they expand without end."""
    found = {(function.domain, function.name, function.overload): function for function in model.functions}
    _Sizes(found).nodes(model.graph.node, ())
    return found


class _Sizes:
    """How many nodes functions expand to, each counted once."""

    def __init__(self, functions: Mapping[Key, FunctionProto]) -> None:
        self._functions = functions
        self._done: dict[Key, int] = {}

    def nodes(self, nodes: Iterable[NodeProto], inside: tuple[Key, ...]) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type, node.overload)
            total += self._function(key, inside) if key in self._functions else 1
            for attribute in node.attribute:
                if attribute.type == 5:
                    total += self.nodes(attribute.g.node, inside)
            if total > MAX_NODES:
                raise invalid(f"the functions of the model expand to more than {MAX_NODES} nodes")
        return total

    def _function(self, key: Key, inside: tuple[Key, ...]) -> int:
        if key in inside:
            raise invalid(f"function `{shown(key[1])}` uses itself")
        if key not in self._done:
            self._done[key] = self.nodes(self._functions[key].node, (*inside, key))
        return self._done[key]


def is_operator(function: FunctionProto) -> bool:
    """Whether a function of a model is no block of it, but what an exporter has for an operator of its framework."""
    from onnx.defs import has

    return function.domain.startswith(OPERATORS) or has(function.name) or function.name.startswith("aten")


def bound(node: NodeProto, parameters: Mapping[str, AttributeProto]) -> dict[str, AttributeProto]:
    """The attributes of a node; in a function, those that name one of the function's have its value, or none."""
    found: dict[str, AttributeProto] = {}
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            found[attribute.name] = attribute
        elif attribute.ref_attr_name in parameters:
            value = type(attribute)()
            value.CopyFrom(parameters[attribute.ref_attr_name])
            value.name = attribute.name
            found[attribute.name] = value
    return found


def check(
    node: NodeProto, domain: str, version: int, attributes: Mapping[str, AttributeProto], since: int = FIRST
) -> None:
    """What the standard says of an operator's inputs, outputs and attributes. Raises Refused and ShapeError.

    Versions before 7 are those of long ago: of them are read the operators that 7 did not change, and those whose
    handler knows the form they had `since` then.
    """
    from onnx.defs import SchemaError, get_schema, has

    if not has(node.op_type, domain):
        raise Refused("no such operator" if domain == "" else f"nothing is known about domain `{shown(domain)}`")
    try:
        schema: Any = get_schema(node.op_type, version, domain)
    except SchemaError:
        raise Refused(f"version {version} of the operator set has no such operator") from None
    if domain == "" and version < since and get_schema(node.op_type, FIRST, domain).since_version > version:
        raise Refused(f"of version {schema.since_version}, from before version {FIRST}")
    if not schema.min_input <= len(node.input) <= schema.max_input:
        raise ShapeError(f"{node.op_type} has {len(node.input)} inputs")
    if len(node.output) > schema.max_output:
        raise ShapeError(f"{node.op_type} has {len(node.output)} outputs")
    for name, attribute in attributes.items():
        if name not in schema.attributes:
            raise Refused(f"with the attribute `{shown(name)}`, which it does not have in version {version}")
        if attribute.type not in (0, int(schema.attributes[name].type.value)):
            raise ShapeError(f"the attribute `{shown(name)}` of {node.op_type} is of another kind")
    for name, declared in schema.attributes.items():
        if declared.required and name not in attributes:
            raise ShapeError(f"{node.op_type} needs the attribute `{name}`")


def with_defaults(
    node: NodeProto, domain: str, version: int, attributes: Mapping[str, AttributeProto]
) -> dict[str, AttributeProto]:
    """The attributes of a node, and the standard's own values of those it leaves out: its function refers to them."""
    from onnx.defs import get_schema

    found = dict(attributes)
    for name, declared in get_schema(node.op_type, version, domain).attributes.items():
        if name not in found and declared.default_value.type:
            found[name] = declared.default_value
    return found


def has_body(op: str, domain: str, version: int | None) -> bool:
    """True where the standard defines an operator by a function of others."""
    from onnx.defs import get_schema, has

    if version is None or not has(op, max_inclusive_version=version, domain=domain):
        return False
    schema: Any = get_schema(op, version, domain)
    return bool(schema.has_function or schema.has_context_dependent_function)


def standard_body(
    node: NodeProto,
    domain: str,
    version: int,
    inputs: Sequence[Value | None],
    attributes: Mapping[str, AttributeProto],
) -> FunctionProto:
    """The function by which the standard defines an operator. Raises Refused where it has none."""
    from onnx import FunctionProto
    from onnx.defs import get_schema

    schema: Any = get_schema(node.op_type, version, domain)
    text = b""
    if schema.has_context_dependent_function:
        plain = type(node)()
        plain.CopyFrom(node)
        del plain.attribute[:]
        plain.attribute.extend(attributes.values())
        types = [_type(value).SerializeToString() for value in inputs]
        newest = max((v for v in schema.context_dependent_function_opset_versions if v <= version), default=version)
        text = schema.get_context_dependent_function_with_opset_version(newest, plain.SerializeToString(), types)
    if not text and schema.has_function:
        newest = max((v for v in schema.function_opset_versions if v <= version), default=version)
        text = schema.get_function_with_opset_version(newest)
    if not text:
        raise Refused("not compiled yet")
    found: FunctionProto = FunctionProto.FromString(text)
    return found


def _type(value: Value | None) -> TypeProto:
    from onnx import TypeProto

    out = TypeProto()
    if value is not None:
        out.tensor_type.elem_type = NUMBERS[value.element]
        out.tensor_type.shape.SetInParent()
        for size in value.shape:
            dim = out.tensor_type.shape.dim.add()
            if isinstance(size, Dim):
                dim.dim_param = str(size)
            else:
                dim.dim_value = size
    return out


def without_absent(function: FunctionProto, scope: Scope) -> list[NodeProto]:
    """The nodes of a function, without the inputs that its user left out."""
    absent = {name for name in function.input if name not in scope.values}
    out: list[NodeProto] = []
    for node in function.node:
        if absent.intersection(node.input):
            left = type(node)()
            left.CopyFrom(node)
            del left.input[:]
            left.input.extend("" if name in absent else name for name in node.input)
            out.append(left)
        else:
            out.append(node)
    return out
