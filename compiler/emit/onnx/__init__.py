"""graph -> ONNX: a model file that other engines and frameworks read, with the model's own names."""

from neuralc.emit.onnx.emitter import emit
from neuralc.emit.onnx.lowering import LOWERINGS, WITHOUT_CODE

__all__ = ["LOWERINGS", "WITHOUT_CODE", "emit"]
