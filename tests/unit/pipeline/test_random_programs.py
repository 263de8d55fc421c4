"""Random programs through whole pipelines: after every level, and as native code, they compute what they did before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np
import pytest
from support.compare import Array
from support.pipelines import assert_levels_agree, assert_native_agrees
from support.random_graph import EVERY, random_graph_module
from support.wide_graphs import SIZES, random_inputs, wide_graph_module
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.weights import WeightStore
from neuralc.passes.target import Target

pytestmark = pytest.mark.thorough

Generator = Callable[[np.random.Generator], tuple[ModuleOp, WeightStore]]


def layers(rng: np.random.Generator) -> tuple[ModuleOp, WeightStore]:
    """Many kinds of layers, small shapes."""
    return random_graph_module(rng, ops=14)[:2]


def every(rng: np.random.Generator) -> tuple[ModuleOp, WeightStore]:
    """All ops of the graph level, integers and truth values between floats."""
    return random_graph_module(rng, ops=14, layers=EVERY)[:2]


GENERATORS: dict[str, Generator] = {
    "layers": layers,
    "every": every,
    "shapes": partial(wide_graph_module, layers=4),
}
TARGETS = (Target.cpu("haswell"), Target.cpu("skylake-avx512"))


def programs(name: str, seeds: range) -> Iterator[tuple[ModuleOp, WeightStore, list[dict[str, Array]]]]:
    for seed in seeds:
        module, weights = GENERATORS[name](np.random.default_rng(seed))
        sizes = [{**each, "S": each["batch"] % 5 + 1} for each in SIZES]
        yield module, weights, [random_inputs(module, np.random.default_rng(seed), each) for each in sizes]


@pytest.mark.parametrize(("name", "opt"), list(product(GENERATORS, (0, 2))))
def test_levels_agree(name: str, opt: int) -> None:
    for module, weights, inputs in programs(name, range(1, 3)):
        assert_levels_agree(module, weights, inputs[1:2], opt, TARGETS[0])


@pytest.mark.parametrize(("name", "opt"), list(product(GENERATORS, (0, 2))))
def test_native_code_agrees(name: str, opt: int) -> None:
    for module, weights, inputs in programs(name, range(2)):
        assert_native_agrees(module, weights, inputs, opt)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu_name)
@pytest.mark.parametrize(("name", "opt"), list(product(GENERATORS, (0, 1, 2))))
def test_levels_agree_for_many_programs(name: str, opt: int, target: Target) -> None:
    for module, weights, inputs in programs(name, range(2, 16)):
        assert_levels_agree(module, weights, inputs, opt, target)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "opt"), list(product(GENERATORS, (0, 1, 2))))
def test_native_code_agrees_for_many_programs(name: str, opt: int) -> None:
    for module, weights, inputs in programs(name, range(2, 60)):
        assert_native_agrees(module, weights, inputs, opt)
