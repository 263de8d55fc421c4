"""graph -> `.nr`: a program as one would have written it by hand, with the weights of the model beside it."""

from neuralc.emit.nr.emitter import emit, emit_with_layers
from neuralc.emit.nr.lowering import LOWERINGS, WITHOUT_CODE

__all__ = ["LOWERINGS", "WITHOUT_CODE", "emit", "emit_with_layers"]
