"""Which layers that walk along steps the ops of a body may be: both ways, with states that are kept, over images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xdsl.ir import Block, Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.types import shape_of
from neuralc.emit.nr.raised.family import Family, typed, users_of
from neuralc.emit.nr.raised.template import Wanted
from neuralc.emit.nr.recurrent import FUNCTIONS, LAYERS
from neuralc.emit.nr.text import Word, written
from neuralc.grammar.signatures import find
from neuralc.passes.graph.canonicalize_views import number_of


def both_ways(block: Block) -> Iterator[Wanted]:
    """Two recurrent ops over the same sequence, one of which walks from its end."""
    ops = [op for op in block.ops if isinstance(op, RecurrentOp)]
    for forward in ops:
        for backward in ops:
            ways = forward.literal("reverse"), backward.literal("reverse")
            alike = type(forward) is type(backward) and forward.units == backward.units
            if alike and forward.operands[0] is backward.operands[0] and ways == (False, True):
                yield from _both_ways(forward)


def _both_ways(op: RecurrentOp) -> Iterator[Wanted]:
    inner = recurrent_layer(op)
    steps = op.operands[0].owner
    if inner is None or not isinstance(steps, graph.TransposeOp) or tuple(steps.literal("perm")) != (1, 0, 2):
        return
    x = typed(steps.x)
    joins = {type(user) for value in op.results for user in users_of(value)}
    for mode in [each for each, join in MERGES.items() if join in joins or op.mask_values is not None]:
        for sequences in (True, False):
            name, arguments = inner
            given = [str(arguments.pop("units", op.units)), *(f"{key}={written(v)}" for key, v in arguments.items())]
            given += ["return_sequences=true"] if sequences else []
            layer: dict[str, Any] = {"layer": Word(f"{name}({', '.join(given)})")}
            layer |= {} if mode == "concat" else {"merge_mode": mode}
            yield Wanted("Bidirectional", layer, {"x": x}, is_masked=op.mask_values is not None)


def kept_walks(block: Block) -> Iterator[Wanted]:
    """A recurrent op that goes on from what the run before kept."""
    for op in block.ops:
        if not isinstance(op, RecurrentOp) or not all(isinstance(each.owner, graph.GetStateOp) for each in op.states):
            continue
        layer, steps = recurrent_layer(op), op.operands[0].owner
        if layer is None or not isinstance(steps, graph.TransposeOp):
            continue
        name, given = layer
        given |= {"stateful": True} | ({"go_backwards": True} if op.literal("reverse") else {})
        for sequences in ({"return_sequences": True}, {}):
            yield Wanted(name, given | sequences, {"x": typed(steps.x)}, is_masked=op.mask_values is not None)


def image_walks(block: Block) -> Iterator[Wanted]:
    """A scan with convolutions in it, over what another one makes of all steps at once."""
    for op in block.ops:
        inner = [each for each in op.walk() if isinstance(each, graph.ConvOp)] if isinstance(op, graph.ScanOp) else []
        if not isinstance(op, graph.ScanOp) or not inner or not op.scanned:
            continue
        view = op.scanned[0].owner
        outer = view.x.owner if isinstance(view, graph.ReshapeOp) else None
        folded = outer.x.owner if isinstance(outer, graph.ConvOp) else None
        steps = folded.x.owner if isinstance(folded, graph.ReshapeOp) else None
        if not isinstance(outer, graph.ConvOp) or not isinstance(steps, graph.TransposeOp):
            continue
        *window, _, _ = shape_of(outer.kernel.type)
        name = f"Conv{'LSTM' if len(op.carried) == 2 else 'GRU'}{len(window)}D"
        given: dict[str, Any] = {"filters": shape_of(op.carried[0].type)[-1], "kernel_size": tuple(window)}
        given |= {"padding": "same"} if any(outer.literal("pads")) else {}
        for each in ("strides", "dilations"):
            if set(outer.literal(each)) != {1}:
                given[{"dilations": "dilation_rate"}.get(each, each)] = tuple(outer.literal(each))
        given |= {} if outer.bias is not None else {"use_bias": False}
        kept = all(isinstance(each.owner, graph.GetStateOp) for each in op.carried)
        given |= ({"stateful": True} if kept else {}) | ({"go_backwards": True} if set(op.flags) == {1} else {})
        for sequences in ({"return_sequences": True}, {}):
            yield Wanted(name, given | sequences, {"x": typed(steps.x)}, is_masked=len(op.scanned) > 1)


MERGES: Mapping[str, type[Operation]] = {
    "concat": graph.ConcatOp, "sum": graph.AddOp, "ave": graph.AddOp, "mul": graph.MulOp,
}  # fmt: skip
"""What joins the results of both ways."""


def recurrent_layer(op: RecurrentOp) -> tuple[str, dict[str, Any]] | None:
    """The layer of an op, and those of its arguments that are not as usual."""
    name, parameters = LAYERS[type(op)]
    signature, functions = find(name), [FUNCTIONS.get(each) for each in op.functions]
    if signature is None or None in functions or len(set(functions[1:])) > 1:
        return None
    given = {"units": op.units, **dict(zip(parameters, functions, strict=True))}
    if isinstance(op, graph.GruOp):
        given["reset_after"] = bool(op.literal("reset_after"))
    for each in ("dropout", "recurrent_dropout"):
        given[each] = op.literal(each)
    given["use_bias"] = number_of(op.operands[3]) is None
    if isinstance(op.operands[3].owner, graph.AddOp):
        given["recurrent_bias"] = True
    parameter = {each.name: each.default for each in signature.all_parameters}
    return name, {key: value for key, value in given.items() if parameter.get(key) != value}


WALKS: Sequence[Family] = (both_ways, kept_walks, image_walks)
