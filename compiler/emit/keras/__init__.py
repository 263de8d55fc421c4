"""graph -> Keras 3: a model as one would write it by hand, that trains, and reads and writes the model's weights."""

from neuralc.emit.keras.emitter import emit

__all__ = ["emit"]
