"""kernel-plan-memory on random host programs: nothing alive is overwritten, and little is wasted."""

import random

import numpy as np
import pytest
from support.kernel_text import parse_kernel
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.ir import Block, Region, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.kernel.types import RefType
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.kernel.plan_memory import (
    ALIGNMENT,
    PlanMemoryPass,
    aligned,
    at_least,
    buffer_lifetimes,
    inherit,
)
from neuralc.passes.verifier import verify_module

COMBINE = """
kernel.func @combine(%n: index, %m: index, %x: !kernel.ref<[n], f32>, %y: !kernel.ref<[m], f32>,
%z: !kernel.ref<[m], f32>)
dims [n, m] grid (m) {
  %p = kernel.program_id
  %q = arith.remui %p, %n : index
  %a = kernel.load %x[%q over 0] -> !kernel.tile<1xf32>
  %b = kernel.load %y[%p over 0] -> !kernel.tile<1xf32>
  %c = kernel.map sub %a, %b -> !kernel.tile<1xf32>
  kernel.store %c, %z[%p over 0]
  kernel.return
}
kernel.func @fill(%m: index, %z: !kernel.ref<[m], f32>) dims [m] grid (m) {
  %p = kernel.program_id
  %a = kernel.splat %p -> !kernel.tile<1xi32>
  %b = kernel.convert %a -> !kernel.tile<1xf32>
  kernel.store %b, %z[%p over 0]
  kernel.return
}
kernel.func @change(%m: index, %x: !kernel.ref<[m], f32>, %y: !kernel.ref<[m], f32>, %z: !kernel.ref<[m], f32>)
dims [m] grid (m) attributes {in_place = array<i64: 0, 1>} {
  %p = kernel.program_id
  %a = kernel.load %x[%p over 0] -> !kernel.tile<1xf32>
  %b = kernel.load %y[%p over 0] -> !kernel.tile<1xf32>
  %c = kernel.map sub %a, %b -> !kernel.tile<1xf32>
  kernel.store %c, %z[%p over 0]
  kernel.return
}
"""
"""z = x[p mod n] - y[p], z = p, and z = x - y where z may lie in the place of x or y."""

SIZES = [
    Dim.parse(text) for text in ("batch * 64", "batch * 16 + 5", "40", "100", "S * 32", "batch * 3", "batch * S", "200")
]


def random_host(seed: int) -> ModuleOp:
    """A chain of launches that each read two earlier buffers, some in place, some inside of a choice by the batch."""
    choose = random.Random(seed)
    module = parse_kernel(COMBINE).parent_op()
    assert isinstance(module, ModuleOp)
    x, s, y = RefType.of([Dim.symbol("batch"), 4], f32), RefType.of([Dim.symbol("S")], f32), RefType.of([64], f32)
    block = Block(arg_types=[x, s, y])
    known: list[SSAValue] = []

    def buffer(into: Block, length: Dim) -> SSAValue:
        alloc = kernel.AllocOp(RefType.of([length], f32))
        into.add_op(alloc)
        return alloc.result

    def step(into: Block, values: list[SSAValue]) -> None:
        length = choose.choice(SIZES)
        out, other = buffer(into, length), buffer(into, length)
        into.add_op(kernel.LaunchOp("fill", [length], [other]))
        source = choose.choice(values[-3:]) if values else other
        into.add_op(kernel.LaunchOp("combine", [length_of(source), length], [source, other, out]))
        values.append(out)
        if choose.random() < 0.5:
            changed = buffer(into, length)
            into.add_op(kernel.LaunchOp("change", [length], [out, choose.choice([other, out]), changed]))
            values.append(changed)

    for _ in range(choose.randint(3, 7)):
        if choose.random() < 0.25 and known:
            sides = [Block(), Block()]
            for side in sides:
                step(side, [*known])
            block.add_op(kernel.IfOp(Dim.symbol("batch"), ">=", Dim.constant(3), *map(Region, sides)))
        else:
            step(block, known)
    last = buffer(block, Dim.constant(64))
    block.add_op(kernel.LaunchOp("fill", [Dim.constant(64)], [last]))
    block.add_op(kernel.LaunchOp("combine", [length_of(known[-1]), Dim.constant(64)], [known[-1], last, block.args[2]]))
    block.add_op(kernel.ReturnOp())
    module.body.block.add_op(kernel.HostOp("model", ["batch", "S"], ["x", "s"], ["y"], Region(block)))
    return module


def length_of(value: SSAValue) -> Dim:
    assert isinstance(value.type, RefType)
    return value.type.dims.data[0]


def host_of(module: ModuleOp) -> kernel.HostOp:
    return next(op for op in module.walk() if isinstance(op, kernel.HostOp))


