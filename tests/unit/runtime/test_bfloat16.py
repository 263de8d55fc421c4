"""Models with bf16 inputs and outputs: arrays of ml_dtypes, or their bits where it is not installed."""

import builtins
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from support.native_modules import native

from neuralc.emit.llvm.in_process import load_native
from neuralc.passes.target import Target
from neuralc.runtime import Model, ModelError

SCALE = """
kernel.func @scale(%x: !kernel.ref<[8], bf16>, %y: !kernel.ref<[8], bf16>) dims [] grid (1) {
  %t = kernel.load %x[0 over 0] -> !kernel.tile<8xbf16, v8>
  %third = kernel.splat 0.3333333 -> !kernel.tile<8xbf16, v8>
  %s = kernel.map mul %t, %third -> !kernel.tile<8xbf16, v8>
  kernel.store %s, %y[0 over 0]
  kernel.return
}
kernel.host @scale_model(
    %x: !kernel.ref<[8], bf16>, %y: !kernel.ref<[8], bf16>
) dims [] inputs ["x"] outputs ["y"] arena (0) {
  kernel.launch @scale[](%x, %y)
  kernel.return
}
"""

X = np.array([1, -2, 3.5, 1e30, 0.1, -0.0, np.inf, 7], ml_dtypes.bfloat16)


def expected() -> Any:
    return X * ml_dtypes.bfloat16(0.3333333)


@pytest.fixture
def model() -> Model:
    return load_native(native(SCALE, target=Target.host()))


def test_arrays_of_ml_dtypes_go_in_and_come_out(model: Model) -> None:
    y = model(X)
    assert y.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(y.view(np.uint16), expected().view(np.uint16))
    assert str(model.inputs[0]) == "x: bfloat16 (8,)"


def test_the_bits_are_taken_as_well(model: Model) -> None:
    np.testing.assert_array_equal(model(X.view(np.uint16)).view(np.uint16), expected().view(np.uint16))
    with pytest.raises(ModelError, match="is float32, the model takes bfloat16"):
        model(X.astype(np.float32))


def test_without_ml_dtypes_bits_go_in_and_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    code, imported = native(SCALE, target=Target.host()), builtins.__import__
    code.loadable.finish()  # the compiler needs it

    def absent(name: str, *args: Any) -> Any:
        if name == "ml_dtypes":
            raise ImportError(name)
        return imported(name, *args)

    monkeypatch.setattr(builtins, "__import__", absent)
    model = load_native(code)
    assert model.inputs[0].dtype == np.uint16
    assert str(model.inputs[0]) == "x: bfloat16 (8,)"
    np.testing.assert_array_equal(model(X.view(np.uint16)), expected().view(np.uint16))
