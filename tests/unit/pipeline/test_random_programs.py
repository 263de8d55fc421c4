"""Random programs through whole pipelines: after every pass, and as native code, they compute what they did before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from support.compare import Array
from support.pipelines import assert_levels_agree, assert_native_agrees, native_bound, passes_of
from support.random_graph import RandomProgram, graph_programs, random_graph_module
from support.wide_graphs import SIZES, random_inputs, wide_graph_module
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.weights import WeightStore
from neuralc.passes.target import Target

pytestmark = pytest.mark.thorough

TARGETS = (Target.cpu("haswell"), Target.cpu("skylake-avx512"))

each_level = pytest.mark.parametrize("opt", [0, 1, 2])
each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu_name)

# -- all ops and element types ---------------------------------------------------------------------------------------


def assert_passes_agree(program: RandomProgram, opt: int, target: Target) -> None:
    every = [each.name for each in passes_of(opt)]
    module, weights = program.module.clone(), WeightStore(program.weights)
    assert_levels_agree(module, weights, [program.inputs], opt, target, after=every)


def assert_native(program: RandomProgram, opt: int) -> None:
    module, weights = program.module.clone(), WeightStore(program.weights)
    assert_native_agrees(module, weights, [program.inputs], opt, native_bound(module))


@each_level
@settings(max_examples=40)
@given(program=graph_programs(ops=8))
def test_every_pass_agrees(program: RandomProgram, opt: int) -> None:
    assert_passes_agree(program, opt, TARGETS[0])


@each_level
@settings(max_examples=60)
@given(program=graph_programs(ops=8))
def test_native_code_agrees(program: RandomProgram, opt: int) -> None:
    assert_native(program, opt)


@pytest.mark.slow
@each_target
@each_level
@settings(max_examples=80)
@given(program=graph_programs(ops=12))
def test_every_pass_agrees_for_many_programs(program: RandomProgram, opt: int, target: Target) -> None:
    assert_passes_agree(program, opt, target)


@pytest.mark.slow
@each_level
@settings(max_examples=150)
@given(program=graph_programs(ops=12))
def test_native_code_agrees_for_many_programs(program: RandomProgram, opt: int) -> None:
    assert_native(program, opt)


# -- models of images, sizes that no tile divides --------------------------------------------------------------------

Generator = Callable[[np.random.Generator], tuple[ModuleOp, WeightStore]]


def layers(rng: np.random.Generator) -> tuple[ModuleOp, WeightStore]:
    """Many kinds of layers, small shapes."""
    return random_graph_module(rng, ops=14)[:2]


GENERATORS: dict[str, Generator] = {"layers": layers, "shapes": partial(wide_graph_module, layers=4)}


def programs(name: str, seeds: range) -> Iterator[tuple[ModuleOp, WeightStore, list[dict[str, Array]]]]:
    for seed in seeds:
        module, weights = GENERATORS[name](np.random.default_rng(seed))
        sizes = [{**each, "S": each["batch"] % 5 + 1} for each in SIZES]
        yield module, weights, [random_inputs(module, np.random.default_rng(seed), each) for each in sizes]


@pytest.mark.parametrize(("name", "opt"), list(product(GENERATORS, (0, 2))))
def test_levels_agree_for_several_sizes(name: str, opt: int) -> None:
    for module, weights, inputs in programs(name, range(1, 3)):
        assert_levels_agree(module, weights, inputs[1:2], opt, TARGETS[0])


@pytest.mark.parametrize(("name", "opt"), list(product(GENERATORS, (0, 2))))
def test_native_code_agrees_for_several_sizes(name: str, opt: int) -> None:
    for module, weights, inputs in programs(name, range(2)):
        assert_native_agrees(module, weights, inputs, opt)


@pytest.mark.slow
@each_target
@pytest.mark.parametrize(("name", "opt"), list(product(GENERATORS, (0, 1, 2))))
def test_levels_agree_for_several_sizes_and_many_programs(name: str, opt: int, target: Target) -> None:
    for module, weights, inputs in programs(name, range(2, 16)):
        assert_levels_agree(module, weights, inputs, opt, target)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "opt"), list(product(GENERATORS, (0, 1, 2))))
def test_native_code_agrees_for_several_sizes_and_many_programs(name: str, opt: int) -> None:
    for module, weights, inputs in programs(name, range(2, 60)):
        assert_native_agrees(module, weights, inputs, opt)
