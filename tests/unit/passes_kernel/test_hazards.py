"""What hazards.py takes for lines beside each other has no byte in common, on random references."""

from __future__ import annotations

import random
from itertools import product

from xdsl.dialects.builtin import f32

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel.types import RefType
from neuralc.passes.kernel.hazards import Access, _are_beside, access_to

PITCHES = [60, 12, 3, 1]
"""Elements between neighbours along each dim of the buffer, which has room for more."""


def part(rng: random.Random, buffer: kernel.AllocOp) -> tuple[Access, set[int]]:
    """A view of a buffer with some of its strides, and the elements that it sees."""
    strides = sorted(rng.sample(PITCHES, rng.randint(1, 4)), reverse=True)
    shape = [rng.randint(1, 4) if stride > 1 else rng.randint(1, 14) for stride in strides]
    offset = rng.randint(0, 80)
    view = kernel.ViewOp(buffer.result, Dim.constant(offset), RefType.of(shape, f32, strides))
    places = {
        offset + sum(index * stride for index, stride in zip(at, strides, strict=True))
        for at in product(*map(range, shape))
    }
    access = access_to(view.result, True, None, view)
    assert access is not None
    return access, places


def test_lines_beside_each_other_have_nothing_in_common() -> None:
    rng, buffer = random.Random(0), kernel.AllocOp(RefType.of([1000], f32))
    found = 0
    for _ in range(3000):
        (first, own), (second, other) = part(rng, buffer), part(rng, buffer)
        apart = _are_beside(first, second)
        assert apart == _are_beside(second, first)
        assert not (apart and own & other)
        found += apart and not (max(own) < min(other) or max(other) < min(own))
    assert found > 100
