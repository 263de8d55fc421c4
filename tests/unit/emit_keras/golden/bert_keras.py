"""The model `Bert` in Keras, written by neuralc."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


@keras.saving.register_keras_serializable()
class Attention(layers.Layer):
    """Block `Attention`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.query = layers.EinsumDense(
            "bsd,dnh->bsnh", (None, 12, 64), bias_axes="nh", name="query"
        )
        self.key = layers.EinsumDense(
            "bsd,dnh->bsnh", (None, 12, 64), bias_axes="nh", name="key"
        )
        self.value = layers.EinsumDense(
            "bsd,dnh->bsnh", (None, 12, 64), bias_axes="nh", name="value"
        )
        self.dropout = layers.Dropout(0.1)
        self.attention_output = layers.EinsumDense(
            "bsnh,nhd->bsd", (None, 768), bias_axes="d", name="attention_output"
        )
        self.dropout_1 = layers.Dropout(0.1)

    def call(self, x, mask):
        query = self.query(x)  # (batch, S, 12, 64)
        key = self.key(x)  # (batch, S, 12, 64)
        value = self.value(x)  # (batch, S, 12, 64)
        scores = ops.einsum("bqnh,bknh->bnqk", query * 0.125, key)  # (batch, 12, S, S)
        mask = mask[:, None] & mask[..., None]  # (batch, S, S)
        y = self.dropout(ops.softmax(ops.where(mask[:, None], scores, -1e9)))
        attention = ops.einsum("bnqk,bknh->bqnh", y, value)  # (batch, S, 12, 64)
        return x + self.dropout_1(self.attention_output(attention))


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
        y = self.dropout(self.hidden(x))  # (batch, S, 3072)
        return x + self.dropout_1(self.output_1(y))


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
        x = self.attention_norm(self.attention(x, mask))
        return self.feed_forward_norm(self.feed_forward(x))


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
        self.positional_encoding = self.add_weight(
            name="positional_encoding", shape=(512, 768), initializer="glorot_uniform"
        )

    def call(self, ids, segments):
        x = self.embedding(ids) + self.embedding_1(segments)  # (batch, S, 768)
        x = self.layer_normalization(x + self.positional_encoding[: ops.shape(ids)[1]])
        x = self.dropout(x)
        mask = ids != 0
        for transformer_encoder in self.transformer_encoder:
            x = transformer_encoder(x, mask)
        return x, self.dense(x[:, 0])


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
