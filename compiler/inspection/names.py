"""Names of layers by parts: the blocks that a layer is in, then its own name.

A layer of a `.nr` program is in the calls of graph.func that led to it; a node of an ONNX model has a name with
slashes, or a scope that the exporter wrote; weights have the name of their layer before their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import ArrayAttr, CallSiteLoc, FusedLoc, LocationAttr, ModuleOp, NameLoc
from xdsl.ir import Attribute, Operation

from neuralc.dialects.graph import CallOp, GetWeightOp
from neuralc.passes.scopes import scopes_of

Parts: TypeAlias = tuple[str, ...]


def keep_paths(module: ModuleOp) -> None:
    """Before calls are inlined: their locations get their paths, which then lead to the ops that they called."""
    for op in module.walk():
        if isinstance(op, CallOp) and op.path is not None:
            op.location = NameLoc(op.path, op.location)


def names_of(ops: Sequence[Operation]) -> list[tuple[str, Parts]]:
    """The name of each op, as the model has it and in parts. No two have the same parts."""
    numbered = {(op.location, _plain(parts)): parts for op in ops if (parts := _of_weights(op)) is not None}
    names = [_name(op, numbered) for op in ops]
    counts = Counter((parts, op.location) for op, (_, parts) in zip(ops, names, strict=True))
    taken: Counter[Parts] = Counter()
    found = []
    for op, (text, parts) in zip(ops, names, strict=True):
        if counts[parts, op.location] > 1:  # a layer or a node that became several ops is a block of them
            parts = (*parts, _short(op))
        parts = _unique(parts, taken)
        found.append((text or ".".join(parts), parts))
    return found


def split(name: str) -> Parts:
    """`encoder.3.attention` and `/encoder/3/attention` by parts: encoder.3, attention. A number counts its block."""
    separator = "/" if "/" in name else "."
    parts: list[str] = []
    for part in filter(None, name.split(separator)):
        if part.isdigit() and parts:
            parts[-1] = f"{parts[-1]}.{part}"
        else:
            parts.append(part)
    return tuple(parts) or (name,)


def _name(op: Operation, numbered: Mapping[tuple[LocationAttr, Parts], Parts]) -> tuple[str, Parts]:
    """The name that an op has itself, or the empty string, and its parts.

    xDSL cuts the number off a value's name; the weights of the layer, which stands at the same place, still have it.
    """
    scope = _scope(op)
    own = _own(op)
    if own:
        return own, scope
    hint = op.results[0].name_hint if op.results else None
    parts = split(hint or _short(op))
    if parts[: len(scope)] != scope or len(parts) == len(scope):  # values that were inlined have their path already
        parts = (*scope, *parts)
    return "", numbered.get((op.location, parts), parts)


def _scope(op: Operation) -> Parts:
    return tuple(part for name in _names(op.location) for part in split(name))


def _names(location: Attribute) -> Iterator[str]:
    """All names in a location, those of callers first."""
    match location:
        case CallSiteLoc():
            yield from _names(location.caller)
            yield from _names(location.callee)
        case NameLoc(location=NameLoc()):
            yield scopes_of(location)[-1].path
            yield location.desc.data
        case NameLoc():
            yield from _names(location.location)
            yield location.desc.data
        case FusedLoc(locations=ArrayAttr() as parts) if parts.data:
            yield from _names(parts.data[0])
        case _:
            return


def _own(op: Operation) -> str:
    """The name of the op itself, as nodes of ONNX have one; those of calls are others'."""
    location: Attribute = op.location
    while isinstance(location, CallSiteLoc):
        location = location.callee
    return location.desc.data if isinstance(location, NameLoc) else ""


def _of_weights(op: Operation) -> Parts | None:
    """`dense_1` of `dense_1.kernel` and `dense_1.bias`."""
    scope = _scope(op)
    makers = [operand.owner for operand in op.operands]
    owners = {each.weight_name.rpartition(".")[0] for each in makers if isinstance(each, GetWeightOp)}
    if len(owners) != 1:
        return None
    parts = split(owners.pop())
    return parts if parts[0] and parts[: len(scope)] == scope and len(parts) > len(scope) else None


def _plain(parts: Parts) -> Parts:
    """Without the number that tells layers apart."""
    return (*parts[:-1], re.sub(r"_[0-9]+$", "", parts[-1]))


def _short(op: Operation) -> str:
    return op.name.partition(".")[2]


def _unique(parts: Parts, taken: Counter[Parts]) -> Parts:
    """As the language names layers: `dense`, `dense_1`."""
    found = parts
    while found in taken:
        found = (*parts[:-1], f"{parts[-1]}_{taken[parts]}")
        taken[parts] += 1
    taken[found] += 1
    return found
