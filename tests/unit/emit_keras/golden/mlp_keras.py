"""The model `Mlp` in Keras, written by neuralc."""

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
