"""Groups by the modules of the source: the parts that a person wrote as classes of their own.

A module is a part of the one around it unless it says nothing about the structure:

* a container (Sequential, ModuleList, or what has only numbered modules in it): its members are parts;
* a wrapper, which has most of what is around it, once;
* a layer or two: fewer ops than `min_ops`, or recurrent ops in both directions or one above the other;
* a container of plain layers that is there once: a stem, a downsample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.passes.graph.outline_blocks.groups import CONTAINERS, Group, signature
from neuralc.passes.graph.outline_blocks.naming import numbered
from neuralc.passes.scopes import Scope, common, scopes_of

_PLACING = (
    graph.AddOp,
    graph.ConcatOp,
    graph.DropoutOp,
    graph.ExpandOp,
    graph.ReshapeOp,
    graph.SliceOp,
    graph.TransposeOp,
)
"""What stands around the recurrent ops of a layer: sums of biases, dropout between levels, views."""


@dataclass
class _Module:
    """A module of the source with the ops in it, and the modules directly below it."""

    scope: Scope
    ops: list[Operation] = field(default_factory=list)
    direct: int = 0
    """Ops in no module below."""
    parts: dict[str, _Module] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Part:
    """One use of a module that becomes a block, and whether only a repetition makes it one."""

    module: _Module
    weak: bool
    ops: Sequence[Operation]


def scoped_groups(ops: Sequence[Operation], held: Mapping[SSAValue, str], around: str, min_ops: int) -> list[Group]:
    """The parts of ops that are those of module `around`, or of the model; their paths begin below it."""
    root = _Module(Scope(around))
    for op, scopes in _scopes(ops).items():
        _put(op, [scope for scope in scopes if _is_below(scope.path, around)], root)
    parts = [
        _Part(module, weak, use)
        for module, weak in _parts(root, len(ops), min_ops)
        for use in _uses(module.ops, ops, held)
    ]
    groups: list[tuple[Group, bool]] = []
    for part in _in_some_order(parts, ops):
        scope = part.module.scope
        path = numbered(scope.path.removeprefix(f"{around}.") if around else scope.path)
        group = Group(part.ops, path, held, scope.kind, scope.path)
        if len(group.ops) >= (1 if scope.is_function else min_ops) and group.results:
            groups.append((group, part.weak))
    counts = Counter(group.form for group, _ in groups)
    return [group for group, weak in groups if not weak or counts[group.form] > 1]


def _scopes(ops: Sequence[Operation]) -> dict[Operation, tuple[Scope, ...]]:
    """The modules of each op; one that an exporter did not place is where those before and behind it are."""
    found = {op: scopes_of(op.location) for op in ops}
    for op in [op for op, scopes in found.items() if not scopes]:
        makers = [value.owner for value in op.operands if isinstance(value.owner, Operation)]
        users = [use.operation for value in op.results for use in value.uses]
        beside = [[found[each] for each in side if found.get(each)] for side in (makers, users)]
        if all(beside):
            found[op] = common([scopes for side in beside for scopes in side])
    return found


def _is_below(path: str, around: str) -> bool:
    return path != around and (not around or path.startswith(f"{around}."))


def _put(op: Operation, scopes: Sequence[Scope], root: _Module) -> None:
    module = root
    for scope in scopes:
        module = module.parts.setdefault(scope.path, _Module(scope))
        module.ops.append(op)
    module.direct += 1


def _parts(module: _Module, total: int, min_ops: int) -> Iterator[tuple[_Module, bool]]:
    """The modules below that are parts, and whether only a repetition makes one."""
    for part in module.parts.values():
        if part.scope.is_function and (len(part.ops) < total or not module.scope.path):
            yield part, False
            continue
        if _is_recurrent_layer(part):
            continue
        if len(part.ops) < min_ops:
            yield from _parts(part, total, min_ops)  # a function in it is one nevertheless
            continue
        blocks = any(len(each.ops) >= min_ops for each in part.parts.values())
        if len(part.ops) == total or (blocks and (_is_container(part) or 2 * len(part.ops) > total)):
            yield from _parts(part, total, min_ops)
        else:
            yield part, _is_container(part)


def _is_recurrent_layer(module: _Module) -> bool:
    """Whether a module is nothing but recurrent ops with what brings their operands and results into place."""
    recurrent = [op for op in module.ops if isinstance(op, RecurrentOp)]
    return bool(recurrent) and all(op in recurrent or isinstance(op, _PLACING) for op in module.ops)


def splits_recurrent_layer(group: Sequence[Operation], ops: Sequence[Operation]) -> bool:
    """Whether a group has some recurrent ops of a module and leaves out others."""
    inside = set(group)
    placed = [(op, scopes_of(op.location)) for op in ops if isinstance(op, RecurrentOp)]
    taken = [scopes for op, scopes in placed if op in inside and scopes]
    return any(scopes in taken for op, scopes in placed if op not in inside)


def _is_container(module: _Module) -> bool:
    numbered = all(path.rpartition(".")[2].isdigit() for path in module.parts)
    return module.scope.kind in CONTAINERS or (module.direct == 0 and numbered)


# -- runs ------------------------------------------------------------------------------------------------------------


def _uses(inside: Sequence[Operation], ops: Sequence[Operation], held: Mapping[SSAValue, str]) -> list[list[Operation]]:
    """All ops of a module as one use, if nothing outside is between them; by runs in the order of the block if not.

    A module that is applied to its own result is one run, of equal ops on equal weights over and over.
    """
    runs = [list(inside)] if is_convex(inside, ops) else _runs(inside, ops)
    return [part for run in runs for part in _periods(run, held)]


def is_convex(inside: Sequence[Operation], ops: Sequence[Operation]) -> bool:
    """Whether no op outside reads one inside and is read, directly or not, by another one inside."""
    own, tainted = set(inside), set[SSAValue]()
    first, last = ops.index(inside[0]), ops.index(inside[-1])
    for op in ops[first : last + 1]:
        reads_tainted = any(value in tainted for value in op.operands)
        if op in own:
            if reads_tainted:
                return False
        elif reads_tainted or any(value.owner in own for value in op.operands):
            tainted.update(op.results)
    return True


def _in_some_order(parts: Sequence[_Part], ops: Sequence[Operation]) -> Sequence[_Part]:
    """Parts that can be called one after the other: those that need each other are taken apart into runs.

    Each may have nothing between its own ops and yet read what the other makes from what it gave. Runs do not: they
    stand one behind the other.
    """
    while cycle := _cycle(parts, ops):
        parts = [
            replace(part, ops=run) for part in parts for run in (_runs(part.ops, ops) if part in cycle else [part.ops])
        ]
    return parts


def _cycle(parts: Sequence[_Part], ops: Sequence[Operation]) -> Sequence[_Part | Operation]:
    """Parts, and ops in none, of which each needs the one before it and the first the last; none where all is well."""
    unit: dict[Operation, _Part | Operation] = {op: op for op in ops} | {op: part for part in parts for op in part.ops}
    needs: dict[_Part | Operation, set[_Part | Operation]] = {each: set() for each in unit.values()}
    for op in ops:
        makers = {unit[by] for value in op.operands if isinstance(by := value.owner, Operation) and by in unit}
        needs[unit[op]] |= makers - {unit[op]}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        found: Sequence[_Part | Operation] = error.args[1]
        return found
    return ()


def _runs(inside: Sequence[Operation], ops: Sequence[Operation]) -> list[list[Operation]]:
    place = {op: index for index, op in enumerate(ops)}
    runs: list[list[Operation]] = []
    for op in inside:
        if runs and place[runs[-1][-1]] + 1 == place[op]:
            runs[-1].append(op)
        else:
            runs.append([op])
    return runs


def _periods(run: list[Operation], held: Mapping[SSAValue, str]) -> list[list[Operation]]:
    keys = [(signature(op), tuple(held.get(value) for value in op.operands)) for op in run]
    for size in range(1, len(run) // 2 + 1):
        if len(run) % size == 0 and keys[size:] == keys[:-size] and any(any(read) for _, read in keys[:size]):
            return [run[start : start + size] for start in range(0, len(run), size)]
    return [run]
