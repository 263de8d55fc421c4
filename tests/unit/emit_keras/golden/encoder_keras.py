"""The model `Encoder` in Keras, written by neuralc."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


@keras.saving.register_keras_serializable()
class MultiHeadAttention(layers.Layer):
    """Block `MultiHeadAttention`: (batch, S, 64) -> (batch, S, 64)."""

    def build(self, input_shape):
        self.query_kernel = self.add_weight(
            name="query-kernel", shape=(64, 4, 16), initializer="glorot_uniform"
        )
        self.query_bias = self.add_weight(
            name="query-bias", shape=(4, 16), initializer="zeros"
        )
        self.key_kernel = self.add_weight(
            name="key-kernel", shape=(64, 4, 16), initializer="glorot_uniform"
        )
        self.key_bias = self.add_weight(
            name="key-bias", shape=(4, 16), initializer="zeros"
        )
        self.value_kernel = self.add_weight(
            name="value-kernel", shape=(64, 4, 16), initializer="glorot_uniform"
        )
        self.value_bias = self.add_weight(
            name="value-bias", shape=(4, 16), initializer="zeros"
        )
        self.attention_output_kernel = self.add_weight(
            name="attention_output-kernel",
            shape=(4, 16, 64),
            initializer="glorot_uniform",
        )
        self.attention_output_bias = self.add_weight(
            name="attention_output-bias", shape=(64,), initializer="zeros"
        )

    def call(self, x):
        y = ops.reshape(self.query_kernel, (64, 64))  # (64, 64)
        y = ops.matmul(x, y)
        z = ops.reshape(self.query_bias, (64,))  # (64,)
        y = y + z
        y = ops.reshape(y, (ops.shape(y)[0], ops.shape(y)[1], 4, 16))
        z = ops.reshape(self.key_kernel, (64, 64))  # (64, 64)
        z = ops.matmul(x, z)
        bias = ops.reshape(self.key_bias, (64,))  # (64,)
        z = z + bias
        z = ops.reshape(z, (ops.shape(z)[0], ops.shape(z)[1], 4, 16))
        kernel = ops.reshape(self.value_kernel, (64, 64))  # (64, 64)
        x = ops.matmul(x, kernel)
        bias = ops.reshape(self.value_bias, (64,))  # (64,)
        x = x + bias
        x = ops.reshape(x, (ops.shape(x)[0], ops.shape(x)[1], 4, 16))
        y = y * 0.25
        y = ops.softmax(ops.einsum("bqnh,bknh->bnqk", y, z))  # (batch, 4, S, S)
        x = ops.einsum("bnqk,bknh->bqnh", y, x)  # (batch, S, 4, 16)
        y = ops.reshape(self.attention_output_kernel, (64, 64))  # (64, 64)
        x = ops.reshape(x, (ops.shape(x)[0], ops.shape(x)[1], 64))  # (batch, S, 64)
        x = ops.matmul(x, y)
        return x + self.attention_output_bias


def encoder_layer(x, name):
    """Block `encoder_layer`: (batch, S, 64) -> (batch, S, 64)."""
    y = MultiHeadAttention(name=f"{name}-residual_connection-multi_head_attention")(x)
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
