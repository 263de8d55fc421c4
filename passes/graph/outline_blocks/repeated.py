"""Groups by repetition: stretches of a model that come again with other weights, where no names tell its structure.

The ops of a model in their order are a text, of which a letter is an op without its sizes. Of the stretches that come
more than once, the one that saves most ops is taken, then the next, until nothing is worth a class. Each length is
looked at once, for all places at a time, so the work is linear in the model.

    conv relu conv add relu | conv relu conv add relu | ..  ->  block block ..

A stretch begins and ends where a person would cut: one value leaves it, and what only works on the value before
(an activation, a norm) stays with what makes that value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.passes.graph.outline_blocks.groups import Group, common_path, signature, user_of
from neuralc.passes.graph.outline_blocks.naming import numbered

ACTIVATIONS: tuple[type[Operation], ...] = (
    graph.ReluOp, graph.Relu6Op, graph.LeakyReluOp, graph.EluOp, graph.SeluOp, graph.GeluOp, graph.SiluOp, graph.MishOp,
    graph.SigmoidOp, graph.TanhOp, graph.SoftplusOp, graph.SoftsignOp, graph.HardSigmoidOp, graph.HardSwishOp,
    graph.PreluOp, graph.BatchNormOp, graph.SoftmaxOp, graph.DropoutOp,
)  # fmt: skip
"""Ops that stay with what makes their operand, if they alone read it."""
NORMS: tuple[type[Operation], ...] = (graph.GroupNormOp, graph.LayerNormOp, graph.RmsNormOp)
"""Ops that rather stay with it: the norm behind the last block has an operand of its own too."""

WORTH = 3
"""Ops that the calls of a block have to save."""

BASE = np.uint64(1_000_003)
"""Of the polynomial that hashes a stretch; equal hashes are looked at more closely."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Limits:
    """How large a block may be."""

    min_ops: int
    max_ops: int
    max_inputs: int


def repeated_groups(ops: Sequence[Operation], held: Mapping[SSAValue, str], limits: Limits) -> list[Group]:
    """The blocks of a model, in their order; named by their weights where these tell, else counted."""
    text = _Text(ops, held)
    found: list[tuple[int, int]] = []
    while (best := _best(text, limits)) is not None:
        found += [(start, start + best.length) for start in best.starts]
        for start in best.starts:
            text.taken[start : start + best.length] = True
    stretches = [ops[start:end] for start, end in sorted(found)]
    named = [common_path(Group(stretch, "", held).weights) for stretch in stretches]
    counts = Counter(named)
    return [
        Group(stretch, numbered(path) if path and counts[path] == 1 else f"blocks.{index}", held)
        for index, (stretch, path) in enumerate(zip(stretches, named, strict=True))
    ]


