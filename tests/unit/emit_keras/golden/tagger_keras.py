"""The model `Tagger` in Keras, written by neuralc."""

import re

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def build_model():
    """Model `Tagger`: sentence (batch, S) -> tags (batch, S, 45)."""
    sentence = keras.Input((None,), dtype="int32", name="sentence")
    x = layers.Embedding(20000, 50, name="embedding")(sentence)  # (batch, S, 50)
    y = ops.not_equal(sentence, 0)
    x = layers.Dropout(0.5)(x)
    x = layers.Bidirectional(
        layers.LSTM(300, return_sequences=True, name="lstm"), name="bidirectional"
    )(x, mask=y)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(45, activation="softmax", name="tags")(x)  # (batch, S, 45)
    return keras.Model(sentence, x, name="Tagger")


# Layers that a file of the model has under another name than their path.
LAYERS = {
    "bidirectional/forward_lstm/lstm_cell": "bidirectional.forward",
    "bidirectional/backward_lstm/lstm_cell": "bidirectional.backward",
}


def weights(model):
    """The weights of the model by their names in a weights file."""
    named = {}
    for weight in model.weights:
        path = weight.path
        key = re.sub("[-/]", ".", path)
        layer, _, name = path.rpartition("/")
        if layer in LAYERS:
            key = f"{LAYERS[layer]}.{name}"
        named[key] = weight
    return named


def load(path):
    """The model with the weights of a safetensors file."""
    model = build_model()
    stored = load_file(path)
    for key, weight in weights(model).items():
        weight.assign(stored[key])
    return model


def save(model, path):
    """Write the weights to a safetensors file that neuralc reads."""
    named = weights(model).items()
    stored = {key: ops.convert_to_numpy(weight) for key, weight in named}
    save_file(stored, path)
