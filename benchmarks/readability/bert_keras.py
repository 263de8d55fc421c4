"""BERT-base in Keras: Devlin et al. 2019, section 3. Token 0 is padding."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


@keras.saving.register_keras_serializable()
class Attention(layers.Layer):
    """Twelve heads: (batch, S, 768), mask (batch, S) -> (batch, S, 768)."""

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
        self.projection = layers.EinsumDense(
            "bsnh,nhd->bsd", (None, 768), bias_axes="d", name="projection"
        )

    def call(self, x, mask):
        query = self.query(x) / 8  # (batch, S, 12, 64)
        scores = ops.einsum("bqnh,bknh->bnqk", query, self.key(x))
        # A row that is masked as a whole attends to all alike, so no -inf.
        pairs = mask[:, None, :, None] & mask[:, None, None, :]
        weights = self.dropout(ops.softmax(ops.where(pairs, scores, -1e9)))
        x = ops.einsum("bnqk,bknh->bqnh", weights, self.value(x))
        return self.projection(x)


@keras.saving.register_keras_serializable()
class EncoderLayer(layers.Layer):
    """Figure 1 of Vaswani et al. 2017, left: (batch, S, 768) -> (batch, S, 768)."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = Attention(name="attention")
        self.attention_norm = layers.LayerNormalization(
            epsilon=1e-12, name="attention_norm"
        )
        self.hidden = layers.Dense(3072, activation="gelu", name="hidden")
        self.hidden_dropout = layers.Dropout(0.1)
        self.projection = layers.Dense(768, name="projection")
        self.projection_norm = layers.LayerNormalization(
            epsilon=1e-12, name="projection_norm"
        )
        self.dropout = layers.Dropout(0.1)

    def call(self, x, mask):
        y = self.dropout(self.attention(x, mask))
        x = self.attention_norm(x + y)
        y = self.hidden_dropout(self.hidden(x))  # (batch, S, 3072)
        y = self.dropout(self.projection(y))
        return self.projection_norm(x + y)


@keras.saving.register_keras_serializable()
class Positions(layers.Layer):
    """Adds a learned vector for each place: (batch, S, 768) -> (batch, S, 768)."""

    def build(self, input_shape):
        self.table = self.add_weight(
            name="table", shape=(512, 768), initializer="glorot_uniform"
        )

    def call(self, x):
        return x + self.table[: ops.shape(x)[1]]


def build_model():
    """ids, segments (batch, S) -> sequence (batch, S, 768), pooled (batch, 768)."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    segments = keras.Input((None,), dtype="int32", name="segments")
    mask = ops.not_equal(ids, 0)
    x = layers.Embedding(30522, 768, name="words")(ids)
    x = x + layers.Embedding(2, 768, name="parts")(segments)
    x = Positions(name="positions")(x)
    x = layers.LayerNormalization(epsilon=1e-12, name="norm")(x)
    x = layers.Dropout(0.1)(x)
    for index in range(12):
        x = EncoderLayer(name=f"layer_{index}")(x, mask)
    pooled = layers.Dense(768, activation="tanh", name="pooler")(x[:, 0])
    return keras.Model([ids, segments], [x, pooled], name="bert")


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
