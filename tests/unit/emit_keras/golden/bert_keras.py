"""The model `Bert` in Keras, written by neuralc."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


@keras.saving.register_keras_serializable()
class Attention(layers.Layer):
    """Block `Attention`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.query = layers.Dense(768, name="query")
        self.key = layers.Dense(768, name="key")
        self.value = layers.Dense(768, name="value")
        self.dropout = layers.Dropout(0.1)
        self.attention_output = layers.Dense(768, name="attention_output")
        self.dropout_1 = layers.Dropout(0.1)

    def call(self, x, mask):
        y = ops.expand_dims(mask, axis=1)  # (batch, 1, S)
        z = ops.expand_dims(mask, axis=2)  # (batch, S, 1)
        y = ops.logical_and(y, z)  # (batch, S, S)
        z = self.query(x)
        z = ops.reshape(z, (ops.shape(z)[0], ops.shape(z)[1], 12, 64))
        key = self.key(x)
        key = ops.reshape(key, (ops.shape(key)[0], ops.shape(key)[1], 12, 64))
        value = self.value(x)
        value = ops.reshape(value, (ops.shape(value)[0], ops.shape(value)[1], 12, 64))
        z = z * 0.125
        z = ops.einsum("bqnh,bknh->bnqk", z, key)  # (batch, 12, S, S)
        y = ops.expand_dims(y, axis=1)  # (batch, 1, S, S)
        y = ops.where(y, z, -1000000000.0)  # (batch, 12, S, S)
        y = ops.softmax(y)
        y = self.dropout(y)
        y = ops.einsum("bnqk,bknh->bqnh", y, value)  # (batch, S, 12, 64)
        y = ops.reshape(y, (ops.shape(y)[0], ops.shape(y)[1], 768))  # (batch, S, 768)
        y = self.attention_output(y)
        y = self.dropout_1(y)
        return x + y


@keras.saving.register_keras_serializable()
class FeedForward(layers.Layer):
    """Block `FeedForward`: (batch, S, 768) -> (batch, S, 768)."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden = layers.Dense(3072, activation="gelu", name="hidden")
        self.dropout = layers.Dropout(0.1)
        self.output_1 = layers.Dense(768, name="output")
        self.dropout_1 = layers.Dropout(0.1)

    def call(self, x):
        y = self.hidden(x)  # (batch, S, 3072)
        y = self.dropout(y)
        y = self.output_1(y)  # (batch, S, 768)
        y = self.dropout_1(y)
        return x + y


@keras.saving.register_keras_serializable()
class TransformerEncoder(layers.Layer):
    """Block `TransformerEncoder`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = Attention(name="attention")
        self.attention_norm = layers.LayerNormalization(
            epsilon=1e-12, name="attention_norm"
        )
        self.feed_forward = FeedForward(name="feed_forward")
        self.feed_forward_norm = layers.LayerNormalization(
            epsilon=1e-12, name="feed_forward_norm"
        )

    def call(self, x, mask):
        x = self.attention(x, mask)
        x = self.attention_norm(x)
        x = self.feed_forward(x)
        return self.feed_forward_norm(x)


@keras.saving.register_keras_serializable()
class Bert(layers.Layer):
    """Model `Bert`.

    ids (batch, S), segments (batch, S)
    -> sequence (batch, S, 768), pooled (batch, 768)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(30522, 768, name="embedding")
        self.embedding_1 = layers.Embedding(2, 768, name="embedding_1")
        self.layer_normalization = layers.LayerNormalization(
            epsilon=1e-12, name="layer_normalization"
        )
        self.dropout = layers.Dropout(0.1)
        self.transformer_encoder = [
            TransformerEncoder(name=f"transformer_encoder-{i}") for i in range(12)
        ]
        self.dense = layers.Dense(768, activation="tanh", name="dense")

    def build(self, input_shape):
        self.positional_encoding_embeddings = self.add_weight(
            name="positional_encoding-embeddings",
            shape=(512, 768),
            initializer="glorot_uniform",
        )

    def call(self, ids, segments):
        x = self.embedding(ids)  # (batch, S, 768)
        y = ids != 0
        z = self.embedding_1(segments)  # (batch, S, 768)
        x = x + z
        z = self.positional_encoding_embeddings[: ops.shape(ids)[1]]  # (S, 768)
        x = x + z
        x = self.layer_normalization(x)
        x = self.dropout(x)
        for transformer_encoder in self.transformer_encoder:
            x = transformer_encoder(x, y)
        y = x[:, :1]  # (batch, 1, 768)
        y = y[:, 0]  # (batch, 768)
        y = self.dense(y)
        return x, y


def build_model():
    """The layer `Bert` as a model."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    segments = keras.Input((None,), dtype="int32", name="segments")
    outputs = Bert(name="Bert")(ids, segments)
    return keras.Model([ids, segments], outputs, name="Bert_model")


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
