"""Emitted code trains: it jits, gradients reach every parameter, dropout and batch norms act, weights go to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support.jax_code import printed

from neuralc.emit.jax import emit
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source
from neuralc.weights_file import initial_weights

pytest.importorskip("jax")
pytestmark = pytest.mark.thorough

MODEL = """
define Block(filters, step=1) {
  DepthwiseConv2D(3, strides=step, padding="same", depth_multiplier=2)
  Conv2D(filters, 1) BatchNormalization(momentum=0.8)
}
network Net {
  input: (6, 6, 2)
  layers:
    Block(4)
    PReLU(shared_axes=[1, 2])
    Block(8, step=2) ReLU()
    Block(8) * 2
    Flatten()
    Dropout(0.25)
    Output(3, "softmax")
}
"""

TRAINING = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
sys.path.insert(0, sys.argv[1])
import model

rng = np.random.default_rng(0)
x = jnp.asarray(rng.standard_normal((32, 6, 6, 2)), jnp.float32)
labels = jnp.asarray(np.asarray(x).mean(axis=(1, 2, 3)) > 0, jnp.int32)
params = model.init(jax.random.key(1))


def loss(params, key):
    probabilities, moved = model.train_forward(params, x, key)
    chosen = jnp.take_along_axis(probabilities, labels[:, None], 1)
    return -jnp.log(jnp.maximum(chosen, 1e-7)).mean(), moved


@jax.jit
def step(params, key):
    (value, moved), slopes = jax.value_and_grad(loss, has_aux=True)(params, key)
    return jax.tree.map(lambda p, g: p - 0.1 * g, moved, slopes), value, slopes


losses = []
before = params
for number in range(25):
    params, value, slopes = step(params, jax.random.key(number))
    losses.append(float(value))
names = {model.name_of(path): leaf for path, leaf in jax.tree.leaves_with_path(slopes)}
moved = jax.tree.map(lambda a, b: bool((a != b).any()), before["block"], params["block"])
print(json.dumps({
    "losses": losses,
    "without": [name for name, slope in names.items() if not jnp.abs(slope).max() > 0],
    "moved": moved["batch_normalization"],
    "same": bool((model.forward(params, x) == jax.jit(model.forward)(params, x)).all()),
}))
"""


def emitted(text: str, folder: Path) -> None:
    (folder / "model.py").write_text(emit(load(Source("net.nr", text)).module))


def run(script: str, folder: Path) -> Any:
    """What a script prints, which finds the code in the folder that it is given."""
    (found,) = printed(script, folder)
    return found


def test_a_few_steps_lower_the_loss(tmp_path: Path) -> None:
    emitted(MODEL, tmp_path)
    found = run(TRAINING, tmp_path)
    assert found["losses"][-1] < 0.7 * found["losses"][0]
    # Statistics are not differentiated, and a batch norm takes away what a bias in front of it adds.
    assert all(name.endswith(("moving_mean", "moving_variance", "conv2d.bias")) for name in found["without"])
    assert all(found["moved"].values())


LAYERS = """
import importlib, json, sys
import jax, jax.numpy as jnp, numpy as np
sys.path.insert(0, sys.argv[1])

x = jnp.full((50, 40, 30), 3.0)
for number in range(6):
    model = importlib.import_module(f"model{number}")
    keys = [jax.random.key(5)] if "key" in model.train_forward.__code__.co_varnames else []
    found = model.train_forward(x, *keys)
    result, *penalty = found if isinstance(found, tuple) else (found,)
    print(json.dumps({
        "values": sorted(set(np.asarray(result).ravel().tolist()))[:5],
        "mean": float(result.mean()),
        "deviation": float(result.std()),
        "alike": bool((result == result[:, :1]).all()),
        "inference": bool((model.forward(x) == x).all()),
        "penalty": [float(value) for value in penalty],
    }))
"""

IN_TRAINING: dict[str, dict[str, Any]] = {
    "Dropout(0.5)": {"values": [0.0, 6.0], "alike": False},
    "SpatialDropout1D(0.5)": {"values": [0.0, 6.0], "alike": True},
    "Dropout(1.0)": {"values": [0.0]},
    "ActivityRegularization(l1=0.5)": {"values": [3.0], "penalty": [0.5 * 3.0 * 40 * 30]},
    "GaussianNoise(0.5)": {"mean": pytest.approx(3.0, abs=0.05), "deviation": pytest.approx(0.5, abs=0.03)},
    "GaussianDropout(0.2)": {"mean": pytest.approx(3.0, abs=0.05), "deviation": pytest.approx(1.5, abs=0.03)},
}


def test_layers_act_in_training_alone(tmp_path: Path) -> None:
    for number, layer in enumerate(IN_TRAINING):
        module = load(Source("net.nr", f"network M {{ input: (40, 30) layers: {layer} }}")).module
        (tmp_path / f"model{number}.py").write_text(emit(module))
    results = printed(LAYERS, tmp_path)
    for (layer, expected), found in zip(IN_TRAINING.items(), results, strict=True):
        assert {key: found[key] for key in expected} == expected, layer
        assert found["inference"], layer


