"""ResNet-50 in Keras: He et al. 2016, table 1."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def conv_norm(x, filters, kernel_size, strides=1, name=None):
    """A convolution and batch norm: (batch, S, S, C) -> (batch, T, T, filters)."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)


def bottleneck(x, filters, channels, strides=1, name=None):
    """Figure 5, right: (batch, S, S, C) -> (batch, T, T, channels)."""
    x = conv_norm(x, filters, 1, strides=strides, name=f"{name}_1")
    x = layers.Activation("relu")(x)
    x = conv_norm(x, filters, 3, name=f"{name}_2")
    x = layers.Activation("relu")(x)
    return conv_norm(x, channels, 1, name=f"{name}_3")


def stage(x, filters, channels, blocks, strides=2, name=None):
    """Option B: a projection, then blocks that keep the shape."""
    y = bottleneck(x, filters, channels, strides=strides, name=f"{name}_block1")
    x = conv_norm(x, channels, 1, strides=strides, name=f"{name}_shortcut")
    x = layers.Activation("relu")(x + y)
    for index in range(2, blocks + 1):
        y = bottleneck(x, filters, channels, name=f"{name}_block{index}")
        x = layers.Activation("relu")(x + y)
    return x


def build_model():
    """image (batch, 224, 224, 3) -> probabilities (batch, 1000)."""
    image = keras.Input((224, 224, 3), name="image")
    x = layers.ZeroPadding2D(3)(image)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="norm")(x)
    x = layers.Activation("relu")(x)  # (batch, 112, 112, 64)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.MaxPooling2D(3, strides=2)(x)  # (batch, 56, 56, 64)
    x = stage(x, 64, 256, blocks=3, strides=1, name="stage1")
    x = stage(x, 128, 512, blocks=4, name="stage2")  # (batch, 28, 28, 512)
    x = stage(x, 256, 1024, blocks=6, name="stage3")  # (batch, 14, 14, 1024)
    x = stage(x, 512, 2048, blocks=3, name="stage4")  # (batch, 7, 7, 2048)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(1000, activation="softmax", name="output")(x)
    return keras.Model(image, x, name="resnet50")


def load(path):
    """The model with the weights of a safetensors file."""
    model = build_model()
    stored = load_file(path)
    for weight in model.weights:
        weight.assign(stored[weight.path])
    return model


def save(model, path):
    """Write the weights to a safetensors file."""
    stored = {weight.path: ops.convert_to_numpy(weight) for weight in model.weights}
    save_file(stored, path)
