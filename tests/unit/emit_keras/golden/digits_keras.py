"""The model `Digits` in Keras, written by neuralc."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def conv_block(x, filters, name):
    """Block `conv_block`: (batch, 8, 8, S) -> (batch, 8, 8, filters)."""
    x = layers.Conv2D(
        filters, 3, padding="same", use_bias=False, name=f"{name}-conv2d"
    )(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}-batch_normalization")(x)
    return layers.Activation("relu")(x)


def build_model():
    """Model `Digits`: image (batch, 8, 8, 1) -> probabilities (batch, 10)."""
    image = keras.Input((8, 8, 1), name="image")
    x = conv_block(image, 16, name="conv_block")  # (batch, 8, 8, 16)
    x = conv_block(x, 32, name="conv_block_1")  # (batch, 8, 8, 32)
    x = layers.MaxPooling2D(2)(x)  # (batch, 4, 4, 32)
    x = layers.Dropout(0.2)(x)
    x = layers.Flatten()(x)  # (batch, 512)
    x = layers.Dense(64, activation="relu", name="dense")(x)  # (batch, 64)
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(10, activation="softmax", name="probabilities")(x)  # (batch, 10)
    return keras.Model(image, x, name="Digits")


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
