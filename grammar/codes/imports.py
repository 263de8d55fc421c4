"""Codes E06: import of other formats."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "E0601": Code(
        "unknown kind of model file",
        "The suffix of a file says what it is: .nr, .neural and .rnr are programs, .onnx is an ONNX model, .pt2 a "
        "program of torch.export, .mlir is IR of any level.",
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
        "a package that reads a model is missing",
        "ONNX models are parsed by the package `onnx`, PyTorch modules are exported by `torch`; both are extras: "
        "`pip install 'neuralc[onnx]'`, `pip install 'neuralc[torch]'`. A .pt2 file needs neither.",
        "$ neuralc model.onnx",
    ),
    "E0630": Code(
        "torch cannot export the module",
        "`neuralc.from_torch` calls `torch.export.export` with the module and its example arguments. Where torch gives "
        "up, the note says why in its words.",
        ">>> neuralc.from_torch(torch.nn.Linear(4, 2), (torch.zeros(3),))",
    ),
    "E0631": Code(
        "not a whole program of torch.export",
        "A .pt2 file is an archive of the program as JSON and of its tensors as bytes. This one is damaged, of another "
        "version, or holds pickled objects, which are never loaded: unpickling runs code of the file.",
        "$ neuralc truncated.pt2",
    ),
    "E0632": Code(
        "torch ops that are not compiled",
        "The program holds ops that neuralc does not compile: all of them are listed, with the module and the line of "
        "the source they come from, and the reason.",
        ">>> neuralc.from_torch(Sampler(), (torch.zeros(3),))",
    ),
    "E0633": Code(
        "the program writes where it may not, or returns what is no tensor",
        "A run gives back tensors, and keeps what lasts in buffers. A program that changes its inputs or parameters, "
        "or that writes through a view that is not followed, is refused.",
        ">>> neuralc.from_torch(WritesItsInput(), (torch.zeros(3),))",
    ),
    "E0620": Code(
        "operators that are not compiled",
        "The model is valid and holds what neuralc does not compile: all of it is listed, with how often, the first "
        "node, and the reason.",
        "$ neuralc strings.onnx",
    ),
}
