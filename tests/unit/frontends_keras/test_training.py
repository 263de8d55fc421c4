"""What `model.compile` says becomes clauses of the language, flags and rules of weights stay; the rest is a warning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.keras_reference import keras, layers

from neuralc.dialects.graph import ModelOp
from neuralc.frontends.keras.load import from_keras
from neuralc.imported import ImportedModel

pytestmark = pytest.mark.thorough


def _imported(**compiled: Any) -> ImportedModel:
    given = keras.Input((4,), name="x")
    outputs = [layers.Dense(3, "softmax", name="a")(given), layers.Dense(1, name="b")(given)]
    model = keras.Model(given, outputs if compiled.pop("two", False) else outputs[0])
    model.compile(**compiled)
    return from_keras(model)


def _attribute(found: ImportedModel, name: str) -> str:
    model = next(op for op in found.module.body.block.ops if isinstance(op, ModelOp))
    return str(model.attributes[name]) if name in model.attributes else ""


def test_optimizers_keep_what_differs_from_their_defaults() -> None:
    found = _imported(optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.05), loss="mse")
    assert not found.notices
    text = _attribute(found, "optimizer")
    assert "AdamW" in text
    assert "learning_rate = 0.01" in text
    assert "weight_decay = 0.05" in text
    assert "beta" not in text


def test_schedules() -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9)
    text = _attribute(_imported(optimizer=keras.optimizers.SGD(schedule, momentum=0.9), loss="mse"), "optimizer")
    assert "ExponentialDecay" in text
    assert "decay_steps = 100" in text


def test_losses_and_metrics_by_name_and_as_objects() -> None:
    found = _imported(
        optimizer="sgd",
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(k=2)],
    )
    assert "label_smoothing = 0.1" in _attribute(found, "loss")
    assert "accuracy" in _attribute(found, "metrics")
    assert "k = 2" in _attribute(found, "metrics")


def test_losses_of_outputs_by_name_are_in_their_order() -> None:
    found = _imported(two=True, loss={"b": "mse", "a": "categorical_crossentropy"})
    assert _attribute(found, "loss").index("categorical_crossentropy") < _attribute(found, "loss").index("mean_squared")


def _loss(y: Any, x: Any) -> Any:
    return keras.ops.mean(y - x)


@pytest.mark.parametrize(
    ("compiled", "what"),
    [
        ({"loss": _loss}, "loss"),
        ({"loss": "mse", "loss_weights": [0.5]}, "loss_weights"),
        ({"loss": "mse", "two": True, "metrics": {"a": ["accuracy"]}}, "metrics"),
    ],
)
def test_what_the_language_does_not_say_is_a_warning(compiled: dict[str, Any], what: str) -> None:
    (found,) = _imported(**compiled).notices
    assert found.code == "W0601"
    assert f"of the {what} is left out" in found.message


def test_rules_of_weights_stay() -> None:
    dense = layers.Dense(
        3, kernel_initializer=keras.initializers.HeNormal(seed=3), kernel_regularizer=keras.regularizers.L1(0.2),
        bias_constraint=keras.constraints.MaxNorm(3), name="dense",
    )  # fmt: skip
    frozen = layers.Dense(2, trainable=False, name="frozen")
    text = str(from_keras(keras.Sequential([keras.Input((4,)), dense, frozen])).module)
    kernel, bias, other = (next(line for line in text.split("\n") if f"@{name} :" in line) for name in
                           ("dense.kernel", "dense.bias", "frozen.kernel"))  # fmt: skip
    assert 'init "he_normal"' in kernel
    assert "seed = 3" in kernel
    assert 'regularizer "l1"' in kernel
    assert 'constraint "max_norm"' in bias
    assert "trainable = false" in other


def test_a_layer_in_two_models_is_told() -> None:
    shared, given, inner = layers.Dense(4, name="shared"), keras.Input((4,)), keras.Input((4,))
    model = keras.Model(given, keras.Model(inner, shared(inner), name="inner")(shared(given)))
    found = from_keras(model)
    assert [notice.code for notice in found.notices] == ["W0602", "W0602"]
    np.testing.assert_array_equal(found.weights["shared.kernel"], found.weights["inner.shared.kernel"])


def test_arrays_are_shared_with_a_live_model() -> None:
    dense = layers.Dense(3, name="dense")
    found = from_keras(keras.Sequential([keras.Input((4,)), dense]))
    assert np.shares_memory(found.weights["dense.kernel"], dense.kernel.value.detach().numpy())
