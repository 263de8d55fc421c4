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
        "a package for an import is missing",
        "Models of a framework are read, and ONNX written, with a package that is an extra: `onnx`, `h5py` for .keras, "
        "`torch` for modules, `jax` for StableHLO and functions of JAX, `optax` for scripts that train. "
        "`pip install 'neuralc[onnx]'` brings it, or `[keras]`, `[torch]`, `[jax]`. A .pt2 file needs none.",
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
    "E0640": Code(
        "not a whole .keras file",
        "The file is empty, truncated, damaged, or of another format: a zip with the model as JSON and its weights as "
        "HDF5.",
        "$ neuralc truncated.keras",
    ),
    "E0641": Code(
        "no model of Keras 3",
        "The model is not described as Keras 3 does it: an older version wrote it, or its layers, their calls, inputs "
        "and outputs contradict each other.",
        "$ neuralc of_keras_2.keras",
    ),
    "E0642": Code(
        "arrays that do not fit the layers of a Keras model",
        "A layer has more or fewer arrays than its weights, or one of another shape or element type.",
        "$ neuralc without_weights.keras",
    ),
    "E0643": Code(
        "layers of Keras that are not compiled",
        "The model holds layers, arguments or functions that neuralc does not compile, or code of its own: all is "
        "listed, with how often, the first layer, and the reason.",
        "$ neuralc lambda.keras",
    ),
    "E0644": Code(
        "a Keras model that is no graph of layers",
        "A model of a class of its own keeps its layers in code. A file does not hold that code, and a live model is "
        "imported when its call applies layers and keras.ops alone.",
        "$ neuralc subclassed.keras",
    ),
    "E0650": Code(
        "not StableHLO that can be read",
        "The file is empty, truncated, damaged, or of another format: a text, a portable artifact in MLIR bytecode and "
        "what jax.export serializes are read. The note is what MLIR says.",
        "$ neuralc truncated.stablehlo",
    ),
    "E0651": Code(
        "no function to compile",
        "A StableHLO module is compiled from its function `main`, or from the only one that is public.",
        "$ neuralc library.stablehlo",
    ),
    "E0652": Code(
        "invalid StableHLO module",
        "An op breaks a rule of its definition: sizes that do not fit, an attribute that is missing, functions that "
        "call one another without end. The message names the op.",
        "$ neuralc unequal.stablehlo",
    ),
    "E0653": Code(
        "StableHLO ops that are not compiled",
        "The module is valid and holds what neuralc does not compile: all of it is listed, with how often, the first "
        "op, and the reason.",
        "$ neuralc random.stablehlo",
    ),
    "E0654": Code(
        "a function that jax cannot lower",
        "neuralc.from_jax lets jax trace the function with the parameters and with the shapes of the arguments; the "
        "note is what jax said. A Python branch on a traced value, for instance, cannot be traced.",
        ">>> neuralc.from_jax(lambda p, x: x if x > 0 else -x, None, x)",
    ),
}
