"""The model `Mlp` in Keras, written by neuralc."""

import re

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def build_model():
    """Model `Mlp`: pixels (batch, 784) -> probabilities (batch, 10)."""
    pixels = keras.Input((784,), name="pixels")
    x = layers.Dense(256, activation="relu", name="dense")(pixels)  # (batch, 256)
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(128, activation="relu", name="dense_1")(x)  # (batch, 128)
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(10, activation="softmax", name="probabilities")(x)  # (batch, 10)
    return keras.Model(pixels, x, name="Mlp")


def weights(model):
    """The weights of the model by their names in a weights file."""
    return {re.sub("[-/]", ".", weight.path): weight for weight in model.weights}


def load(path):
    """The model with the weights of a safetensors file."""
    model = build_model()
    stored = load_file(path)
    for key, weight in weights(model).items():
        weight.assign(stored[key])
    return model


def save(model, path):
    """Write the weights to a safetensors file that neuralc reads."""
    named = weights(model).items()
    stored = {key: ops.convert_to_numpy(weight) for key, weight in named}
    save_file(stored, path)
