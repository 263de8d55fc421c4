"""The model `Perceptron` in Keras, written by neuralc."""

import re

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def build_model():
    """Model `Perceptron`: input (batch, 20) -> output (batch, 1)."""
    inputs = keras.Input((20,), name="input")
    x = layers.Dense(32, activation="tanh", name="dense")(inputs)  # (batch, 32)
    x = layers.Dense(
        32, activation="softplus", kernel_initializer="he_normal", name="dense_1"
    )(x)
    x = layers.Dense(1, name="output")(x)  # (batch, 1)
    return keras.Model(inputs, x, name="Perceptron")


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
