"""The examples lowered for a GPU: their Triton source, in Triton's interpreter, predicts what native code does."""

from __future__ import annotations

import numpy as np
import pytest
from support.examples import EXAMPLES, held_out, native
from support.triton_interpreter import interpreter

from neuralc import driver
from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import materialize_all
from neuralc.emit.triton import emit

pytest.importorskip("triton", reason="triton is in the [cuda] extra")
pytest.importorskip("torch", reason="torch is in the [torch] extra")

IMAGES = 32
TOLERANCE = 1e-5


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_triton_code_predicts_what_native_code_does(name: str) -> None:
    compilation = driver.load(EXAMPLES / f"{name}.nr", driver.Options(target="cuda", arch="sm_80"))
    (given,) = the_model(compilation.module).inputs
    driver.compile_to(compilation, "kernel")
    source = emit(compilation.module, compilation.target)
    weights = materialize_all(compilation.module, compilation.weights)
    (found,) = interpreter().run(source, {given: held_out(name)[0][:IMAGES]}, weights)
    expected = native(name, opt=2)[:IMAGES]
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    assert np.abs(found - expected).max() <= TOLERANCE
