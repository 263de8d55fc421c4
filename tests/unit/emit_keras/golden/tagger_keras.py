"""The model `Tagger` in Keras, written by neuralc."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def build_model():
    """Model `Tagger`: sentence (batch, S) -> tags (batch, S, 45)."""
    sentence = keras.Input((None,), dtype="int32", name="sentence")
    x = layers.Embedding(20000, 50, name="embedding")(sentence)  # (batch, S, 50)
    mask = ops.not_equal(sentence, 0)
    x = layers.Dropout(0.5)(x)
    x = layers.Bidirectional(
        layers.LSTM(300, return_sequences=True, name="lstm"), name="bidirectional"
    )(x, mask=mask)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(45, activation="softmax", name="tags")(x)  # (batch, S, 45)
    return keras.Model(sentence, x, name="Tagger")


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
