"""Where the parameters of framework code stand in the weights of a model: data, by which numpy goes both ways.

    lstm.weight_ih_l0 [20, 3]  <->  w [2, 20, 3]: places (0, 0:5 10:20 5:10, :), axes (1, 2)

A file beside the code has the names and layouts that the framework has. It is made of the weights of the model, and
read as them again, by a `WeightPlan`; each array is made where it is asked for, and kept by nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neuralc.emit.layouts import Order
from neuralc.emit.weight_sources import Runs, Sizes

Array: TypeAlias = NDArray[Any]
Type: TypeAlias = np.dtype[Any]


@dataclass(frozen=True)
class Part:
    """What a parameter has of a weight: places along each of its axes, and these axes in another order."""

    key: str
    shape: Sizes
    """Of the weight."""
    places: tuple[Runs, ...]
    axes: Order

    @property
    def sizes(self) -> Sizes:
        """How much is read along each axis of the weight."""
        return tuple(sum(map(len, runs)) for runs in self.places)

    @property
    def is_whole(self) -> bool:
        return self.places == tuple((range(size),) for size in self.shape)

    def taken(self, weight: Array) -> Array:
        """The part of a weight; a view of it where each axis is read in one run."""
        boxes = list(_boxes(self.places))
        found: Array
        if len(boxes) == 1:
            found = weight[boxes[0][0]]
        else:
            found = np.empty(self.sizes, weight.dtype)
            for there, here in boxes:
                found[here] = weight[there]
        return found.transpose(self.axes)

    def turned_back(self, value: Array) -> Array:
        """The part with the axes of the weight."""
        sizes = self.sizes
        return value.reshape([sizes[axis] for axis in self.axes]).transpose(np.argsort(self.axes, kind="stable"))

    def put(self, value: Array, weight: Array) -> None:
        """Write the part into a weight."""
        turned = self.turned_back(value)
        for there, here in _boxes(self.places):
            weight[there] = turned[here]

    def overlaps(self, other: Part) -> bool:
        """Whether both have a place in common."""
        both = zip(self.places, other.places, strict=True)
        return self.key == other.key and all(_meet(one, another) for one, another in both)


def _boxes(places: Sequence[Runs]) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """The runs along all axes as indices of the weight, each with its index in what is read."""
    axes = []
    for runs in places:
        ends = np.cumsum([len(run) for run in runs]).tolist()
        axes.append(
            [(slice(run.start, run.stop), slice(end - len(run), end)) for run, end in zip(runs, ends, strict=True)]
        )
    for box in product(*axes):
        yield (..., *(there for there, _ in box)), (..., *(here for _, here in box))


def _meet(one: Runs, other: Runs) -> bool:
    return any(a.start < b.stop and b.start < a.stop for a in one for b in other)


@dataclass(frozen=True)
class Placement:
    """A parameter of the code: a part of a weight; or several, which are its rows or are added."""

    name: str
    shape: Sizes
    dtype: Type
    parts: tuple[Part, ...]
    are_rows: bool = False

    @property
    def is_its_weight(self) -> bool:
        """Whether it is the weight of the same name as that stands in the model."""
        part, *others = self.parts
        whole = part.is_whole and part.shape == self.shape and part.axes == tuple(range(len(part.axes)))
        return whole and part.key == self.name and not others

    def made_of(self, weights: Mapping[str, Array]) -> Array:
        found = [part.taken(weights[part.key]) for part in self.parts]
        value = found[0]
        if self.are_rows:
            value = np.stack([each.reshape(self.shape[1:]) for each in found])
        for each in () if self.are_rows else found[1:]:
            value = value + each
        return value.reshape(self.shape).astype(self.dtype, copy=False)

    def part_of(self, value: Array, index: int) -> Array:
        """What a value of the parameter says of one of its parts; of a sum the first one has all."""
        part: Array = value[index] if self.are_rows else value
        return part if self.are_rows or index == 0 else np.zeros_like(part)


@dataclass(frozen=True)
class Neutral:
    """A parameter or a buffer of the code that the model does not have: a number that changes nothing."""

    name: str
    shape: Sizes
    number: float
    dtype: Type
    counts: bool = True
    """False for what has no influence on what the model computes, as the number of batches that were seen."""
    into: str = ""
    """The parameter that what training made of it is added to."""
    added: int = 0
    """How many places of that, from the first one on, it may be added to."""

    def inside(self, prefix: str) -> Neutral:
        return replace(self, name=prefix + self.name, into=self.into and prefix + self.into)

    @property
    def value(self) -> Array:
        return np.full(self.shape, self.number, self.dtype)


class ChangedNeutral(ValueError):
    """Training changed what the model has no weight for."""


@dataclass(frozen=True)
class WeightPlan:
    """All arrays of a file beside the code, by the framework's names, and what of the weights of the model they are."""

    placements: Sequence[Placement]
    neutral: Sequence[Neutral] = ()

    @cached_property
    def entries(self) -> Mapping[str, Placement | Neutral]:
        found: dict[str, Placement | Neutral] = {each.name: each for each in self.placements}
        return found | {each.name: each for each in self.neutral}

    def made_of(self, weights: Mapping[str, Array]) -> Mapping[str, Array]:
        """The arrays of the file."""
        return _Made(self, weights)

    # -- back ----------------------------------------------------------------------------------------------------------

    @cached_property
    def _uses(self) -> Mapping[str, Sequence[tuple[Placement, int]]]:
        """The parts of each weight."""
        found: dict[str, list[tuple[Placement, int]]] = {}
        for placement in self.placements:
            for index, part in enumerate(placement.parts):
                found.setdefault(part.key, []).append((placement, index))
        return found

    def holds(self, key: str, shape: Sizes) -> bool:
        """Whether the file has all places of a weight; no two parts have one in common."""
        parts = [placement.parts[index] for placement, index in self._uses.get(key, ())]
        return sum(math.prod(part.sizes) for part in parts) == math.prod(shape)

    def weight(self, key: str, dtype: Type, stored: Mapping[str, Array], own: Array | None = None) -> Array:
        """A weight of the model, of the arrays of a file; `own` has the places that the file lacks.

        Raises ChangedNeutral.
        """
        uses = self._uses.get(key, ())
        values = [placement.part_of(self._value(placement.name, stored), index) for placement, index in uses]
        parts = [placement.parts[index] for placement, index in uses]
        if len(parts) == 1 and parts[0].is_whole:
            return np.asarray(parts[0].turned_back(values[0]), dtype, order="C")
        whole = np.array(own, dtype) if own is not None else np.empty(parts[0].shape, dtype)
        for part, value in zip(parts, values, strict=True):
            part.put(value, whole)
        return whole

    def check(self, stored: Mapping[str, Array]) -> None:
        """Raises ChangedNeutral where the file has something that the model cannot have."""
        for each in self.neutral:
            if not each.counts or each.name not in stored:
                continue
            fixed = stored[each.name][each.added if each.into else 0 :]
            if not (fixed == each.number).all():
                raise ChangedNeutral(f"`{each.name}` is {each.number:g} in the model, and has other values in the file")

    def _value(self, name: str, stored: Mapping[str, Array]) -> Array:
        value = stored[name]
        for each in self.neutral:
            if each.into == name and each.name in stored and stored[each.name].any():
                value = value + stored[each.name]
        return value


class _Made(Mapping[str, Array]):
    """The arrays of a file; each is made where it is asked for."""

    def __init__(self, plan: WeightPlan, weights: Mapping[str, Array]) -> None:
        self._entries, self._weights = plan.entries, weights

    def __getitem__(self, name: str) -> Array:
        entry = self._entries[name]
        return entry.value if isinstance(entry, Neutral) else entry.made_of(self._weights)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
