"""Walks an expression and writes its ops; whatever does not fit is told at the part that it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from xdsl.ir import SSAValue

from neuralc.dialects.types import ShapeError, element_type_of, numpy_dtype
from neuralc.frontends.nr.expressions.builder import Builder
from neuralc.frontends.nr.expressions.functions import ATTRIBUTES, FUNCTIONS, METHODS, call, method
from neuralc.frontends.nr.expressions.indexing import Index, Range, Rest, subscript
from neuralc.frontends.nr.expressions.operators import comparison, operation
from neuralc.frontends.nr.expressions.promotion import dtype_of
from neuralc.frontends.nr.expressions.values import Element, Value, described, tensor_of
from neuralc.frontends.nr.site import Site, Values
from neuralc.grammar import expression as e
from neuralc.grammar.diagnostics import NeuralcError, error, suggest

CONSTANTS: Mapping[str, Value] = {
    "True": True, "False": False, "None": None, "true": True, "false": False, "newaxis": None, "pi": math.pi,
    "e": math.e, "inf": math.inf,
    "nan": math.nan,
}  # fmt: skip
TYPES: Mapping[str, Element] = {
    name: Element(numpy_dtype(element_type_of(name)))
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16",
        "float32", "float64",
    )
}  # fmt: skip
MODULES = ("np", "numpy")


def evaluate_expression(site: Site, function: e.Function, values: Values) -> Values:
    """The results of a function of values. Raises NeuralcError with the place of what does not fit."""
    if len(function.parameters) != len(values):
        takes, come = (f"{count} value{'' if count == 1 else 's'}" for count in (len(function.parameters), len(values)))
        raise error("E0412", f"this expression is of {takes}, and {come} come here", function.span)
    scope = {name.value: value for name, value in zip(function.parameters, values, strict=True)}
    usual = site.float_of(values[0])
    walk = _Walk(Builder(site, usual), scope)
    found = walk.value(function.body)
    results = found if isinstance(found, tuple) and found else (found,)
    tensors = [result for result in results if isinstance(result, SSAValue)]
    if len(tensors) != len(results):
        raise error("E0412", f"{described(found)} is no value of the model", function.body.span)
    return tuple(tensors)


class _Walk:
    """One evaluation; `scope` are the values by their names."""

    def __init__(self, builder: Builder, scope: Mapping[str, Value]) -> None:
        self.builder = builder
        self.scope = scope

    def value(self, node: e.Expression) -> Value:
        try:
            return self._value(node)
        except NeuralcError:
            raise
        except ShapeError as problem:
            raise error("E0412", str(problem), node.span, note=self._notes()) from None

    def _notes(self) -> Sequence[str]:
        return [f"`{name}` is {described(value)}" for name, value in self.scope.items()]

    def _value(self, node: e.Expression) -> Value:
        b = self.builder
        match node:
            case e.Literal():
                return node.value
            case e.Name():
                return self._name(node)
            case e.Tuple():
                return tuple(self.value(item) for item in node.items)
            case e.Operation():
                return operation(b, node.operator, [self.value(operand) for operand in node.operands])
            case e.Comparison():
                return comparison(b, [self.value(operand) for operand in node.operands], node.operators)
            case e.Conditional():
                return self._conditional(node)
            case e.Attribute():
                return self._attribute(node)
            case e.Call():
                return self._call(node)
            case e.Subscript():
                return subscript(b, self.value(node.value), [self._index(item) for item in node.items])

    def _conditional(self, node: e.Conditional) -> Value:
        condition = self.value(node.condition)
        if isinstance(condition, SSAValue):
            raise ShapeError("`if` decides when the model is compiled; write `where(condition, on, off)`")
        return self.value(node.on if condition else node.off)

    def _index(self, item: e.Expression | e.Slice | e.Ellipsis) -> Index:
        if isinstance(item, e.Ellipsis):
            return Rest()
        if not isinstance(item, e.Slice):
            return self.value(item)
        start, stop, step = (None if part is None else self.value(part) for part in (item.start, item.stop, item.step))
        return Range(start, stop, step)

    # --- names -------------------------------------------------------------------------------------------------------
    def _name(self, node: e.Name) -> Value:
        name = node.value
        for table in (self.scope, CONSTANTS, TYPES):
            if name in table:
                return table[name]
        if name in FUNCTIONS:
            raise error("E0411", f"`{name}` is a function", node.span, help=f"call it: `{name}(...)`")
        known = [*self.scope, *FUNCTIONS, *CONSTANTS, *TYPES]
        values = ", ".join(f"`{each}`" for each in self.scope)
        raise error(
            "E0411", f"`{name}` is not known", node.span, note=f"the values are {values}", help=suggest(name, known)
        )

    def _attribute(self, node: e.Attribute) -> Value:
        path = _path(node)
        if path is not None and path.partition(".")[0] in MODULES and path.partition(".")[0] not in self.scope:
            return self._name(e.Name(path.partition(".")[2], node.span))
        value = self.value(node.value)
        if node.name == "dtype":
            return Element(dtype_of(tensor_of(value, "a type")))
        found = ATTRIBUTES.get(node.name)
        if found is None:
            known = [*ATTRIBUTES, "dtype", *METHODS]
            help = f"call it: `.{node.name}(...)`" if node.name in METHODS else suggest(node.name, known)
            raise error("E0411", f"a value has no `{node.name}`", node.span, help=help)
        return found(self.builder, value)

    # --- calls -------------------------------------------------------------------------------------------------------
    def _call(self, node: e.Call) -> Value:
        path = _path(node.function)
        if path is not None:
            head, _, rest = path.partition(".")
            if not rest and head not in self.scope:
                return self._function(node, head)
            if head not in self.scope and (head in MODULES or path in FUNCTIONS):
                return self._function(node, rest if head in MODULES else path)
            if head not in self.scope:
                raise self._unknown(node, path)
        if isinstance(node.function, e.Attribute):
            return self._method(node, node.function)
        raise error("E0411", "this is no function", node.function.span)

    def _function(self, node: e.Call, name: str) -> Value:
        positional = tuple(self.value(argument) for argument in node.positional)
        named = {key: self.value(argument) for key, argument in node.named.items()}
        if name in TYPES:
            return call(self.builder, "astype", (*positional, TYPES[name]), named)
        if name == "len" and len(positional) == 1 and not named:
            return _length(self.builder, positional[0])
        if name not in FUNCTIONS:
            raise self._unknown(node, name)
        return call(self.builder, name, positional, named)

    def _unknown(self, node: e.Call, name: str) -> NeuralcError:
        short = name.rpartition(".")[2].removeprefix("reduce_")
        help = suggest(short, FUNCTIONS) if short not in FUNCTIONS else f"write `{short}(...)`"
        note = "functions are called by the names that numpy has for them"
        return error("E0411", f"there is no function `{name}`", node.function.span, note=note, help=help)

    def _method(self, node: e.Call, function: e.Attribute) -> Value:
        value = self.value(function.value)
        if function.name not in METHODS and function.name != "flatten":
            raise error(
                "E0411",
                f"a value has no method `{function.name}`",
                node.function.span,
                help=suggest(function.name, METHODS),
            )
        positional = tuple(self.value(argument) for argument in node.positional)
        named = {key: self.value(argument) for key, argument in node.named.items()}
        return method(self.builder, function.name, value, positional, named)


def _length(b: Builder, value: Value) -> Value:
    """`len(x)`: the size of the first axis."""
    sizes = value if isinstance(value, tuple) else ATTRIBUTES["shape"](b, value)
    if not isinstance(sizes, tuple) or (not sizes and sizes is not value):
        raise ShapeError(f"{described(value)} has no length")
    return len(sizes) if sizes is value else sizes[0]


def _path(node: e.Expression) -> str | None:
    """`np.linalg.norm` as one name."""
    match node:
        case e.Name():
            return node.value
        case e.Attribute():
            inner = _path(node.value)
            return None if inner is None else f"{inner}.{node.name}"
        case _:
            return None
