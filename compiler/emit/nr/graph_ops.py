"""Ops that neither a layer nor a function of numpy says: functions of the graph level in a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Attribute, Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import CHANNELS_LAST
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
        return body.formula([*inputs, *sized.extra], render, *results[0], sized=sized)
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
    found, usual = [], _usual(op)
    for name, attribute in op.properties.items():
        if attribute == usual.get(name):
            continue
        if isinstance(attribute, DimsAttr):
            say = sized.reader(e)
            found.append(f"{name}={listed([say(size) for size in attribute.data])}")
        else:
            found.append(f"{name}={_text(op.literal(name))}")
    return found


def _usual(op: PlainOp) -> dict[str, Attribute]:
    """The properties of an op that are not said; of a window, those of its rank."""
    rank = max(len(shape_of(op.operands[0].type)) - 2, 1) if op.operands else 1
    plain: dict[str, Any] = {"strides": (1,) * rank, "dilations": (1,) * rank, "pads": (0,) * (2 * rank)}
    plain |= {"output_padding": (0,) * rank, "data_format": CHANNELS_LAST.get(rank, "NHWC")}
    of_rank = plain if issubclass(type(op), _WINDOWS) else {}
    return {name: to_attribute(of_rank.get(name, value)) for name, value in op.DEFAULTS.items()}


_WINDOWS = (graph.ConvOp, graph.ConvTransposeOp, graph.MaxPoolOp, graph.ArgMaxPoolOp, graph.AveragePoolOp)


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
