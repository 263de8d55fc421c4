"""The model `Encoder` in Keras, written by neuralc."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def multi_head_attention(x, name):
    """Block `MultiHeadAttention`: (batch, S, 64) -> (batch, S, 64)."""
    query = layers.EinsumDense(
        "bsd,dnh->bsnh", (None, 4, 16), bias_axes="nh", name=f"{name}-query"
    )(x)
    key = layers.EinsumDense(
        "bsd,dnh->bsnh", (None, 4, 16), bias_axes="nh", name=f"{name}-key"
    )(x)
    value = layers.EinsumDense(
        "bsd,dnh->bsnh", (None, 4, 16), bias_axes="nh", name=f"{name}-value"
    )(x)
    x = layers.Rescaling(0.25)(query)
    x = ops.einsum("bqnh,bknh->bnqk", x, key)  # (batch, 4, S, S)
    x = layers.Activation("softmax")(x)
    x = ops.einsum("bnqk,bknh->bqnh", x, value)  # (batch, S, 4, 16)
    return layers.EinsumDense(
        "bsnh,nhd->bsd", (None, 64), bias_axes="d", name=f"{name}-attention_output"
    )(x)


def encoder_layer(x, name):
    """Block `encoder_layer`: (batch, S, 64) -> (batch, S, 64)."""
    y = multi_head_attention(x, name=f"{name}-residual_connection-multi_head_attention")
    y = layers.Dropout(0.1)(y)
    x = y + x
    x = layers.LayerNormalization(epsilon=1e-12, name=f"{name}-layer_normalization")(x)
    y = layers.Dense(
        256, activation="gelu", name=f"{name}-residual_connection_1-dense"
    )(x)
    y = layers.Dense(64, name=f"{name}-residual_connection_1-dense_1")(y)
    y = layers.Dropout(0.1)(y)
    x = y + x
    return layers.LayerNormalization(
        epsilon=1e-12, name=f"{name}-layer_normalization_1"
    )(x)


def build_model():
    """Model `Encoder`: ids (batch, S) -> pooled (batch, S, 64)."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = layers.Embedding(1000, 64, name="embedding")(ids)  # (batch, S, 64)
    for index in range(2):
        x = encoder_layer(x, name=f"encoder_layer-{index}")
    x = layers.Dense(64, activation="tanh", name="pooled")(x)
    return keras.Model(ids, x, name="Encoder")


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
