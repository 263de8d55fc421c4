"""kernel-dedup and kernel-plan-parallel change how a program is run, never what it computes."""

import numpy as np
import pytest
from support.kernel_text import parse_kernel
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.kernel.dedup import DedupPass
from neuralc.passes.kernel.plan_parallel import PlanParallelPass
from neuralc.passes.printing import print_module
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module

KERNEL = """
kernel.func @{name}(%{dim}: index, %x: !kernel.ref<[{dim}, 8], f32>, %y: !kernel.ref<[{dim}, 8], f32>)
dims [{dim}] grid ({dim}) {{
  %p = kernel.program_id
  %t = kernel.load %x[%p, 0 over 0] -> !kernel.tile<8xf32, v8>
  %c = kernel.splat {constant} -> !kernel.tile<8xf32, v8>
  %u = kernel.map add %t, %c -> !kernel.tile<8xf32, v8>
  kernel.store %u, %y[%p, 0 over 0]
  kernel.return
}}
"""

HOST = """
kernel.host @m(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>)
dims [batch] inputs ["x"] outputs ["y"] {
  %a = kernel.alloc -> !kernel.ref<[batch, 8], f32>
  %b = kernel.alloc -> !kernel.ref<[batch, 8], f32>
  kernel.launch @one[batch](%x, %a)
  kernel.launch @two[batch](%a, %b)
  kernel.launch @three[batch](%b, %y)
  kernel.return
}
"""


def three_kernels() -> ModuleOp:
    kernels = [("one", "n", 1.0), ("two", "rows", 1.0), ("three", "n", 3.0)]
    text = "".join(KERNEL.format(name=name, dim=dim, constant=constant) for name, dim, constant in kernels)
    module = parse_kernel(text + HOST).parent_op()
    assert isinstance(module, ModuleOp)
    return module


@pytest.mark.parametrize("each", [DedupPass(), PlanParallelPass(), PlanParallelPass(threshold_ns=1)], ids=str)
def test_the_results_stay(each: ModulePass) -> None:
    module = three_kernels()
    each.run_in(module, PassContext(target=Target.cpu("x86-64-v3")))
    verify_module(module)
    for batch in (1, 2, 33):
        x = np.arange(batch * 8, dtype=np.float32).reshape(batch, 8)
        np.testing.assert_array_equal(run_module(module, [x], WeightStore())[0], x + 5)


def test_equal_kernels_are_one_and_run_a_second_time_without_change() -> None:
    module, context = three_kernels(), PassContext()
    DedupPass().run_in(module, context)
    launches = [op.callee_name for op in module.walk() if isinstance(op, kernel.LaunchOp)]
    assert launches == ["one", "one", "three"]
    assert context.statistics["kernel-dedup", "kernels removed"] == 1
    text = print_module(module)
    DedupPass().run_in(module, context)
    assert print_module(module) == text


def test_a_decision_about_threads_is_made_once() -> None:
    module, context = three_kernels(), PassContext(target=Target.cpu("x86-64-v3"))
    PlanParallelPass(threshold_ns=100).run_in(module, context)
    text = print_module(module)
    assert text.count("{parallel = ") == 3
    PlanParallelPass(threshold_ns=100).run_in(module, context)
    assert print_module(module) == text
