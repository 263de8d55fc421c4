"""BI-LSTM tagger in Keras: Huang et al. 2015, figure 4. Word 0 is padding."""

import keras
from keras import layers, ops
from safetensors.numpy import load_file, save_file


def build_model():
    """sentence (batch, S) -> probabilities of tags (batch, S, 45)."""
    sentence = keras.Input((None,), dtype="int32", name="sentence")
    x = layers.Embedding(20000, 50, mask_zero=True, name="embedding")(sentence)
    x = layers.Dropout(0.5)(x)
    x = layers.Bidirectional(
        layers.LSTM(300, return_sequences=True), name="bidirectional"
    )(x)  # (batch, S, 600)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(45, activation="softmax", name="tags")(x)
    return keras.Model(sentence, x, name="tagger")


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
