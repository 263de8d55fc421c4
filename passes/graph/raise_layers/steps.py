"""The steps of an LSTM or of a simple RNN, which ONNX has to write as a Scan where sequences are masked.

%p = graph.dense %x, %kernel, %bias
%h, %c, %y = graph.scan carried(%a = %h0, %b = %c0) scanned(%q = %p, %m = %mask) captured(%r = %recurrent) {
  %total = graph.add %q, (graph.dense %a, %r)
  ..                                                       ->    %y, %h, %c = graph.lstm %x, %kernel, %recurrent, ..
  %next = graph.where %m, (o * tanh c), %a
}

Both ways are the same sums and products, so they give the same values at all numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import simplest
from neuralc.dialects.types import element_of, shape_of, tensor_type
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.raise_layers.matching import either_way

FUNCTIONS: Mapping[type[Operation], str] = {
    graph.SigmoidOp: "sigmoid",
    graph.TanhOp: "tanh",
    graph.ReluOp: "relu",
    graph.SoftsignOp: "softsign",
    graph.SoftplusOp: "softplus",
}
"""Activations without numbers, as recurrent ops name them."""


@dataclass(frozen=True)
class _Steps:
    """A scan that may be a recurrent layer: what it walks over, and the states before and behind a step."""

    scan: graph.ScanOp
    before: Sequence[SSAValue]
    after: Sequence[SSAValue]
    """What a step gives where the mask lets it through."""
    entry: SSAValue
    x: SSAValue
    kernel: SSAValue
    bias: SSAValue | None
    mask: SSAValue | None
    reverse: bool

    @property
    def units(self) -> int | None:
        size = shape_of(self.before[0].type)[-1]
        return size if isinstance(size, int) else None


class RecurrentSteps(RewritePattern[graph.ScanOp]):
    """One product for all steps in front, and a step in the scan."""

    op_types = (graph.ScanOp,)

    def rewrite(self, op: graph.ScanOp, rewriter: Rewriter) -> None:
        steps = _steps(op)
        if steps is None or steps.units is None:
            return
        found = _lstm(steps, steps.units) if len(steps.before) == 2 else _rnn(steps)
        if found is None:
            return
        kind, recurrent, activations = found
        made: list[Operation] = []
        bias = steps.bias
        if bias is None:
            width = shape_of(steps.kernel.type)[1:]
            none = graph.ConstantOp.of(result=tensor_type(width, element_of(steps.kernel.type)), value=0.0)
            made, bias = [none], none.result
        rest = [] if steps.mask is None else [steps.mask]
        operands = [steps.x, steps.kernel, recurrent, bias, *op.carried, *rest]
        layer = kind.of(*operands, reverse=steps.reverse, activations=activations)
        y, *states = layer.results
        rewriter.replace(op, [*made, layer], results=[*states, y])


def _steps(op: graph.ScanOp) -> _Steps | None:
    product = op.scanned[0].owner if op.scanned else None
    flags = set(op.flags)
    if not isinstance(product, graph.DenseOp) or len(flags) != 1 or op.stacked_count != 1:
        return None
    if len(op.scanned) > 2 or len(op.carried) not in (1, 2) or len(shape_of(product.result.type)) != 3:
        return None
    count = len(op.carried)
    before, entry = op.block.args[:count], op.block.args[count]
    ends = op.yielded
    if ends[count] is not ends[0]:
        return None
    after: Sequence[SSAValue] | None = ends[:count]
    mask = op.scanned[1] if len(op.scanned) == 2 else None
    if mask is not None:
        after = _let_through(ends[:count], before, op.block.args[count + 1])
    if after is None:
        return None
    x, kernel, *bias = product.operands
    return _Steps(op, before, after, entry, x, kernel, bias[0] if bias else None, mask, flags == {1})


def _let_through(ends: Sequence[SSAValue], before: Sequence[SSAValue], mask: SSAValue) -> list[SSAValue] | None:
    """What stands in front of `where(mask, new, old)` for each state."""
    found = []
    for end, old in zip(ends, before, strict=True):
        choice = end.owner
        if not isinstance(choice, graph.WhereOp) or choice.operands[2] is not old:
            return None
        column = choice.operands[0]
        wanted = (*shape_of(mask.type), 1)
        if not isinstance(column.owner, graph.ReshapeOp) or column.owner.x is not mask:
            return None
        if shape_of(column.type) != wanted:
            return None
        found.append(choice.operands[1])
    return found


_Found = tuple[type[graph.LstmOp] | type[graph.RnnOp], SSAValue, str]
"""The op, its recurrent kernel outside of the scan, and its activations."""


def _lstm(steps: _Steps, units: int) -> _Found | None:
    """o * h(c'), c' = f * c + i * g(..), the gates in Keras's order."""
    h, c = steps.after
    total: SSAValue | None = None
    names: dict[int, str] = {}

    def gate(value: SSAValue) -> int | None:
        """The number of a gate, whose activation is kept."""
        nonlocal total
        function = _function(value)
        part = value.owner.operands[0].owner if function is not None and isinstance(value.owner, Operation) else None
        if function is None or not isinstance(part, graph.SliceOp) or (total is not None and part.x is not total):
            return None
        start = simplest(part.literal("starts").data[1])
        if set(part.literal("steps")) != {1} or not isinstance(start, int) or start % units:
            return None
        total, names[start // units] = part.x, function
        return start // units

    output = _factors(h, lambda o, last: gate(o) == 3 and _is_function_of(last, c))
    sums = list(either_way(c.owner)) if isinstance(c.owner, graph.AddOp) else []
    kept = any(
        _factors(first, lambda f, old: old is steps.before[1] and gate(f) == 1)
        and _factors(second, lambda i, g: gate(i) == 0 and gate(g) == 2)
        for first, second in sums
    )
    recurrent = _recurrent(total, steps) if output is not None and kept and total is not None else None
    if recurrent is None or output is None or len({names.get(n) for n in (0, 1, 3)}) != 1 or len(names) != 4:
        return None
    last = _function(output[1])
    return graph.LstmOp, recurrent, f"{names[0]} {names[2]} {last}"


def _rnn(steps: _Steps) -> _Found | None:
    (h,) = steps.after
    function = _function(h)
    if function is None or not isinstance(h.owner, Operation):
        return None
    recurrent = _recurrent(h.owner.operands[0], steps)
    return None if recurrent is None else (graph.RnnOp, recurrent, function)


def _function(value: SSAValue) -> str | None:
    """The activation that gives a value."""
    return FUNCTIONS.get(type(value.owner)) if isinstance(value.owner, Operation) else None


def _factors(value: SSAValue, fits: Any) -> tuple[SSAValue, SSAValue] | None:
    """The factors of a product, in the order in which they fit."""
    pairs = either_way(value.owner) if isinstance(value.owner, graph.MulOp) else ()
    return next((pair for pair in pairs if fits(*pair)), None)


def _is_function_of(value: SSAValue, x: SSAValue) -> bool:
    op = value.owner
    return isinstance(op, Operation) and type(op) in FUNCTIONS and op.operands[0] is x


def _recurrent(total: SSAValue, steps: _Steps) -> SSAValue | None:
    """The recurrent kernel, outside, of `entry + h . kernel`."""
    pairs = either_way(total.owner) if isinstance(total.owner, graph.AddOp) else ()
    for entry, product in pairs:
        op = product.owner
        if entry is not steps.entry or not isinstance(op, graph.DenseOp | graph.MatmulOp) or len(op.operands) != 2:
            continue
        x, kernel = op.operands
        captured: list[SSAValue] = list(steps.scan.block.args[len(steps.scan.carried) + len(steps.scan.scanned) :])
        if x is steps.before[0] and kernel in captured:
            return steps.scan.captured[captured.index(kernel)]
    return None


PATTERNS: Sequence[RewritePattern[Any]] = (RecurrentSteps(),)
