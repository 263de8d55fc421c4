"""The model `Perceptron` in Keras, written by neuralc."""

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


def load(path):
    """The model with the weights of a safetensors file."""
    model = build_model()
    stored = load_file(path)
    for weight in model.weights:
        weight.assign(stored[weight.path])
    return model


def save(model, path):
    """Write the weights to a safetensors file that neuralc reads."""
    save_file({w.path: ops.convert_to_numpy(w) for w in model.weights}, path)
