"""Random kernels: all programs at once, one by one in any order, and in small chunks give the same."""

import numpy as np
import pytest
from support.kernel_programs import FEATURES, random_program
from support.typed_programs import typed_program
from xdsl.dialects.builtin import ModuleOp, i32

from neuralc.dialects import kernel
from neuralc.dialects.interp import kernel as interpreter
from neuralc.dialects.interp.kernel import run_kernel
from neuralc.passes.kernel.verify_target import check_target
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module

pytestmark = pytest.mark.thorough

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("lanes", [8, 0])
def test_generated_kernels_are_legal_and_print(seed: int, lanes: int) -> None:
    module = ModuleOp([random_program(seed, lanes=lanes).func])
    verify_module(module)
    assert print_module(parse_module(print_module(module))) == print_module(module)
    assert not list(check_target(module, Target.cpu("x86-64-v3") if lanes else Target.cuda()))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_programs_does_not_matter(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = random_program(seed)
    at_once = run_kernel(program.func, program.dims, program.arrays, check_races=True)
    one_by_one = run_kernel(program.func, program.dims, program.arrays, order=seed, check_races=True)
    monkeypatch.setattr(interpreter, "CHUNK_ELEMENTS", 64)
    in_chunks = run_kernel(program.func, program.dims, program.arrays)
    for index in program.outputs:
        assert np.isfinite(at_once[index]).all()
        np.testing.assert_allclose(one_by_one[index], at_once[index], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(in_chunks[index], at_once[index], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_rounding_changes_little(seed: int) -> None:
    """The generator keeps values tame, so that native code can be held to 1e-5 of the largest value."""
    program = random_program(seed)
    exact = run_kernel(program.func, program.dims, program.arrays)
    rounded = run_kernel(program.func, program.dims, program.arrays, "rounded")
    for index in program.outputs:
        bound = 1e-6 * max(1.0, np.abs(exact[index]).max())
        assert np.abs(exact[index] - rounded[index]).max() <= bound


def test_generated_kernels_hold_every_op() -> None:
    programs = [random_program(seed) for seed in range(60)] + [typed_program(i32, seed, 8) for seed in range(20)]
    names = {op.name for program in programs for op in program.func.body.walk()}
    assert {op.name for op in kernel.Kernel.operations} - names == {
        kernel.FuncOp.name, kernel.HostOp.name, kernel.WeightOp.name, kernel.AllocOp.name, kernel.ArenaOp.name,
        kernel.ViewOp.name, kernel.LaunchOp.name, kernel.IfOp.name, kernel.ForOp.name,
        kernel.WhileOp.name, kernel.BranchOp.name, kernel.BarrierOp.name, kernel.StatusOp.name,
        kernel.StateOp.name, kernel.NextStateOp.name,
    }  # fmt: skip


def test_features_can_be_left_out() -> None:
    for seed in range(8):
        found = {op.name for op in random_program(seed, without=set(FEATURES) - {"map"}).func.body.walk()}
        assert not found & {"kernel.loop", "kernel.dot", "kernel.local", "kernel.transpose", "kernel.convert"}
    with pytest.raises(ValueError, match="unknown features"):
        random_program(0, without={"speed"})
