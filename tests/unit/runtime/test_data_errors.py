"""Data that a model cannot compute with ends the run with an error, whatever the number of threads."""

import numpy as np
import pytest
from support.native_modules import native

from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.weights import WeightStore
from neuralc.emit.llvm.in_process import load_native
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target
from neuralc.runtime import Model, ModelError

LOOKUP = """
kernel.func @look(
    %n: index, %table: !kernel.ref<[40], f32>, %ids: !kernel.ref<[n], i64>, %status: !kernel.ref<[1], i32>,
    %y: !kernel.ref<[n], f32>
) dims [n] grid (n) {
  %p = kernel.program_id
  %id = kernel.load %ids[%p] -> !kernel.tile<i64, v1>
  %zero = kernel.splat 0 -> !kernel.tile<i64, v1>
  %last = kernel.splat 39 -> !kernel.tile<i64, v1>
  %low = kernel.map ge %id, %zero -> !kernel.tile<i1, v1>
  %high = kernel.map le %id, %last -> !kernel.tile<i1, v1>
  %ok = kernel.map and %low, %high -> !kernel.tile<i1, v1>
  kernel.check %ok, %status {code = CODE}
  %t = kernel.gather %table, %id, %ok -> !kernel.tile<f32, v1>
  kernel.store %t, %y[%p]
  kernel.return
}
kernel.host @lookup(
    %table: !kernel.ref<[40], f32>, %ids: !kernel.ref<[batch], i64>, %y: !kernel.ref<[batch], f32>
) dims [batch] inputs ["table", "ids"] outputs ["y"] arena (0) shared (batch * 4000) {
  %s = kernel.status -> !kernel.ref<[1], i32>
  kernel.launch @look[batch](%table, %ids, %s, %y) {parallel}
  kernel.return
}
"""
"""y = table[ids], with CODE for an id that the table does not have."""

TABLE = np.arange(40, dtype=np.float32)


def lookup(code: int = 910, threads: int = 1) -> Model:
    return load_native(native(LOOKUP.replace("CODE", str(code)), target=Target.host(), threads=threads))


@pytest.mark.parametrize("threads", [1, 4])
def test_an_index_out_of_range_is_E0910_and_the_model_goes_on_working(threads: int) -> None:
    model = lookup(threads=threads)
    ids = np.arange(1000) % 40
    for place, wrong in ((0, -1), (999, 40), (500, 2**62), (31, -(2**63))):
        broken = ids.copy()
        broken[place] = wrong
        with pytest.raises(ModelError, match="an index in the inputs is outside") as caught:
            model(TABLE, broken)
        assert caught.value.code == "E0910"
        np.testing.assert_array_equal(model(TABLE, ids), TABLE[ids])


def test_integer_division_by_zero_is_E0911() -> None:
    with pytest.raises(ModelError, match="integer division by zero") as caught:
        lookup(911)(TABLE, np.array([40]))
    assert caught.value.code == "E0911"


@pytest.mark.parametrize("code", [910, 911])
def test_the_interpreter_raises_the_same_error(code: int) -> None:
    module = parse_module(LOOKUP.replace("CODE", str(code)))
    (y,) = run_host(module, [TABLE, np.array([3, 39])], WeightStore())
    np.testing.assert_array_equal(y, [3, 39])
    with pytest.raises(NeuralcError, match="found by a kernel\\.check in @look") as caught:
        run_host(module, [TABLE, np.array([3, 40])], WeightStore())
    assert caught.value.diagnostics[0].code == f"E0{code}"
