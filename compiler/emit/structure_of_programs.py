"""The structure that framework code of a program is written from: a layer that is several ops is a block of its own.

A program has functions for its macros, networks and repeated blocks. A layer such as TransformerEncoder is a list of
ops in the place where it stands, whose names begin with its path: `transformer_encoder.0.attention.query`. On a copy
these paths become scopes (passes/scopes.py), which graph-outline-blocks makes functions of; products with weights
become dense layers first, zeros around an image the padding of its convolution.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from xdsl.dialects.builtin import CallSiteLoc, ModuleOp
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue

from neuralc.dialects.graph import (
    CallOp,
    DropoutOp,
    FunctionLike,
    GetWeightOp,
    GruOp,
    LstmOp,
    ReshapeOp,
    RnnOp,
    TransposeOp,
)
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.emit.python.names import class_name
from neuralc.passes.base import PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite
from neuralc.passes.graph.canonicalize_views import PadIntoConv
from neuralc.passes.graph.outline_blocks import OutlineBlocksPass
from neuralc.passes.graph.raise_layers import linear
from neuralc.passes.graph.weight_values import is_known, weight_arguments
from neuralc.passes.scopes import Scope, located
from neuralc.passes.verifier import verify_module

LEAST = 4
"""Ops of a layer from which it is a block: what is smaller is as short where it stands."""


LEVEL = re.compile(r"\.l\d+(\.forward|\.backward)?$")
"""What stands behind the path of a recurrent layer that is one of several, one above the other: `rnn.l1.forward`."""


class BetweenLevels(RewritePattern[TransposeOp]):
    """The time stays in front between levels of one recurrent layer, with a dropout or without."""

    op_types = (TransposeOp,)

    def rewrite(self, op: TransposeOp, rewriter: Rewriter) -> None:
        dropout = op.x.owner if isinstance(op.x.owner, DropoutOp) and not op.x.owner.literal("shared") else None
        source = (dropout.x if dropout is not None else op.x).owner
        if not isinstance(source, TransposeOp) or not (_turns(op) and _turns(source)):
            return
        if not all(isinstance(use.operation, RecurrentOp) and _has_level(use.operation) for use in op.result.uses):
            return
        if dropout is None:
            rewriter.replace(op, [], results=[source.x])
            return
        properties: dict[str, Any] = dict(dropout.properties)
        inner = DropoutOp.create(operands=[source.x], result_types=[source.x.type], properties=properties)
        inner.results[0].name_hint = dropout.result.name_hint
        rewriter.replace(op, inner, fused=[dropout])


def _turns(op: TransposeOp) -> bool:
    return tuple(op.literal("perm")) == (1, 0, 2)


def _has_level(op: RecurrentOp) -> bool:
    return LEVEL.search((op.operands[1].name_hint or "").rpartition(".")[0]) is not None


def with_layers(module: ModuleOp) -> ModuleOp:
    """A module that says the same with functions for its layers of several ops. Weights keep their names."""
    copy = module.clone()
    for function in [op for op in copy.body.block.ops if isinstance(op, FunctionLike)]:
        _place(function)
    context = PassContext()
    weights = weight_arguments(copy)
    layers = linear.patterns(lambda value: is_known(value, weights))
    rewrite(copy, (PadIntoConv(), *layers, BetweenLevels()), context)
    OutlineBlocksPass(max_ops=0).run_in(copy, context)  # what a person repeated is a function already
    verify_module(copy)
    return copy


def _place(function: FunctionLike) -> None:
    """Put every op of a body into the layers that its name says."""
    named = [(op, _parts(hint)) for op in _computing(function) if (hint := op.results[0].name_hint)]
    # A recurrent layer is a layer in every framework, and a pair of them one that reads both ways.
    whole = {parts[0] for op, parts in named if isinstance(op, LstmOp | GruOp | RnnOp)}
    named = [(op, parts) for op, parts in named if parts[0] not in whole]
    # The last op of a layer has the name of the layer itself.
    inner = {tuple(parts[:length]) for _, parts in named for length in range(1, len(parts))}
    paths = {op: parts if tuple(parts) in inner else parts[:-1] for op, parts in named}
    counts = Counter(
        tuple(parts[: depth + 1])
        for op, parts in paths.items()
        for depth in range(len(parts))
        if not _is_of_weights(op)
    )
    # xDSL cuts the number off the end of a name: two layers may have one, and then it is no name of a block.
    places: dict[tuple[str, ...], set[Attribute]] = defaultdict(set)
    for op, parts in paths.items():
        for depth in range(len(parts)):
            places[tuple(parts[: depth + 1])].add(op.location)
    for op, parts in paths.items():
        depths = [
            depth
            for depth in range(len(parts))
            if counts[path := tuple(parts[: depth + 1])] >= LEAST and len(places[path]) == 1
        ]
        scopes = [Scope(".".join(parts[: depth + 1]), _kind(parts[depth])) for depth in depths]
        if scopes:
            op.location = CallSiteLoc(located(op.name, scopes), op.location)


def _is_of_weights(op: Operation) -> bool:
    """True for a view of a weight: a layer holds it."""
    return isinstance(op, ReshapeOp | TransposeOp) and _is_weight(op.operands[0])


def _is_weight(value: SSAValue) -> bool:
    return isinstance(value.owner, GetWeightOp) or isinstance(value, BlockArgument)


def _computing(function: FunctionLike) -> Iterator[Operation]:
    return (op for op in function.block.ops if op.results and not isinstance(op, CallOp | GetWeightOp))


def _parts(hint: str) -> Sequence[str]:
    """`encoder.0.attention` is encoder.0, attention."""
    parts: list[str] = []
    for part in hint.split("."):
        if part.isdigit() and parts:
            parts[-1] += f".{part}"
        else:
            parts.append(part)
    return parts


def _kind(part: str) -> str:
    """The class of a layer by its name: `TransformerEncoder` of `transformer_encoder_1.0`."""
    return class_name(part.partition(".")[0].rstrip("0123456789").rstrip("_"))
