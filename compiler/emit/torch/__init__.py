"""graph -> PyTorch: a module as one would write it by hand, that trains, and reads and writes the model's weights."""

from neuralc.emit.torch.emitter import emit

__all__ = ["emit"]
