"""Models as users of Keras write them, of different kinds: what imports and round trips are tried with.

Each is made anew, in the precision that `keras.config.floatx()` says, and is small: what matters is how it is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from support.keras_reference import keras

layers, ops = keras.layers, keras.ops


@dataclass(frozen=True)
class Example:
    """A model by its name, and inputs of a batch: floats in float64, to be cast to what the model takes."""

    name: str
    make: Callable[[], Any]
    inputs: Callable[[], list[Any]]


def _normal(*shape: int) -> Any:
    return np.random.default_rng(7).normal(size=shape)


def _tokens(below: int, *shape: int) -> Any:
    return np.random.default_rng(7).integers(0, below, shape).astype("int32")


# --- images ----------------------------------------------------------------------------------------------------------
def mnist_convnet() -> Any:
    """The simple convnet that everyone starts with."""
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Rescaling(1.0 / 255),
            layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(16, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="mnist_convnet",
    )
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def _residual_block(x: Any, filters: int, stride: int, name: str) -> Any:
    shortcut = x
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False, name=f"{name}_conv1")(x)
    x = layers.BatchNormalization(name=f"{name}_bn1")(x)
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv2")(x)
    x = layers.BatchNormalization(name=f"{name}_bn2")(x)
    if stride != 1 or shortcut.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, strides=stride, use_bias=False, name=f"{name}_project")(shortcut)
        shortcut = layers.BatchNormalization(name=f"{name}_project_bn")(shortcut)
    return layers.Activation("relu", name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, shortcut]))


def resnet() -> Any:
    """A functional ResNet with blocks from a function."""
    inputs = keras.Input((24, 24, 3), name="image")
    x = layers.ZeroPadding2D(1)(inputs)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, kernel_initializer="he_normal", name="stem")(x)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.ReLU(name="stem_relu")(x)
    for stage, (filters, stride) in enumerate([(8, 1), (16, 2)]):
        for block in range(2):
            x = _residual_block(x, filters, stride if block == 0 else 1, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(10, kernel_regularizer=keras.regularizers.L2(1e-4), name="logits")(x)
    model = keras.Model(inputs, outputs, name="resnet")
    model.compile(
        optimizer=keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 1000), momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def unet() -> Any:
    """A U-Net: what goes down is kept and joined on the way up."""

    def block(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal")(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
        return x

    inputs = keras.Input((16, 16, 3))
    skips, x = [], inputs
    for filters in (4, 8):
        x = block(x, filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
        x = layers.SpatialDropout2D(0.1)(x)
    x = block(x, 16)
    for filters, skip in zip((8, 4), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        x = layers.concatenate([x, skip])
        x = block(x, filters)
    outputs = layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x)
    return keras.Model(inputs, outputs, name="unet")


def mobilenet() -> Any:
    """Separable convolutions with inverted residuals, as MobileNetV2 has them."""

    def bottleneck(x: Any, filters: int, stride: int, expand: int, number: int) -> Any:
        inputs = x
        x = layers.Conv2D(expand * x.shape[-1], 1, padding="same", use_bias=False, name=f"expand_{number}")(x)
        x = layers.BatchNormalization(momentum=0.999, epsilon=1e-3)(x)
        x = layers.ReLU(6.0)(x)
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=f"depthwise_{number}")(x)
        x = layers.BatchNormalization(momentum=0.999, epsilon=1e-3)(x)
        x = layers.ReLU(6.0)(x)
        x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"project_{number}")(x)
        x = layers.BatchNormalization(momentum=0.999, epsilon=1e-3)(x)
        return layers.Add()([inputs, x]) if stride == 1 and inputs.shape[-1] == filters else x

    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu6")(x)
    for number, (filters, stride) in enumerate([(8, 1), (12, 2), (12, 1)]):
        x = bottleneck(x, filters, stride, 4, number)
    x = layers.SeparableConv2D(24, 3, padding="same", activation="relu")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(5, 1, padding="same", name="classes")(x)
    x = layers.Reshape((5,))(x)
    return keras.Model(inputs, layers.Softmax()(x), name="mobilenet")


# --- text ------------------------------------------------------------------------------------------------------------
def text_classifier() -> Any:
    """Tokens with padding, through an embedding and an LSTM."""
    model = keras.Sequential(name="text_classifier")
    model.add(keras.Input(shape=(None,), dtype="int32", name="tokens"))
    model.add(layers.Embedding(200, 16, mask_zero=True))
    model.add(layers.LSTM(12, dropout=0.2, recurrent_dropout=0.2))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile("rmsprop", "binary_crossentropy", metrics=["acc"])
    return model


def transformer_classifier() -> Any:
    """A Transformer block on tokens, with arithmetic between layers."""
    length, width = 12, 16
    inputs = keras.Input((length,), dtype="int32", name="tokens")
    x = layers.Embedding(100, width, name="token_embedding")(inputs)
    places = np.arange(length)[:, None] / 10000 ** (np.arange(width)[None, :] // 2 * 2 / width)
    x = x * ops.sqrt(float(width)) + np.where(np.arange(width) % 2 == 0, np.sin(places), np.cos(places))
    for number in range(2):
        attention = layers.MultiHeadAttention(4, width // 4, dropout=0.1, name=f"attention_{number}")(x, x)
        x = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{number}a")(x + layers.Dropout(0.1)(attention))
        hidden = layers.Dense(32, activation="gelu", name=f"mlp_{number}a")(x)
        hidden = layers.Dense(width, name=f"mlp_{number}b")(hidden)
        x = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{number}b")(x + layers.Dropout(0.1)(hidden))
    x = ops.mean(x, axis=1)
    outputs = layers.Dense(2, activation="softmax", name="sentiment")(x)
    return keras.Model(inputs, outputs, name="transformer_classifier")


def masked_transformer() -> Any:
    """Padded tokens: masks go from the embedding through attention, and are used in arithmetic too."""
    tokens = keras.Input((10,), dtype="int32", name="tokens")
    x = layers.Embedding(50, 12, mask_zero=True)(tokens)
    x = x + layers.MultiHeadAttention(2, 6)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(x)
    real = ops.cast(ops.not_equal(tokens, 0), keras.config.floatx())
    weights = ops.expand_dims(real / (ops.sum(real, axis=1, keepdims=True) + 1e-6), -1)
    pooled = ops.sum(x * weights, axis=1)
    return keras.Model(tokens, layers.Dense(3)(pooled), name="masked_transformer")


# --- several inputs and outputs --------------------------------------------------------------------------------------
def wide_and_deep() -> Any:
    """Inputs of different kinds by name, two outputs by name, a loss for each."""
    numbers = keras.Input((6,), name="numbers")
    city = keras.Input((1,), dtype="int32", name="city")
    title = keras.Input((8,), dtype="int32", name="title")
    normalized = layers.Normalization(mean=[0.0, 1.0, 2.0, 0.5, 0.1, 3.0], variance=[1.0, 2.0, 1.0, 0.5, 1.0, 4.0])(
        numbers
    )
    deep = layers.Concatenate()(
        [
            normalized,
            layers.Flatten()(layers.Embedding(20, 4, name="city_embedding")(city)),
            layers.GlobalAveragePooling1D()(layers.Embedding(100, 8, name="title_embedding")(title)),
        ]
    )
    for units in (16, 8):
        deep = layers.Dense(units, activation="relu")(deep)
        deep = layers.Dropout(0.3)(deep)
    merged = layers.concatenate([normalized, deep])
    price = layers.Dense(1, name="price")(merged)
    category = layers.Dense(4, activation="softmax", name="category")(merged)
    inputs = {"numbers": numbers, "city": city, "title": title}
    model = keras.Model(inputs, {"price": price, "category": category}, name="wide_and_deep")
    model.compile(
        optimizer=keras.optimizers.AdamW(1e-3, weight_decay=1e-4),
        loss={"price": "mse", "category": "categorical_crossentropy"},
    )
    return model


def siamese() -> Any:
    """One encoder for two inputs, and the distance between what it makes of them."""
    encoder = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(4, 4, activation="tanh"),
            layers.AveragePooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.BatchNormalization(),
            layers.Dense(8, activation="tanh"),
            layers.UnitNormalization(),
        ],
        name="encoder",
    )
    left, right = keras.Input((12, 12, 1), name="left"), keras.Input((12, 12, 1), name="right")
    a, b = encoder(left), encoder(right)
    distance = ops.sqrt(ops.maximum(ops.sum(ops.square(a - b), axis=1, keepdims=True), keras.config.epsilon()))
    outputs = layers.Dense(1, activation="sigmoid")(layers.BatchNormalization()(distance))
    return keras.Model([left, right], outputs, name="siamese")


def autoencoder() -> Any:
    """An encoder and a decoder, models of their own, one applied to what the other gives."""
    image = keras.Input((16, 16, 1), name="image")
    x = layers.Conv2D(4, 3, activation="relu", padding="same", strides=2)(image)
    x = layers.Conv2D(8, 3, activation="relu", padding="same", strides=2)(x)
    encoder = keras.Model(image, layers.Dense(6, name="code")(layers.Flatten()(x)), name="encoder")
    code = keras.Input((6,), name="latent")
    x = layers.Dense(4 * 4 * 8, activation="relu")(code)
    x = layers.Reshape((4, 4, 8))(x)
    x = layers.Conv2DTranspose(8, 3, activation="relu", strides=2, padding="same")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    decoder = keras.Model(code, layers.Conv2D(1, 3, activation="sigmoid", padding="same")(x), name="decoder")
    given = keras.Input((16, 16, 1), name="given")
    return keras.Model(given, decoder(encoder(given)), name="autoencoder")


# --- series ----------------------------------------------------------------------------------------------------------
def time_series() -> Any:
    """Convolutions along time, recurrent layers both ways, one forecast for each of the next steps."""
    model = keras.Sequential(
        [
            keras.Input((30, 5)),
            layers.Conv1D(8, 5, padding="causal", activation="relu"),
            layers.Conv1D(8, 3, padding="same", dilation_rate=2, activation="selu"),
            layers.MaxPooling1D(2),
            layers.Bidirectional(layers.GRU(6, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(4), merge_mode="ave"),
            layers.RepeatVector(3),
            layers.SimpleRNN(6, return_sequences=True),
            layers.TimeDistributed(layers.Dense(2)),
        ],
        name="time_series",
    )
    model.compile(loss=keras.losses.Huber(), optimizer="adam", metrics=[keras.metrics.RootMeanSquaredError()])
    return model


def sequence_to_sequence() -> Any:
    """An encoder whose states start a decoder, with attention over all steps."""
    source = keras.Input((None, 6), name="source")
    target = keras.Input((None, 4), name="target")
    steps, h, c = layers.LSTM(8, return_sequences=True, return_state=True, name="encoder")(source)
    decoded = layers.LSTM(8, return_sequences=True, name="decoder")(target, initial_state=[h, c])
    context = layers.Attention()([decoded, steps])
    both = layers.Concatenate()([decoded, context])
    return keras.Model([source, target], layers.Dense(4, name="next")(both), name="sequence_to_sequence")


MODELS: list[Example] = [
    Example("mnist_convnet", mnist_convnet, lambda: [_normal(2, 28, 28, 1) * 100]),
    Example("resnet", resnet, lambda: [_normal(2, 24, 24, 3)]),
    Example("unet", unet, lambda: [_normal(2, 16, 16, 3)]),
    Example("mobilenet", mobilenet, lambda: [_normal(2, 32, 32, 3)]),
    Example("text_classifier", text_classifier, lambda: [_tokens(200, 3, 11) * (np.arange(11) < 8).astype("int32")]),
    Example("transformer_classifier", transformer_classifier, lambda: [_tokens(100, 3, 12)]),
    Example("masked_transformer", masked_transformer, lambda: [_tokens(6, 3, 10)]),
    Example("wide_and_deep", wide_and_deep, lambda: [_normal(3, 6), _tokens(20, 3, 1), _tokens(100, 3, 8)]),
    Example("siamese", siamese, lambda: [_normal(3, 12, 12, 1), 2 * _normal(3, 12, 12, 1)]),
    Example("autoencoder", autoencoder, lambda: [_normal(2, 16, 16, 1)]),
    Example("time_series", time_series, lambda: [_normal(2, 30, 5)]),
    Example("sequence_to_sequence", sequence_to_sequence, lambda: [_normal(2, 7, 6), _normal(2, 5, 4)]),
]
