"""`penalty` and `constrain` of emitted code against Keras's regularizers and constraints, for the same weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support.compare import assert_close
from support.jax_code import printed

from neuralc.emit.jax import emit
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source
from neuralc.weights_file import initial_weights

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytest.importorskip("jax")
regularizers, constraints = keras.regularizers, keras.constraints
pytestmark = pytest.mark.thorough

LAYERS = {
    "dense": ("Dense(5, {})", "(7)", "kernel"),
    "conv2d": ("Conv2D(5, 3, {})", "(8, 8, 4)", "kernel"),
    "depthwise": ("DepthwiseConv2D(3, depth_multiplier=2, {})", "(8, 8, 4)", "depthwise"),
    "transposed": ("Conv1DTranspose(5, 3, {})", "(8, 4)", "kernel"),
}
REGULARIZERS = {
    '"l1"': regularizers.L1(),
    "L2(0.3)": regularizers.L2(0.3),
    "L1L2(0.1, 0.2)": regularizers.L1L2(0.1, 0.2),
}
ORTHOGONAL = {
    f'OrthogonalRegularizer(0.5, "{mode}")': regularizers.OrthogonalRegularizer(0.5, mode)
    for mode in ("rows", "columns")
}
CONSTRAINTS = {
    "MaxNorm(0.2, axis=0)": constraints.MaxNorm(0.2, 0),
    "MaxNorm(0.2, axis=[0, 1])": constraints.MaxNorm(0.2, [0, 1]),
    '"non_neg"': constraints.NonNeg(),
    "UnitNorm(axis=-1)": constraints.UnitNorm(-1),
    "MinMaxNorm(0.3, 0.4, 0.5)": constraints.MinMaxNorm(0.3, 0.4, 0.5),
}

SCRIPT = """
import importlib, json, sys
import jax, numpy as np
sys.path.insert(0, sys.argv[1])

for number in range(int(sys.argv[2])):
    model = importlib.import_module(f"model{number}")
    params = model.load(f"{sys.argv[1]}/model{number}.safetensors")
    if hasattr(model, "penalty"):
        print(json.dumps([float(model.penalty(params)), len(jax.tree.leaves(jax.grad(model.penalty)(params)))]))
    else:
        model.save(jax.jit(model.constrain)(params), f"{sys.argv[1]}/after{number}.safetensors")
        print(json.dumps([]))
"""


def cases(rule: str, rules: dict[str, Any], layers: Any = LAYERS) -> list[tuple[str, Any]]:
    found = []
    for layer in sorted(layers):
        text, shape, weight = LAYERS[layer]
        for written, keras_rule in rules.items():
            layers_text = text.format(f"{weight}_{rule}={written}")
            found.append((f"network M {{ input: {shape} layers: {layers_text} }}", keras_rule))
    return found


def results(found: list[tuple[str, Any]], folder: Path) -> tuple[list[Any], list[np.ndarray]]:
    """What the script prints of each model, and the kernels."""
    kernels = []
    for number, (text, _) in enumerate(found):
        program = load(Source("m.nr", text))
        weights = initial_weights(program.weights, 3)
        (folder / f"model{number}.py").write_text(emit(program.module))
        save_file(dict(weights), folder / f"model{number}.safetensors")
        kernels.append(weights[next(name for name in weights if name.endswith("kernel"))])
    return printed(SCRIPT, folder, len(found)), kernels


def by_keras(rule: Any, kernel: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(rule(keras.ops.convert_to_tensor(kernel))))


def test_the_penalty_is_that_of_keras(tmp_path: Path) -> None:
    found = cases("regularizer", REGULARIZERS) + cases("regularizer", ORTHOGONAL, ["dense"])
    printed_values, kernels = results(found, tmp_path)
    for (text, rule), (penalty, slopes), kernel in zip(found, printed_values, kernels, strict=True):
        assert_close(np.asarray(penalty), by_keras(rule, kernel), 1e-5)
        assert slopes == 2, text


def test_a_step_ends_where_that_of_keras_does(tmp_path: Path) -> None:
    found = cases("constraint", CONSTRAINTS)
    _, kernels = results(found, tmp_path)
    for number, ((_, rule), kernel) in enumerate(zip(found, kernels, strict=True)):
        after = load_file(tmp_path / f"after{number}.safetensors")
        (name,) = (name for name in after if name.endswith("kernel"))
        assert_close(after[name], by_keras(rule, kernel), 1e-5)


def test_a_model_without_rules_has_no_functions() -> None:
    text = emit(load(Source("m.nr", "network M { input: (3) layers: Dense(2) }")).module)
    assert "def penalty" not in text
    assert "def constrain" not in text