@dataclass
class _Text:
    """A model as a text, and where it may be cut."""

    ops: Sequence[Operation]
    held: Mapping[SSAValue, str]
    taken: NDArray[np.bool_] = field(init=False)
    last: Ints = field(init=False)
    """The place of the last reader of each op."""
    closing: Ints = field(init=False)
    """The ops whose last reader stands at a place, padded with -1."""
    cuts: NDArray[np.bool_] = field(init=False)
    joints: NDArray[np.bool_] = field(init=False)
    """Places where one would rather not cut."""
    letters: list[int] = field(init=False)
    hashes: NDArray[np.uint64] = field(init=False)
    """Of everything in front of a place."""

    def __post_init__(self) -> None:
        place = {op: index for index, op in enumerate(self.ops)}
        size = len(self.ops)
        self.taken = np.zeros(size, bool)
        users = [[place.get(user_of(use.operation, v), size) for v in op.results for use in v.uses] for op in self.ops]
        self.last = np.array([max(each, default=index) for index, each in enumerate(users)], np.int64)
        by_last: list[list[int]] = [[] for _ in range(size + 1)]
        for index, last in enumerate(self.last):
            by_last[last].append(index)
        self.closing = np.full((size + 1, max((len(each) for each in by_last), default=1) or 1), -1)
        for index, each in enumerate(by_last):
            self.closing[index, : len(each)] = each
        self.cuts = np.array([not self._sticks(index, ACTIVATIONS) for index in range(size)] + [True])
        self.joints = np.array([self._sticks(index, NORMS) for index in range(size)] + [False])
        numbers: dict[Any, int] = {}
        self.letters = [numbers.setdefault((signature(op), self._kinds(op)), len(numbers) + 1) for op in self.ops]
        self.hashes = np.zeros(size + 1, np.uint64)
        with np.errstate(over="ignore"):
            for index, letter in enumerate(self.letters):
                self.hashes[index + 1] = self.hashes[index] * BASE + np.uint64(letter)

    def _sticks(self, index: int, kinds: tuple[type[Operation], ...]) -> bool:
        op = self.ops[index]
        if not isinstance(op, kinds):
            return False
        value = op.operands[0]
        return value.owner in self.ops[max(index - 1, 0) : index] and value.has_one_use()

    def is_periodic(self, start: int, length: int, least: int) -> bool:
        """Whether a stretch is a shorter one over and over, which is the block then; the last may be cut off."""
        letters = self.letters[start : start + length]
        return any(letters[period:] == letters[:-period] for period in range(least, length // 2 + 1))

    def _kinds(self, op: Operation) -> tuple[object, ...]:
        """Of each operand: a constant by its number, a weight, or a value."""
        found: list[object] = []
        for value in op.operands:
            owner = value.owner
            found.append(owner.literal("value") if isinstance(owner, graph.ConstantOp) else value in self.held)
        return tuple(found)


@dataclass(frozen=True)
class _Repetition:
    """A stretch that comes several times."""

    length: int
    starts: tuple[int, ...]

    @property
    def saved(self) -> int:
        return _saved(self.length, len(self.starts))


def _saved(length: int, times: int) -> int:
    """Ops that need not be written, the calls counted."""
    return (times - 1) * length - times


def _best(text: _Text, limits: Limits) -> _Repetition | None:
    """The repetition that saves most; of several the one with the better ends, and the first."""
    best: _Repetition | None = None
    least = (WORTH, -len(text.ops))
    for bound, length, starts in sorted(_candidates(text, limits), key=lambda each: (-each[0], each[2][0], each[1])):
        if bound < least[0]:
            break
        found = _alike(text, length, starts, limits)
        joints = sum(int(text.joints[start]) + int(text.joints[start + length]) for start in found.starts)
        if (found.saved, -joints) > least:
            best, least = found, (found.saved, -joints)
    return best


def _candidates(text: _Text, limits: Limits) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """What stretches that look alike may save at most, with their length and places that do not overlap."""
    size = len(text.ops)
    open_values = np.zeros(size, np.int64)
    taken = np.concatenate([[0], np.cumsum(text.taken)])
    power = np.uint64(1)
    for length in range(1, min(limits.max_ops, size // 2) + 1):
        power = np.uint64((int(power) * int(BASE)) % (1 << 64))
        starts = np.arange(size - length + 1)
        ends = starts + length
        open_values = open_values[: len(starts)] + (text.last[ends - 1] > ends - 1)
        open_values -= (text.closing[ends - 1] >= starts[:, None]).sum(axis=1) - (text.last[ends - 1] == ends - 1)
        if length < limits.min_ops:
            continue
        good = (open_values == 1) & text.cuts[starts] & text.cuts[ends] & (taken[ends] == taken[starts])
        with np.errstate(over="ignore"):
            hashes = text.hashes[ends] - text.hashes[starts] * power
        yield from _repetitions(length, starts[good], hashes[good])


def _repetitions(length: int, starts: Ints, hashes: NDArray[np.uint64]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    for places in np.split(starts[order], np.cumsum(counts)[:-1]):
        if len(places) < 2:
            continue
        apart: list[int] = []
        for place in places.tolist():
            if not apart or place >= apart[-1] + length:
                apart.append(place)
        if len(apart) > 1:
            yield _saved(length, len(apart)), length, tuple(apart)


def _alike(text: _Text, length: int, starts: Sequence[int], limits: Limits) -> _Repetition:
    """The places at which values flow in the same way, as most do."""
    if text.is_periodic(starts[0], length, limits.min_ops):
        return _Repetition(length, ())
    by_form: dict[Any, list[int]] = {}
    for start in starts:
        group = Group(text.ops[start : start + length], "", text.held)
        if len(group.results) == 1 and len(group.inputs) <= limits.max_inputs and group.is_connected:
            by_form.setdefault(group.form, []).append(start)
    most = max(by_form.values(), key=len, default=[])
    return _Repetition(length, tuple(most))
