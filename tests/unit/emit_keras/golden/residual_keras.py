"""The model `ResidualNet` in Keras, written by neuralc."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def block(x, filters, kernel_size, name):
    """Block `block`: (batch, S, S, T) -> (batch, S, S, filters)."""
    x = layers.Conv2D(
        filters, kernel_size, padding="same", use_bias=False, name=f"{name}-conv2d"
    )(x)
    x = layers.BatchNormalization(scale=False, name=f"{name}-batch_normalization")(x)
    x = layers.LeakyReLU(negative_slope=0.1)(x)
    return layers.Dropout(0.1)(x)


def residual_connection(x, name):
    """Block `residual_connection`: (batch, 14, 14, 16) -> (batch, 14, 14, 16)."""
    y = block(x, 16, 3, name=f"{name}-block")
    y = block(y, 16, 3, name=f"{name}-block_1")
    return y + x


def build_model():
    """Model `ResidualNet`: image (batch, 28, 28, 3) -> output (batch, 10)."""
    image = keras.Input((28, 28, 3), name="image")
    x = block(image, 16, 3, name="block")  # (batch, 28, 28, 16)
    x = layers.MaxPooling2D(2)(x)  # (batch, 14, 14, 16)
    for index in range(3):
        x = residual_connection(x, name=f"residual_connection-{index}")
    x = block(x, 32, 5, name="block_1")  # (batch, 14, 14, 32)
    y = layers.DepthwiseConv2D(
        3,
        strides=2,
        padding="same",
        depth_multiplier=2,
        name="residual_connection_1-depthwise_conv2d",
    )(x)
    y = layers.BatchNormalization(name="residual_connection_1-batch_normalization")(y)
    x = layers.Conv2D(
        64, 1, strides=2, use_bias=False, name="residual_connection_1-shortcut"
    )(x)
    x = layers.PReLU(shared_axes=(1, 2), name="p_re_lu")(y + x)
    x = layers.AveragePooling2D(3, strides=2, padding="same")(x)  # (batch, 4, 4, 64)
    x = layers.PReLU(name="p_re_lu_1")(x)
    x = layers.GlobalAveragePooling2D()(x)  # (batch, 64)
    x = layers.Dense(64, activation="gelu", name="dense-0")(x)
    x = layers.Dense(64, activation="gelu", name="dense-1")(x)
    x = layers.Dense(10, activation="softmax", name="output")(x)  # (batch, 10)
    return keras.Model(image, x, name="ResidualNet")


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