@pytest.mark.parametrize("reuse", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_a_plan_changes_no_result(seed: int, reuse: bool) -> None:
    module = random_host(seed)
    verify_module(module)
    inputs = {
        (batch, size): [np.ones((batch, 4), np.float32), np.ones(size, np.float32)]
        for batch, size in [(1, 1), (2, 9), (3, 1), (7, 5)]
    }
    before = {key: run_host(module, arrays, WeightStore())[0] for key, arrays in inputs.items()}
    PlanMemoryPass(reuse=reuse).run_in(module, PassContext())
    verify_module(module)
    assert not any(isinstance(op, kernel.AllocOp) for op in module.walk())
    for key, arrays in inputs.items():
        np.testing.assert_array_equal(run_host(module, arrays, WeightStore())[0], before[key])


@pytest.mark.parametrize("seed", range(12))
def test_what_lives_together_lies_apart(seed: int) -> None:
    module = random_host(seed)
    kernels = {op.sym_name.data: op for op in module.walk() if isinstance(op, kernel.FuncOp)}
    lifetimes = inherit(host_of(module), buffer_lifetimes(host_of(module))[0], kernels)
    spans = {lifetime.alloc.result: lifetime for lifetime in lifetimes}
    names = {value: f"buffer{i}" for i, value in enumerate(spans)}
    by_name = {names[value]: lifetime for value, lifetime in spans.items()}
    for value, name in names.items():
        value.name_hint = name
    PlanMemoryPass().run_in(module, PassContext())
    host = host_of(module)
    assert host.arena is not None
    places = {str(op.result.name_hint): op.offset.data for op in module.walk() if isinstance(op, kernel.ArenaOp)}
    for env in ({"batch": batch, "S": size} for batch in (1, 2, 5, 64) for size in (1, 3, 100)):
        arena = host.arena.data.evaluate(env)
        peak = 0
        for name, lifetime in by_name.items():
            start, size = places[name].evaluate(env), lifetime.size.evaluate(env)
            assert start % ALIGNMENT == 0
            assert start + size <= arena
            for other_name, other in by_name.items():
                if other_name != name and lifetime.overlaps(other):
                    other_start = places[other_name].evaluate(env)
                    assert start + size <= other_start or other_start + other.size.evaluate(env) <= start
        for moment in range(max(lifetime.last for lifetime in lifetimes) + 1):
            alive = [item.size.evaluate(env) for item in lifetimes if item.first <= moment <= item.last]
            peak = max(peak, sum(alive))
        assert peak <= arena <= sum(item.size.evaluate(env) for item in lifetimes)


def test_a_chain_of_equal_sizes_needs_two_places() -> None:
    text = "".join(
        f"%b{i} = kernel.alloc -> !kernel.ref<[batch, 100], f32>\n"
        f"kernel.launch @fill[batch * 100](%b{i})\n"
        f"kernel.launch @combine[batch * 100, batch * 100](%b{max(0, i - 1)}, %b{max(0, i - 1)}, %b{i})\n"
        for i in range(6)
    )
    module = parse_kernel(
        COMBINE
        + 'kernel.host @m(%x: !kernel.ref<[batch, 100], f32>) dims [batch] inputs ["x"] outputs [] {\n'
        + text.replace("[batch, 100]", "[batch * 100]")
        + "kernel.return }"
    ).parent_op()
    assert isinstance(module, ModuleOp)
    PlanMemoryPass().run_in(module, PassContext())
    host = host_of(module)
    assert host.arena is not None
    assert str(host.arena.data) == "batch * 896"  # 400 bytes a row are 448


@pytest.mark.parametrize(
    ("size", "expected"),
    [("64", "64"), ("65", "128"), ("batch * 40", "batch * 64"), ("batch * 128 - 100", "batch * 128 - 64"), ("0", "0")],
)
def test_sizes_are_rounded_up_term_by_term(size: str, expected: str) -> None:
    assert str(aligned(Dim.parse(size))) == expected


@pytest.mark.parametrize(
    ("large", "small", "holds"),
    [
        ("batch * 64", "64", True),
        ("64", "batch * 64", False),
        ("batch * 128 - 64", "batch * 64", True),
        ("batch * 64", "S * 64", False),
        ("batch * S * 64", "batch * 64", True),
        ("ceildiv(batch, 6) * 128", "ceildiv(batch, 6) * 64", True),
        ("ceildiv(batch, 6) * 384", "batch * 64", False),
        ("max(S * 64, max(512, batch * 64))", "512", True),
        ("max(S * 64, 512)", "576", False),
        ("S * 64 + batch * 64", "max(S * 64, batch * 64)", True),
        ("S * 64", "max(S * 64, batch * 64)", False),
    ],
)
def test_sizes_are_compared_for_all_dims_at_once(large: str, small: str, holds: bool) -> None:
    assert at_least(Dim.parse(large), Dim.parse(small), {"batch": 1, "S": 1}) is holds


def test_a_larger_minimum_proves_more() -> None:
    large, small = Dim.parse("batch * 64"), Dim.parse("256")
    assert not at_least(large, small, {"batch": 1})
    assert at_least(large, small, {"batch": 4})
