"""Codes E06: import of other formats."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "E0601": Code(
        "unknown kind of model file",
        "The suffix of a file says what it is: .nr, .neural and .rnr are programs, .onnx is an ONNX model, .mlir is IR "
        "of any level.",
        "$ neuralc model.h5",
    ),
    "E0610": Code(
        "not a whole ONNX model",
        "The file is empty, truncated, damaged, or of another format.",
        "$ neuralc truncated.onnx",
    ),
    "E0611": Code(
        "unknown version of the ONNX operator set",
        "The meaning of operators depends on the version of the operator set that the model names.",
        "$ neuralc of_opset_99.onnx",
    ),
    "E0612": Code(
        "invalid ONNX graph",
        "A node breaks a rule of its operator, a value is made twice or by nothing, or the graph has a circle. The "
        "message names the node.",
        "$ neuralc circular.onnx",
    ),
    "E0613": Code(
        "tensor with the wrong number of values",
        "A tensor of the file has fewer or more bytes than its shape and element type say.",
        "$ neuralc short_tensor.onnx",
    ),
    "E0614": Code(
        "cannot read external data",
        "Tensors may stand in files beside the model. They are read from the folder of the model alone: a path or a "
        "link that leads out of it is refused.",
        "$ neuralc escaping.onnx",
    ),
    "E0615": Code(
        "the package onnx is missing",
        "ONNX models are parsed and written by the package `onnx`, an extra: `pip install 'neuralc[onnx]'`.",
        "$ neuralc model.onnx",
    ),
    "E0620": Code(
        "operators that are not compiled",
        "The model is valid and holds what neuralc does not compile: all of it is listed, with how often, the first "
        "node, and the reason.",
        "$ neuralc strings.onnx",
    ),
}
