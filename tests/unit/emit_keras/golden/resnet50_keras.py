"""The model `ResNet50` in Keras, written by neuralc."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def conv_norm(x, filters, kernel_size, name, strides=1):
    """Block `conv_norm`: (batch, S, S, T) -> (batch, U, U, filters)."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        name=f"{name}-conv2d",
    )(x)
    return layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=f"{name}-batch_normalization"
    )(x)


def bottleneck(x, hidden, filters, name, strides=1):
    """Block `bottleneck`: (batch, S, S, T) -> (batch, U, U, filters)."""
    x = conv_norm(x, hidden, 1, strides=strides, name=f"{name}-conv_norm")
    x = layers.Activation("relu")(x)
    x = conv_norm(x, hidden, 3, name=f"{name}-conv_norm_1")
    x = layers.Activation("relu")(x)
    return conv_norm(x, filters, 1, name=f"{name}-conv_norm_2")


def same(x, hidden, filters, name):
    """Block `same`: (batch, S, S, filters) -> (batch, S, S, filters)."""
    y = bottleneck(x, hidden, filters, name=f"{name}-residual-bottleneck")
    return layers.Activation("relu")(y + x)


def stage(x, hidden, filters, num_same, name, strides=1):
    """Block `stage`: (batch, S, S, T) -> (batch, U, U, filters)."""
    y = bottleneck(x, hidden, filters, strides=strides, name=f"{name}-main-bottleneck")
    x = conv_norm(x, filters, 1, strides=strides, name=f"{name}-shortcut-conv_norm")
    x = layers.Activation("relu")(y + x)
    for index in range(num_same):
        x = same(x, hidden, filters, name=f"{name}-same-{index}")
    return x


def trunk(x, name):
    """Block `trunk`: (batch, 224, 224, 3) -> (batch, 2048)."""
    x = layers.ZeroPadding2D(3)(x)  # (batch, 230, 230, 3)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name=f"{name}-conv2d")(x)
    x = layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=f"{name}-batch_normalization"
    )(x)
    x = layers.Activation("relu")(x)
    x = layers.ZeroPadding2D(1)(x)  # (batch, 114, 114, 64)
    x = layers.MaxPooling2D(3, strides=2)(x)  # (batch, 56, 56, 64)
    x = stage(x, 64, 256, num_same=2, name=f"{name}-stage")  # (batch, 56, 56, 256)
    x = stage(x, 128, 512, num_same=3, strides=2, name=f"{name}-stage_1")
    x = stage(x, 256, 1024, num_same=5, strides=2, name=f"{name}-stage_2")
    x = stage(x, 512, 2048, num_same=2, strides=2, name=f"{name}-stage_3")
    return layers.GlobalAveragePooling2D()(x)


def build_model():
    """Model `ResNet50`: image (batch, 224, 224, 3) -> output (batch, 1000)."""
    image = keras.Input((224, 224, 3), name="image")
    x = trunk(image, name="trunk")  # (batch, 2048)
    x = layers.Dense(1000, activation="softmax", name="output")(x)  # (batch, 1000)
    return keras.Model(image, x, name="ResNet50")


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
