"""Ops that neither a layer nor a function of numpy says: functions of the graph level in a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.syntax import PlainOp, to_attribute
from neuralc.dialects.types import DimsAttr, element_of, numpy_dtype, shape_of
from neuralc.emit.nr.body import Body, Sized
from neuralc.emit.nr.expressions import function, listed, number
from neuralc.emit.nr.values import Formula, Value
from neuralc.emit.python.expressions import Expression
from neuralc.frontends.nr.expressions.graph_ops import OPS, RESULTS

NAMES: Mapping[type[Operation], str] = {op: name for name, op in OPS.items()}


def as_function(body: Body, op: PlainOp) -> Value | Sequence[Value]:
    """The function of an op, of its operands as they are."""
    inputs = [body.tensor(value) for value in body.operands(op)]
    results = [(shape_of(result.type), element_of(result.type)) for result in op.results]
    wanted = [size for shape, _ in results for size in shape] if RESULTS.get(type(op)) == "sizes" else []
    dims = [size for value in op.properties.values() if isinstance(value, DimsAttr) for size in value.data]
    sized = body.sized((*wanted, *dims), *inputs)

    def render(e: Sequence[Expression]) -> Expression:
        given = [*_result(op, e, sized), *_properties(op, e, sized)]
        return function(NAMES[type(op)], *e[: len(inputs)], *given)

    if len(results) == 1:
        return body.formula([*inputs, *sized.extra], render, *results[0])
    return body.several(Formula((*inputs, *sized.extra), render), results)


def _result(op: PlainOp, e: Sequence[Expression], sized: Sized) -> list[str]:
    match RESULTS.get(type(op)):
        case "sizes":
            say = sized.reader(e)
            return [f"sizes={listed([say(size) for size in shape_of(op.results[0].type)])}"]
        case "type":
            return [f"type={numpy_dtype(element_of(op.results[0].type)).name}"]
        case _:
            return []


def _properties(op: PlainOp, e: Sequence[Expression], sized: Sized) -> list[str]:
    found = []
    for name, attribute in op.properties.items():
        if name in op.DEFAULTS and attribute == to_attribute(op.DEFAULTS[name]):
            continue
        if isinstance(attribute, DimsAttr):
            say = sized.reader(e)
            found.append(f"{name}={listed([say(size) for size in attribute.data])}")
        else:
            found.append(f"{name}={_text(op.literal(name))}")
    return found


def _text(value: Any) -> str:
    match value:
        case str():
            return f"'{value}'"
        case bool():
            return str(value)
        case tuple() | list():
            return f"({', '.join(number(each).text for each in value)}{',' if len(value) == 1 else ''})"
        case _:
            return number(value).text


LOWERINGS: Mapping[type[Operation], Callable[..., Any]] = dict.fromkeys(
    (
        graph.ArgMaxPoolOp,
        graph.BitcastOp,
        graph.DeformConvOp,
        graph.DequantizeOp,
        graph.DetOp,
        graph.FoldOp,
        graph.GatherElementsOp,
        graph.GatherNdOp,
        graph.GridSampleOp,
        graph.LrnOp,
        graph.MaxRoiPoolOp,
        graph.QuantizeOp,
        graph.ReverseSequenceOp,
        graph.RoiAlignOp,
        graph.ScatterElementsOp,
        graph.ScatterNdOp,
        graph.TopKOp,
    ),
    as_function,
)
