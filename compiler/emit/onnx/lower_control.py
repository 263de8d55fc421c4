"""If, Loop and Scan, with graphs in them that read captured values by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx
from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.control import Control
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.onnx.subgraphs import graph as graph_of
from neuralc.emit.onnx.subgraphs import inside, own_result, port
from neuralc.emit.onnx.values import Values

Lower = Callable[[Values, Operation], None]


class ControlFlow:
    """The lowerings of ops with regions; `lower` is that of any op, and comes from where all of them are known."""

    def __init__(self, lower: Lower) -> None:
        self._lower = lower

    def choose(self, values: Values, op: graph.IfOp) -> None:
        branches: dict[str, onnx.GraphProto] = {}
        for name, (region, first, captured) in zip(("then_branch", "else_branch"), op.captures, strict=True):
            body = inside(values)
            self._bind(values, body, op, region.block.args[first:], captured)
            branches[name] = self._graph(body, op, region.block.ops, [], name)
        self._define(values, op, "If", [values.operand(op, 0)], branches)

    def loop(self, values: Values, op: graph.LoopOp) -> None:
        """Rounds up to the smaller of the limit and `trips`; without a condition the one of a round goes on."""
        body = inside(values)
        number, *arguments = op.block.args
        inputs = [self._argument(body, number, "round")]
        going = body.writer.claim("going")
        body.writer.scope.elements[going] = i1
        inputs.append(port(going, i1, ()))
        inputs += [self._argument(body, argument) for argument in arguments[: len(op.carried)]]
        self._bind(values, body, op, arguments[len(op.carried) :], op.captured)
        end_first = [] if op.condition is not None else [going]
        condition = values.names[op.condition] if op.condition is not None else ""
        before = (op.limit is not None) + (op.condition is not None)
        carried = [values.operand(op, before + index) for index in range(len(op.carried))]
        made = self._graph(body, op, op.block.ops, inputs, "body", end_first)
        self._define(values, op, "Loop", [self._rounds(values, op), condition, *carried], {"body": made})

    def _rounds(self, values: Values, op: graph.LoopOp) -> str:
        bounds = [] if op.limit is None else [values.names[op.limit]]
        if op.trips is not None:
            size = values.sizes.one(op.trips.data)
            bounds.append(values("Squeeze", size, values.integers([0])))
        return values("Min", *bounds) if len(bounds) > 1 else bounds[0] if bounds else ""

    def scan(self, values: Values, op: graph.ScanOp) -> None:
        if not op.scanned:
            self._scan_as_loop(values, op)
            return
        body = inside(values)
        count = len(op.carried) + len(op.scanned)
        inputs = [self._argument(body, argument) for argument in op.block.args[:count]]
        self._bind(values, body, op, op.block.args[count:], op.captured)
        made = self._graph(body, op, op.block.ops, inputs, "body")
        flags = op.flags
        directions: dict[str, Any] = {}
        if any(flags[: len(op.scanned)]):
            directions["scan_input_directions"] = list(flags[: len(op.scanned)])
        if any(flags[len(op.scanned) :]):
            directions["scan_output_directions"] = list(flags[len(op.scanned) :])
        operands = [values.operand(op, index) for index in range(count)]
        self._define(values, op, "Scan", operands, {"body": made}, num_scan_inputs=len(op.scanned), **directions)

    def _scan_as_loop(self, values: Values, op: graph.ScanOp) -> None:
        """A scan over nothing: ONNX wants something to walk along."""
        if any(op.flags):
            values.refuse(op, "a scan over nothing that stacks its results in reverse")
            return
        body = inside(values)
        number, going = body.writer.claim("round"), body.writer.claim("going")
        body.writer.scope.elements.update({number: i64, going: i1})
        count = len(op.carried)
        inputs = [port(number, i64, ()), port(going, i1, ())]
        inputs += [self._argument(body, argument) for argument in op.block.args[:count]]
        self._bind(values, body, op, op.block.args[count:], op.captured)
        made = self._graph(body, op, op.block.ops, inputs, "body", [going])
        rounds = values("Squeeze", values.sizes.one(op.trips.data), values.integers([0]))
        operands = [values.operand(op, index) for index in range(count)]
        self._define(values, op, "Loop", [rounds, "", *operands], {"body": made})

    # -- parts -------------------------------------------------------------------------------------------------------
    def _bind(
        self,
        values: Values,
        body: Values,
        op: Control,
        arguments: Sequence[SSAValue],
        captured: Sequence[SSAValue],
    ) -> None:
        """Arguments of a region that stand for values outside have their names."""
        for argument, value in zip(arguments, captured, strict=True):
            body.names[argument] = values.ordered(value, values.layouts.orders[argument])
            if value in values.uniform:
                body.uniform.add(argument)

    def _argument(self, body: Values, argument: SSAValue, name: str = "value") -> onnx.ValueInfoProto:
        claimed = body.names[argument] = body.writer.claim(argument.name_hint or name)
        body.writer.scope.elements[claimed] = element_of(argument.type)
        return port(claimed, element_of(argument.type), shape_of(argument.type))

    def _graph(
        self,
        body: Values,
        op: Control,
        ops: Any,
        inputs: Sequence[onnx.ValueInfoProto],
        name: str,
        first: Sequence[str] = (),
    ) -> onnx.GraphProto:
        outputs: list[onnx.ValueInfoProto] = []
        label = body.writer.label
        for inner in ops:
            if not isinstance(inner, graph.YieldOp):
                self._lower(body, inner)
                continue
            body.writer.label = label
            outputs += [port(own_result(body, given), i1, ()) for given in first]
            for index, value in enumerate(inner.operands):
                made = own_result(body, body.operand(inner, index))
                outputs.append(port(made, element_of(value.type), shape_of(value.type)))
        return graph_of(body, f"{label}/{name}", inputs, outputs)

    def _define(
        self,
        values: Values,
        op: Control,
        operator: str,
        inputs: Sequence[str],
        graphs: Mapping[str, onnx.GraphProto],
        **attributes: Any,
    ) -> None:
        names = [values.result_name(result) for result in op.results]
        elements = [element_of(result.type) for result in op.results]
        values.writer.node(operator, inputs, elements, names, **graphs, **attributes)
        values.names.update(zip(op.results, names, strict=True))


def lowerings(lower: Lower) -> Mapping[type[Operation], Callable[[Values, Any], None]]:
    """The lowerings of control flow, given that of all ops."""
    flow = ControlFlow(lower)
    return {graph.IfOp: flow.choose, graph.LoopOp: flow.loop, graph.ScanOp: flow.scan}
