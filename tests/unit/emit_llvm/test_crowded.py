"""Native code in a process with so much in it that pieces of an object may lie far apart."""

import numpy as np
import pytest

import neuralc
from neuralc.emit.llvm import loaded

PROGRAM = 'network N { input: (8) layers: Dense(4, "gelu") Softmax() }'


@pytest.mark.parametrize("crowded", [0, 1 << 62], ids=["crowded", "roomy"])
def test_a_model_computes_the_same(crowded: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from neuralc.grammar.diagnostics import Source

    x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(2, 8)
    expected = neuralc.compile(Source("n.nr", PROGRAM), target="interp")(x)
    monkeypatch.setattr(loaded, "CROWDED", crowded)
    np.testing.assert_allclose(neuralc.compile(Source("n.nr", PROGRAM))(x), expected, atol=1e-6)
