"""Ops of a block that may become a function: what they read, what others read of them, when two groups are alike."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from xdsl.dialects.builtin import i1
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import IsTerminator

from neuralc.dialects import graph
from neuralc.dialects.types import element_of, shape_of

LEAVES = (graph.GetWeightOp, graph.ConstantOp)
"""Ops that stand wherever they are read: a weight becomes an argument, a constant is written in the function."""
CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})
"""Classes that only hold others, and tell nothing of what they do."""
FIXED = (graph.GetStateOp, graph.SetStateOp)
"""Ops that stand in the model itself."""
SIZES = frozenset({"starts", "strides", "pads", "dilations", "groups", "window", "steps", "output_padding", "dim"})
"""Properties that differ between blocks of different sizes; the one class of such blocks has parameters for them."""


def members(block: Block) -> list[Operation]:
    """The ops of a block that may be part of a group, in their order."""
    return [op for op in block.ops if not isinstance(op, (*LEAVES, *FIXED)) and not op.has_trait(IsTerminator)]


def held_weights(block: Block) -> dict[SSAValue, str]:
    """The reads of weights in a block, by the names of the weights."""
    return {op.result: op.weight_name for op in block.ops if isinstance(op, graph.GetWeightOp)}


@dataclass(frozen=True, eq=False)
class Group:
    """Ops in the order of their block, the path that names them and, where it is known, the class that they are."""

    ops: Sequence[Operation]
    path: str
    held: Mapping[SSAValue, str]
    """Values of the block that are weights, by what they are called there."""
    kind: str = ""
    scope: str = ""
    """The module of the source that this is, by its whole path."""

    @cached_property
    def inside(self) -> Mapping[Operation, int]:
        return {op: index for index, op in enumerate(self.ops)}

    @property
    def block(self) -> Block:
        block = self.ops[0].parent
        if block is None:
            raise ValueError("the ops of a group stand in a block")
        return block

    @property
    def operands(self) -> list[SSAValue]:
        """What is read from outside, constants left out, in the order of reading."""
        found: dict[SSAValue, None] = {}
        for op in self.ops:
            for value in op.operands:
                if value.owner not in self.inside and not isinstance(value.owner, graph.ConstantOp):
                    found[value] = None
        return list(found)

    @property
    def inputs(self) -> list[SSAValue]:
        """In the order of their first use, but masks behind what they mask."""
        values = [value for value in self.operands if value not in self.held]
        return sorted(values, key=lambda value: element_of(value.type) == i1)

    @property
    def weights(self) -> dict[str, SSAValue]:
        """Weights that are read, by name: two reads of one are one argument."""
        found: dict[str, SSAValue] = {}
        for value in self.operands:
            if value in self.held:
                found.setdefault(self.held[value], value)
        return found

    @property
    def results(self) -> list[SSAValue]:
        """What others read, in the order of its making."""
        values = [value for op in self.ops for value in op.results]
        return [
            value for value in values if any(user_of(use.operation, value) not in self.inside for use in value.uses)
        ]

    @property
    def is_connected(self) -> bool:
        """Whether the ops hang together by values that one makes and another reads."""
        reached, waiting = set[Operation](), [self.ops[-1]]
        while waiting:
            op = waiting.pop()
            if op in reached or op not in self.inside:
                continue
            reached.add(op)
            waiting += [value.owner for value in op.operands if isinstance(value.owner, Operation)]
            waiting += [user_of(use.operation, value) for value in op.results for use in value.uses]
        return len(reached) == len(self.ops)

    @cached_property
    def form(self) -> Hashable:
        """Equal for groups that differ in sizes and weights only. It stays what it is when other groups are called."""
        places: dict[SSAValue, Hashable] = {value: ("input", i) for i, value in enumerate(self.inputs)}
        weights = {name: ("weight", i) for i, name in enumerate(self.weights)}
        places.update((value, weights[self.held[value]]) for value in self.operands if value in self.held)
        rows = []
        for index, op in enumerate(self.ops):
            rows.append((signature(op), tuple(_place(value, places) for value in op.operands)))
            places.update((value, (index, number)) for number, value in enumerate(op.results))
        return tuple(rows), tuple(places[value] for value in self.results)


def _place(value: SSAValue, places: Mapping[SSAValue, Hashable]) -> Hashable:
    owner = value.owner
    if isinstance(owner, graph.ConstantOp):
        return "constant", owner.literal("value"), len(shape_of(value.type))
    return places[value]


def signature(op: Operation) -> Hashable:
    """What an op is, without its sizes."""
    named = {**op.properties, **op.attributes}
    kept = tuple((name, value) for name, value in sorted(named.items()) if name not in SIZES and name != "path")
    if isinstance(op, graph.CallOp):
        kept = ()
    types = tuple((len(shape_of(value.type)), element_of(value.type)) for value in op.results)
    regions = tuple(tuple(signature(inner) for inner in region.walk()) for region in op.regions)
    return op.name, kept, types, regions, _is_depthwise(op)


def _is_depthwise(op: Operation) -> bool:
    return isinstance(op, graph.ConvOp) and op.literal("groups") > 1


def user_of(op: Operation, value: SSAValue) -> Operation:
    """The op of the value's own block that an op which reads it is, or is in."""
    block = value.owner if isinstance(value.owner, Block) else value.owner.parent
    found: Operation | None = op
    while found is not None and found.parent is not block:
        found = found.parent_op()
    return op if found is None else found


def common_path(names: Iterable[str]) -> str:
    """The leading components that all names share, without the last one of any."""
    split = [name.split(".")[:-1] for name in names]
    common: list[str] = []
    for components in zip(*split, strict=False):
        if len(set(components)) != 1:
            break
        common.append(components[0])
    return ".".join(common)