GATES = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
sys.path.insert(0, sys.argv[1])
import model

params = model.init(jax.random.key(0))
x = jax.random.normal(jax.random.key(1), (6, 5, 3))
first, again, other = (model.train_forward(params, x, jax.random.key(number)) for number in (2, 2, 3))
slopes = jax.grad(lambda params: model.train_forward(params, x, jax.random.key(2)).sum())(params)
keys = iter([jax.random.key(0)])
masks, _ = model.gate_masks(jnp.ones((5, 4000, 3)), jnp.ones((1, 1)), 4, (0.25, 0.0), keys)
masks = np.stack(masks)
print(json.dumps({
    "again": bool((first == again).all()),
    "other": bool((first != other).any()),
    "kept": float((masks > 0).mean()),
    "values": sorted(set(np.asarray(masks).ravel().tolist())),
    "alike": bool((masks[0] == masks[1]).all()),
    "slopes": all(bool(jnp.abs(slope).max() > 0) for slope in jax.tree.leaves(slopes)),
}))
"""


def test_each_gate_of_a_recurrent_layer_drops_places_of_its_own(tmp_path: Path) -> None:
    emitted(
        """network M { input: (5, 3) layers: LSTM(4, dropout=0.25, recurrent_dropout=0.1, return_sequences=true)
             GRU(4, recurrent_dropout=0.2, return_sequences=true)
             GRU(4, recurrent_dropout=0.2, reset_after=false, return_sequences=true)
             SimpleRNN(2, recurrent_dropout=0.2) }""",
        tmp_path,
    )
    found = run(GATES, tmp_path)
    assert found["again"]
    assert found["other"]
    assert found["slopes"]
    assert abs(found["kept"] - 0.75) < 0.01
    assert found["values"] == pytest.approx([0.0, 1 / 0.75])
    assert not found["alike"]


START = """
import json, sys
import jax, numpy as np
sys.path.insert(0, sys.argv[1])
import model

params = model.init(jax.random.key(3))
print(json.dumps({
    "limit": float(abs(params["dense"]["kernel"]).max()),
    "bias": float(abs(params["dense"]["bias"]).max()),
    "deviation": float(params["dense_1"]["kernel"].std()),
    "forget": params["lstm"]["bias"].tolist(),
    "seeds": bool((model.init(jax.random.key(4))["dense"]["kernel"] != params["dense"]["kernel"]).any()),
}))
"""


def test_weights_start_as_the_model_says(tmp_path: Path) -> None:
    emitted(
        """network M { input: (4, 300) layers:
             Dense(200) Dense(200, kernel_initializer="he_normal", use_bias=false) LSTM(2) }""",
        tmp_path,
    )
    found = run(START, tmp_path)
    limit = (6 / 500) ** 0.5
    assert 0.95 * limit < found["limit"] <= limit * (1 + 1e-6)
    assert found["bias"] == 0
    assert abs(found["deviation"] / (2 / 200) ** 0.5 - 1) < 0.05
    assert found["forget"] == [0, 0, 1, 1, 0, 0, 0, 0]
    assert found["seeds"]


FILES = """
import json, sys
sys.path.insert(0, sys.argv[1])
import model

model.save(model.load(sys.argv[1] + "/before.safetensors"), sys.argv[1] + "/after.safetensors")
print(json.dumps({}))
"""


def test_saved_weights_are_the_loaded_file(tmp_path: Path) -> None:
    found = load(Source("net.nr", MODEL))
    weights = initial_weights(found.weights, 5)
    save_file({name: np.ascontiguousarray(value) for name, value in weights.items()}, tmp_path / "before.safetensors")
    (tmp_path / "model.py").write_text(emit(found.module))
    run(FILES, tmp_path)
    written = load_file(tmp_path / "after.safetensors")
    assert set(written) == set(weights)
    for name, value in weights.items():
        np.testing.assert_array_equal(written[name], value, err_msg=name)


KEYS = """
import json, sys
import jax, jax.numpy as jnp
sys.path.insert(0, sys.argv[1])
import model

params = model.init(jax.random.key(0))
x = jnp.ones((4, 5, 6))
keys = iter(jax.random.split(jax.random.key(1), 20))
model.forward(params, x, keys)
found = model.train_forward(params, x, jax.random.key(2))
print(json.dumps({"drawn": 20 - len(list(keys)), "finite": bool(jnp.isfinite(found).all())}))
"""


def test_training_has_a_key_for_each_noise(tmp_path: Path) -> None:
    emitted(
        """
        define Block() { Dense(6) Dropout(0.1) GaussianNoise(0.1) }
        network Net {
          input: (5, 6)
          layers: Block() * 3 LSTM(6, return_sequences=true, dropout=0.1, recurrent_dropout=0.2) Dropout(0.5) Output(2)
        }
        """,
        tmp_path,
    )
    assert "jax.random.split(key, 9)" in (tmp_path / "model.py").read_text()
    assert run(KEYS, tmp_path) == {"drawn": 9, "finite": True}
