"""The table of diagnostic codes: what `neuralc explain E0123` prints and what the documentation of errors is made from.

To add a code: one entry in `CODES`, in the range of its subject, with an example that triggers it.

    E01 syntax                 E05 weights                   E09 artifact and run
    E02 names                  E06 import                    E99 fault of neuralc
    E03 arguments              E07 unsupported
    E04 shapes and types       E08 target and emission       W.. likewise, for warnings and notes

An example is the text of a `.nr` model; one that starts with `$ ` is a command line, with `>>> ` Python. A model of
several files has a line `# file: name.nr` before each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """What a code stands for: a title of one line, an explanation with the remedy, and an example that triggers it."""

    title: str
    explanation: str
    example: str


def example_files(example: str) -> dict[str, str]:
    """The files of an example, by name; the first is the model."""
    parts = re.split(r"^# file: (.+)\n", example, flags=re.MULTILINE)
    if len(parts) == 1:
        return {"model.nr": example}
    return dict(zip(parts[1::2], parts[2::2], strict=True))


CODES: dict[str, Code] = {
    # --- E01: syntax ---------------------------------------------------------------------------------------------
    "E0101": Code(
        "syntax error",
        "The text is not a `.nr` model at this place. The message names what was expected, or the mistake made.",
        "network M { input: (8) layers: Dense(3 4) }",
    ),
    "E0102": Code(
        "unterminated string",
        "A string begins and ends on one line, with the same kind of quote. There are no escapes.",
        'network M { input: (8) layers: Dense(3, "relu) }',
    ),
    "E0103": Code(
        "unbalanced bracket",
        "A `(`, `[` or `{` is not closed, or closed by another kind. A definition that starts at the margin inside an "
        "open block is taken as a sign that the block should have ended before it.",
        "network M { input: (8) layers: Dense(3)",
    ),
    "E0104": Code(
        "unexpected character",
        "The character belongs to no word of the language. Curly quotes and non-breaking blanks come from word "
        "processors; write plain ones.",
        "network M { input: (8) layers: Dense(3) ? }",
    ),
    "E0105": Code(
        "empty model",
        "The file is empty or holds comments only. A model needs at least one `network`.",
        "# nothing here yet",
    ),
    "E0106": Code(
        "nested too deeply",
        "Brackets nest deeper than the compiler follows. Move inner parts into macros.",
        "network M { input: (8) layers: " + "Residual { " * 1100 + "Dense(8) " + "} " * 1100 + "}",
    ),
    "E0107": Code(
        "not UTF-8",
        "A model file is UTF-8 text. Other encodings, and compiled or compressed files, are refused.",
        "$ printf 'network M \\377' > m.nr; neuralc m.nr",
    ),
    "E0108": Code(
        "positional argument after a named one",
        "Positional arguments come first, as in Python; after the first named one every argument needs a name.",
        'network M { input: (8) layers: Dense(units=3, "relu") }',
    ),
    "E0109": Code(
        "misplaced part of a layer",
        "A layer takes at most one list of arguments, one list of values it is applied to, one device, one block and "
        "one repetition.",
        "network M { input: (8) layers: Dense(3) * 2 * 3 }",
    ),
    "E0110": Code(
        "number too large",
        "Whole numbers have 64 bits: they lie between -9223372036854775808 and 9223372036854775807.",
        "network M { input: (8) layers: Dense(1" + "0" * 30 + ") }",
    ),
    "E0114": Code(
        "expression",
        "What a `Lambda` computes is not written right: it is `values: expression`, and an expression is written as in "
        "Python, with functions by their numpy names.",
        'network M { input: (8) layers: Lambda("x: x +") Dense(3) }',
    ),
    "E0190": Code(
        "IR does not parse",
        "The text is not valid IR. A dump of another version of neuralc may have to be made again.",
        "$ echo 'graph.model @m(' | neuralc-opt",
    ),
    "E0111": Code(
        "missing clause",
        "A network needs one `input:` and one `layers:` clause.",
        "network M { layers: Dense(3) }",
    ),
    "E0112": Code(
        "clause given twice",
        "Each clause stands once in a network.",
        'network M { input: (8) layers: Dense(3) loss: "mse" loss: "mae" }',
    ),
    "E0113": Code("no layers", "`layers:` holds at least one layer.", "network M { input: (8) layers: }"),
    # --- E02: names ----------------------------------------------------------------------------------------------
    "E0201": Code(
        "unknown layer",
        "No layer, macro or network of this name is known here. Layer names do not depend on case.",
        "network M { input: (8) layers: Dens(3) }",
    ),
    "E0202": Code(
        "unknown activation, initializer, regularizer or constraint",
        "They have their Keras names, such as relu, gelu, softmax; glorot_uniform, zeros; l2; max_norm.",
        'network M { input: (8) layers: Dense(3, "reul") }',
    ),
    "E0203": Code(
        "unknown optimizer or schedule",
        "Optimizers and learning rate schedules have their Keras names, such as Adam, SGD, ExponentialDecay.",
        "network M { input: (8) layers: Dense(3) optimizer: Adma() }",
    ),
    "E0204": Code(
        "unknown loss",
        "Losses have their Keras names, such as mse, categorical_crossentropy.",
        'network M { input: (8) layers: Dense(3) loss: "msee" }',
    ),
    "E0205": Code(
        "unknown metric",
        "Metrics have their Keras names, such as accuracy.",
        'network M { input: (8) layers: Dense(3) metrics: ["acuracy"] }',
    ),
    "E0206": Code(
        "unknown clause",
        "A network holds input, layers, loss, optimizer, metrics, train, execution, weights, init, benchmark and test.",
        'network M { input: (8) layers: Dense(3) los: "mse" }',
    ),
    "E0207": Code(
        "no such network",
        "The file defines no network, several of which none was chosen, or none of the chosen name.",
        "define Block { Dense(3) }",
    ),
    "E0208": Code(
        "name defined twice",
        "Macros and networks of a file have distinct names, and so have the parameters of a macro and named layers.",
        "define A { Dense(3) } define A { Dense(4) } network M { input: (8) layers: A() }",
    ),
    "E0209": Code(
        "recursive macro",
        "A macro may use other macros, not itself, directly or through others. The note shows the circle.",
        "define A { B() } define B { A() } network M { input: (8) layers: A() }",
    ),
    "E0210": Code(
        "unknown device",
        "Devices are auto, cpu, cuda, gpu and tpu, with a number where there are several: cuda:1.",
        'network M { input: (8) layers: Dense(3) @ "npu" }',
    ),
    "E0211": Code(
        "unknown value",
        "A value is used by a name that no input, assignment or branch has given before this place. Macros do not see "
        "the names around them; give them what they need as an argument, or apply them to it.",
        "network M { input: (8) layers: a = Dense(3) Add(a, b) }",
    ),
    "E0212": Code(
        "number of names",
        "An assignment to several names needs a layer that gives as many values. `LSTM` gives its states as well with "
        "`return_state=true`.",
        "network M { input: (8) layers: a, b = Dense(3) Add(a, b) }",
    ),
    "E0213": Code(
        "imported name",
        "The imported file defines no macro and no network of this name.",
        '# file: model.nr\nfrom "blocks.nr" import Missing\nnetwork M { input: (8) layers: Dense(3) }\n'
        "# file: blocks.nr\ndefine Block { Dense(3) }",
    ),
    "E0214": Code(
        "circle of imports",
        "A file imports itself, directly or through others. The note shows the way round. Move what both need into a "
        "third file.",
        '# file: model.nr\nfrom "blocks.nr" import Block\nnetwork M { input: (8) layers: Block() }\n'
        '# file: blocks.nr\nfrom "model.nr" import M\ndefine Block { Dense(3) }',
    ),
    "E0215": Code(
        "import that cannot be read",
        "The imported file is missing or is not readable. Paths start at the folder of the file that imports.",
        'from "missing.nr" import Block\nnetwork M { input: (8) layers: Dense(3) }',
    ),
    "E0220": Code(
        "unknown callback",
        "Callbacks have their Keras names, such as EarlyStopping, ModelCheckpoint.",
        "network M { input: (8) layers: Dense(3) train { callbacks: [EarlyStoping()] } }",
    ),
    # --- E03: arguments ------------------------------------------------------------------------------------------
    "E0301": Code(
        "missing argument",
        "The parameter has no default, so it must be given.",
        "network M { input: (8) layers: Dense() }",
    ),
    "E0302": Code(
        "unknown parameter",
        "The layer, macro, optimizer or section has no parameter of this name. The note lists those it has.",
        "network M { input: (8) layers: Dense(units=3, activaton=relu) }",
    ),
    "E0303": Code(
        "too many arguments",
        "More positional arguments than there are parameters.",
        "network M { input: (8) layers: Identity(3) }",
    ),
    "E0304": Code(
        "argument given twice",
        "A parameter is given by position and by name, or twice by name.",
        "network M { input: (8) layers: Dense(3, units=4) }",
    ),
    "E0305": Code(
        "argument of the wrong kind",
        "The parameter takes another kind of value: a number, a string, a pair.",
        'network M { input: (8) layers: Dense("10") }',
    ),
    "E0306": Code(
        "argument out of range",
        "The value lies outside what the parameter allows.",
        "network M { input: (8) layers: Dropout(1.1) }",
    ),
    "E0307": Code(
        "not one of the choices",
        "The parameter takes one of a few words.",
        'network M { input: (8, 8, 1) layers: Conv2D(3, 3, padding="full") }',
    ),
    "E0308": Code(
        "impossible search space",
        "A choice holds values of one kind; a range goes up, by a step above 0; a logarithmic range starts above 0.",
        "network M { input: (8) layers: Dense(HPO(range(10, 5))) }",
    ),
    "E0309": Code(
        "block not taken",
        "Only blocks such as ResidualConnection take layers in braces.",
        "network M { input: (8) layers: Dense(3) { Dense(4) } }",
    ),
    "E0310": Code(
        "block missing",
        "The layer is made of the layers in its braces.",
        "network M { input: (8) layers: ResidualConnection() }",
    ),
    "E0312": Code(
        "impossible repetition",
        "A layer, block or macro is repeated a whole number of times, at least once.",
        "network M { input: (8) layers: Dense(3) * 0 }",
    ),
    "E0313": Code(
        "larger than the compiler takes",
        "Repetitions and macros expand to more layers than the compiler takes, or layers to more ops; an argument "
        "grows from macro to macro, or holds more searches than can be checked; or a macro has more parameters than "
        "anyone can read.",
        "network M { input: (8) layers: Dense(8) * 1000000 }",
    ),
    "E0314": Code(
        "arguments that do not go together",
        "Each argument is right by itself, and they contradict each other.",
        "network M { input: (8) layers: Dense(3) optimizer: SGD(0.1, nesterov=true) }",
    ),
    "E0315": Code(
        "losses and outputs do not match",
        "A network has one loss for all of its outputs, or one for each in their order.",
        "network M { input: (8) layers: Dense(3) loss: mse, mae }",
    ),
    "E0316": Code(
        "impossible arithmetic",
        "Arithmetic is on numbers: those that are written, and parameters. Nothing is divided by 0, and a result has "
        "at most 20 digits.",
        'network M { input: (8) layers: Dense(4 * "a") }',
    ),
    # --- E04: shapes and types -----------------------------------------------------------------------------------
    "E0401": Code(
        "shapes do not fit",
        "A layer cannot take the shape that the layers before it give. The message shows both.",
        "network M { input: (8) layers: Conv2D(4, 3) }",
    ),
    "E0402": Code(
        "impossible input shape",
        "An input shape holds whole numbers of at least 1; a leading None stands for the batch.",
        'network M { input: (8, "x") layers: Dense(3) }',
    ),
    "E0403": Code(
        "unknown size",
        "`where` speaks of the named sizes of the inputs, and of `batch`.",
        "network M { input: (S, 8) where T <= 128 layers: Dense(3) }",
    ),
    "E0404": Code(
        "residual block changes the shape",
        'The input of a residual block is added to its result, so both have one shape; `shortcut="projection"` brings '
        "the input to the shape of the result by a 1x1 convolution (He et al. 2016, eq. 2).",
        "network M { input: (8) layers: ResidualConnection { Dense(3) } }",
    ),
    "E0405": Code(
        "number of values",
        "The layer takes another number of values than come here. After branches all their results come; a merge such "
        "as `Concatenate()` makes one value of them, or name the one that is meant: `Dense(3)(a)`.",
        "network M { input: { a: (8), b: (8) } layers: Dense(3) }",
    ),
    "E0406": Code(
        "input of a network",
        "A network is used as a layer with a value that is not what its `input:` clause says: another rank, size or "
        "element type. Equal names in the clause are equal sizes.",
        "network Inner { input: (4) layers: Dense(3) }\nnetwork M { input: (8) layers: Inner() Dense(2) }",
    ),
    "E0407": Code(
        "constraint",
        "A `where` clause contradicts itself or the layers, or has a form that is not checked. Bounds of one name, "
        "equations and remainders of 0 are: `S <= 512`, `T == 2 * S`, `H % 16 == 0`.",
        "network M { input: (S, 8) where S > 9, S < 4 layers: Dense(3) }",
    ),
    "E0411": Code(
        "unknown name in an expression",
        "An expression of a `Lambda` knows the names of its values, the functions of numpy that the language has, its "
        "element types, `pi`, `e`, `inf`, `nan`, `True`, `False` and `None`.",
        'network M { input: (8) layers: Lambda("x: exq(x)") Dense(3) }',
    ),
    "E0412": Code(
        "expression does not fit",
        "A part of the expression of a `Lambda` cannot take the values that come to it: their shapes, their types, or "
        "how many there are. The message shows the part.",
        'network M { input: (8) layers: Lambda("x: x[:, 9]") Dense(3) }',
    ),
    "E0490": Code(
        "invalid IR",
        "An op breaks one of its rules, a value is used before it is defined, or a symbol is missing.",
        "$ echo 'graph.model @m(%x: tensor<2xf32>) { graph.return %x : tensor<3xf32> }' | neuralc-opt",
    ),
    # --- E05: weights --------------------------------------------------------------------------------------------
    # --- E05: weights --------------------------------------------------------------------------------------------
    "E0504": Code(
        "no values for a weight",
        "The model reads a weight that its weight file does not hold, or holds in another shape.",
        "$ neuralc run graph.mlir --input x.npy",
    ),
    # --- E05: weights --------------------------------------------------------------------------------------------
    "E0501": Code(
        "cannot read the weights",
        "The weights file is missing or may not be read. A path in a model is relative to the model's file.",
        'network M { input: (8) layers: Dense(3) weights: "missing.safetensors" }',
    ),
    "E0502": Code(
        "weights do not fit the model",
        "The file lacks weights, has others, or has them in another shape or type. All differences are listed at once.",
        "$ neuralc model.nr --weights other.safetensors",
    ),
    "E0503": Code(
        "not a safetensors file",
        "The file is truncated, damaged, or of another format. Export weights as safetensors.",
        "$ neuralc model.nr --weights model.nr",
    ),
    "E0505": Code(
        "weights too large",
        "The initial weights do not fit into memory.",
        "network M { input: (2000000000) layers: Dense(2000000000) }",
    ),
    # --- E06: import ---------------------------------------------------------------------------------------------
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
        "ONNX models are parsed by the package `onnx`, which is an extra: `pip install 'neuralc[onnx]'`.",
        "$ neuralc model.onnx",
    ),
    "E0620": Code(
        "operators that are not compiled",
        "The model is valid and holds what neuralc does not compile: all of it is listed, with how often, the first "
        "node, and the reason.",
        "$ neuralc strings.onnx",
    ),
    # --- E07: unsupported ----------------------------------------------------------------------------------------
    "E0701": Code(
        "an op has no form in loops",
        "The op is valid on the graph level, and the compiler has no code for it in this form: a size it needs is only "
        "known when the model runs, or a pass that removes it did not run. The message says which.",
        "$ neuralc model_with_an_antialiased_resize_of_symbolic_size.mlir",
    ),
    "E0702": Code(
        "parameter without meaning yet",
        "The layer has this parameter; this version of neuralc does not compile it yet.",
        "network M { input: (8) layers: BatchNormalization(synchronized=true) }",
    ),
    "E0703": Code(
        "construct without meaning yet",
        "The language has this construct; this version of neuralc does not compile it yet.",
        '>>> neuralc.compile("model.nr", precision="bf16")',
    ),
    "E0704": Code(
        "layer without a definition",
        "The model holds layers of which only the name is known: no plugin brings them, so nobody can compute them. "
        "Such a model can be looked at with `neuralc inspect` and `--emit=graph`.",
        "$ echo 'network M { input: (8) layers: MyLayer() Dense(3) }' > m.nr; neuralc m.nr",
    ),
    "E0705": Code(
        "plugin that does not work",
        "A package that brings a layer or an op fails when it is imported, or what its entry point names is something "
        "else. The note has the reason; the package has to be mended or removed.",
        "$ neuralc model_with_a_broken_plugin.nr",
    ),
    # --- E08: target and emission --------------------------------------------------------------------------------
    "E0801": Code(
        "unknown flag", "The command line holds a flag that neuralc does not know.", "$ neuralc --frobnicate"
    ),
    "E0810": Code(
        "unknown pass",
        "A pass pipeline names a pass that does not exist; `neuralc-opt --list-passes` prints those that do.",
        "$ neuralc-opt model.mlir -p graph-cannonicalize",
    ),
    "E0811": Code(
        "wrong pass option",
        "A pass has no option of this name, or its value has another type; `neuralc-opt --list-passes` shows them.",
        "$ neuralc-opt model.mlir -p 'graph-canonicalize{max-op=3}'",
    ),
    "E0812": Code(
        "malformed pass pipeline",
        "A pipeline is a list `pass,pass{option=value option=value},...`.",
        "$ neuralc-opt model.mlir -p 'graph-canonicalize{'",
    ),
    "E0813": Code(
        "wrong value of a flag",
        "The flag exists; its value is not one of those it takes, or it is missing.",
        "$ neuralc model.nr --emit=obect",
    ),
    "E0814": Code(
        "these flags do not go together",
        "Two flags, or a flag and the model, ask for things that cannot both be had.",
        "$ neuralc model.nr --compile-from=kernel",
    ),
    "E0815": Code(
        "nothing to work on",
        "The command needs a model or an input, and none is given.",
        "$ neuralc run model.nr",
    ),
    "E0816": Code(
        "no such search",
        "`--set name=value` gives a search or a parameter of the network its value. A search goes by the path of its "
        "layer and the parameter, such as dense_1.units, or by its clause, such as optimizer.learning_rate; the note "
        "lists those of the model.",
        "$ neuralc model.nr --set dense.unit=64",
    ),
    "E0817": Code(
        "the search does not hold this value",
        "A value that is set is one of the choices, or lies within the range and on its steps.",
        "$ neuralc model.nr --set dense.units=65",
    ),
    "E0818": Code(
        "a package for this command is missing",
        "Some commands stand on packages that the core does not need; the message has the command that installs them.",
        "$ neuralc lsp",
    ),
    "E0820": Code("unknown target", "Code is made for `cpu` or for `cuda`.", "$ neuralc model.nr --target gpu"),
    "E0821": Code(
        "unknown processor",
        "Processors have LLVM's names, such as znver3, skylake-avx512, x86-64-v3; `native` is this machine.",
        "$ neuralc model.nr --mcpu znver33",
    ),
    "E0822": Code(
        "unknown triple",
        "A triple names architecture, vendor and system, such as x86_64-unknown-linux-gnu.",
        "$ neuralc model.nr --triple z80-unknown-none",
    ),
    "E0823": Code(
        "unknown GPU architecture",
        "GPU architectures have NVIDIA's names, such as sm_80 for compute capability 8.0.",
        "$ neuralc model.nr --target cuda --arch sm_81",
    ),
    "E0824": Code(
        "the pass needs a target",
        "What is legal, fast or worth a thread depends on the machine: `--target cpu` or `--target cuda` names it.",
        "$ neuralc-opt model.mlir -p kernel-verify-target",
    ),
    "E0830": Code(
        "a kernel the target cannot run",
        "Each target takes some of the tile shapes, lanes and memory accesses; all that are not legal are listed.",
        "$ neuralc-opt model.mlir --target cuda -p kernel-verify-target",
    ),
    "E0831": Code(
        "too many registers",
        "The accumulators of a dot, one row of its right side and one broadcast value must fit into the vector "
        "registers, or the innermost loop spends its time moving them.",
        "$ neuralc-opt model.mlir --target cpu --mcpu x86-64-v3 -p kernel-verify-target",
    ),
    "E0840": Code(
        "the module is not ready for native code",
        "Native code is made from one host program whose memory is planned, as `kernel-plan-memory` leaves it. "
        "`neuralc` runs the missing passes when it starts from an earlier level.",
        "$ neuralc no_host_program.mlir --compile-from kernel --emit=obj",
    ),
    "E0841": Code(
        "weights go into ELF objects only",
        "Objects and libraries with weights are made for Linux, whose format is ELF. `--emit=llvm` and `--emit=asm` "
        "are made for any triple.",
        "$ neuralc model.nr --triple wasm32-unknown-unknown --emit=obj",
    ),
    "E0842": Code(
        "no linker",
        "A shared library needs a linker: the system's `cc`, or zig of `pip install 'neuralc[link]'`. Objects, and "
        "running a model in Python, need none.",
        "$ PATH= neuralc model.nr --emit=so",
    ),
    "E0843": Code(
        "the linker failed",
        "The linker's own message is repeated. `CC=clang` chooses another one.",
        "$ CC=false neuralc model.nr --emit=so",
    ),
    "E0850": Code(
        "cannot be written as PyTorch code",
        "The module holds ops or uses of weights that PyTorch code is not written for; all of them are listed. Torch "
        "code is made from the model as the front end gives it, before passes fold and derive weights.",
        "$ neuralc folded.mlir --emit=torch",
    ),
    "E0860": Code(
        "cannot be written as Triton",
        "The module holds what Triton has no words for, such as lanes, scratch memory or sizes that are not powers of "
        "two; all of it is listed. Kernels for a GPU are made by `--target cuda`.",
        "$ neuralc cpu_kernels.mlir --compile-from kernel --target cuda --emit=triton",
    ),
    "E0861": Code(
        "Triton is not installed",
        "Making cubins needs Triton, which comes with the extra `cuda`: `pip install 'neuralc[cuda]'`. The source of "
        "the kernels alone, `--emit=triton`, does not.",
        "$ neuralc model.nr --target cuda",
    ),
    "E0862": Code(
        "Triton refuses a kernel",
        "The source is legal Triton, and its compiler gave up on it; its own message is repeated. Another architecture "
        "(`--arch`) may take it.",
        "$ neuralc model.nr --target cuda --arch sm_75",
    ),
    "E0863": Code(
        "a kernel needs more than the GPU has",
        "A block of the kernel needs more shared memory than the architecture gives one block. Smaller tiles or fewer "
        "stages (`num_stages`) need less.",
        "$ neuralc large_tiles.mlir --compile-from kernel --target cuda --arch sm_86",
    ),
    # --- E09: artifact and run -----------------------------------------------------------------------------------
    "E0901": Code(
        "cannot read the file",
        "The file is missing, is a folder, or may not be read.",
        "$ neuralc missing.nr",
    ),
    "E0902": Code(
        "cannot read the artifact",
        "The compiled model is missing, is a folder, or may not be read.",
        '>>> neuralc.load("missing.so")',
    ),
    "E0903": Code(
        "not a shared library for this machine",
        "The file is truncated, for another processor, or no shared library at all. Compile the model here.",
        '>>> neuralc.load("model.nr")',
    ),
    "E0904": Code(
        "an input does not fit the model",
        "An input is missing or unknown, or its dtype, rank or sizes are not those the model takes; equal names in a "
        "model's shapes are equal sizes. `neuralc inspect` prints what a model takes.",
        "$ neuralc run model.nr --input wrong.npy",
    ),
    "E0905": Code(
        "not a model of neuralc",
        "The file is a shared library, without the functions of neuralc.h.",
        '>>> neuralc.load("/usr/lib/x86_64-linux-gnu/libm.so.6")',
    ),
    "E0906": Code(
        "artifact of another version",
        "The interface of compiled models has changed since this one was made. Compile it again.",
        '>>> neuralc.load("from_another_version.so")',
    ),
    "E0907": Code(
        "the processor lacks a feature",
        "The model was compiled for processors with instructions that this one does not have. `--mcpu` names an older "
        "processor; `native` is the machine that compiles.",
        '>>> neuralc.load("compiled_with_mcpu_sapphirerapids.so")',
    ),
    "E0908": Code(
        "an output does not fit the model",
        "Arrays given by `out=` have the dtype and shape of the outputs, are dense and writeable, and share no memory "
        "with other arrays of the call.",
        ">>> model(x, out=numpy.empty(3))",
    ),
    "E0909": Code(
        "the model could not run",
        "Memory or threads for a run were not to be had.",
        '>>> neuralc.load("model.so", threads=5000)',
    ),
    "E0910": Code(
        "an index is out of range",
        "The data of this run holds an index that is outside the dim it counts along: a token that an `Embedding` "
        "does not have, or the next step where a cache or learned positions are full. The run was given up; the "
        "outputs hold nothing of use, and states begin anew.",
        ">>> model(ids=numpy.full((1, 8), 10_000_000))",
    ),
    "E0911": Code(
        "integer division by zero",
        "Integers were divided by a tensor that holds a zero. Floats would have given infinity; integers have no such "
        "value, so the run was given up.",
        ">>> model(count=numpy.zeros(3, numpy.int64))",
    ),
    "E0912": Code(
        "a state has other sizes",
        "The first run after a reset fixes the symbolic sizes of what the model keeps between runs. This run has "
        "another batch, or another size that a state has; what was kept does not fit it. `model.reset()` forgets it.",
        ">>> model(x[:4]); model(x[:2])  # an LSTM(64, stateful=true)",
    ),
    "E0920": Code(
        "another framework could not run the model",
        "`neuralc verify` runs the framework it compares with in a process of its own, and that failed: it does not "
        "know an operator, refuses the inputs, crashed, or took too long (`--timeout`). The last line it printed is "
        "repeated.",
        "$ neuralc verify newest_operators.onnx --against onnxruntime",
    ),
    "E0921": Code(
        "the framework to compare with is not installed",
        "`neuralc verify` compares with packages that neuralc itself does not need; the message has the command that "
        "installs them. `--against interp` compares with the interpreter of neuralc, which is always there.",
        "$ neuralc verify model.onnx --against onnxruntime",
    ),
    "E0990": Code(
        "cannot write the product",
        "The folder does not exist, is not writable, or the disk is full. Nothing is left behind.",
        "$ neuralc model.nr -o /no/such/folder/model.so",
    ),
    # --- E99: fault of neuralc -----------------------------------------------------------------------------------
    "E9901": Code(
        "internal error",
        "neuralc itself failed. Report it with the reproducer it wrote.",
        ">>> # no model should trigger this",
    ),
    "E9902": Code(
        "rewriting did not come to an end",
        "Patterns of a pass undo each other, or one makes new work for itself for ever.",
        ">>> # no model should trigger this",
    ),
    "E9903": Code(
        "a pass left invalid IR",
        "The IR was valid before the pass and is not after it. Report it with the reproducer.",
        ">>> # no model should trigger this",
    ),
    "E9904": Code(
        "a pass changed the results",
        "`--check-each` ran the module before and after each pass on the same inputs; the results differ by more than "
        "the pass declares.",
        "$ neuralc model.nr --check-each",
    ),
    # --- warnings and notes --------------------------------------------------------------------------------------
    "W0201": Code(
        "macro hides a layer",
        "A macro of the name of a layer takes its place in this file.",
        "define Dense(n) { Output(n) } network M { input: (8) layers: Dense(3) }",
    ),
    "W0202": Code(
        "unused name",
        "A name is given and never used. Its layer runs all the same, as part of the chain. A name that begins with "
        "`_` may stay unused: `y, _h, c = LSTM(8, return_state=true)`.",
        "network M { input: (8) layers: a = Dense(3) Dense(2) }",
    ),
    "W0203": Code(
        "empty branch",
        "A branch without layers gives what it gets.",
        "network M { input: (8) layers: left: { } right: { Dense(8) } Add() }",
    ),
    "W0204": Code(
        "layer without a definition",
        "A name that ends in `Layer` may be a layer that a plugin brings. None is installed, so the model can be "
        "looked at, and is refused where it would have to be compiled.",
        "network M { input: (8) layers: MyLayer(size=3) }",
    ),
    "W0205": Code(
        "a branch goes on from another",
        "A branch whose name is that of a value starts from this value. Where the value is the result of a branch, the "
        "two stand one after the other, not side by side.",
        "network M { input: (8) layers: a: { Dense(3) } b: { Dense(3) } Add() a: { Dense(4) } b: { Dense(4) } Add() }",
    ),
    "W0301": Code(
        "fraction taken as a whole number",
        "The parameter is a whole number; one that was written with a fraction of zero is taken.",
        "network M { input: (8) layers: Dense(256.0) }",
    ),
    "W0302": Code(
        "one value of a search is used",
        "Where one value is needed, a choice gives its first and a range its low end. `--set name=value` takes another "
        "one.",
        "network M { input: (8) layers: Dense(HPO(choice(4, 8))) }",
    ),
    "W0303": Code(
        "the loss does not fit the output",
        "Cross-entropies take probabilities, or logits when `from_logits=true` says so; an output that is neither, or "
        "that has one class to choose from, learns nothing useful.",
        'network M { input: (8) layers: Dense(3, "softmax") loss: categorical_crossentropy(from_logits=true) }',
    ),
    "W0401": Code(
        "Dense on an image",
        "Dense works on the last axis, as in Keras. On an image that is the channels of each pixel; Flatten before it "
        "takes all pixels together.",
        "network M { input: (8, 8, 3) layers: Dense(4) }",
    ),
    "W0402": Code(
        "sizes made equal",
        "Two sizes with different names have to be equal for a layer to fit. They are taken to be one size: a run in "
        "which they differ is refused. Give them one name, and the message goes.",
        "network M { input: { a: (S, 8), b: (T, 8) } layers: Add(a, b) }",
    ),
    "W0403": Code(
        "nothing to merge",
        "A merge got one value, which passes as it is. After branches it takes their results; otherwise name its "
        "values: `Add(a, b)`.",
        "network M { input: (8) layers: Add() Dense(3) }",
    ),
    "W0404": Code(
        "window larger than its input",
        "Without padding a window has to lie inside its input. There is no such place for this one, so the result has "
        'no elements, and no layer can follow. A smaller window fits, and so does `padding="same"`.',
        "network M { input: (8, 8, 3) layers: Conv2D(4, 9) }",
    ),
    "W0405": Code(
        "shortcut changes the shape",
        "The block of a `Residual` changes the shape, so its input is brought to the new one by a 1x1 convolution "
        "(He et al. 2016, eq. 2), after a crop to the center where the block took the borders away. "
        '`shortcut="projection"` says that this is meant, `shortcut="identity"` makes it an error. After the block of '
        "a transformer layer a dense map leads back.",
        "network M { input: (8) layers: Residual { Dense(3) } }",
    ),
    "W0410": Code(
        "fewer groups",
        "A group normalization has more groups than there are channels. Each channel is a group of its own then, where "
        "Keras has an error.",
        "network M { input: (8, 8, 3) layers: GroupNormalization(groups=32) Flatten() Dense(3) }",
    ),
    "W0407": Code(
        "sequence without a batch",
        "A layer over sequences (batch, steps, features) got a value of two axes. As PyTorch does, it takes it as one "
        "sequence without a batch: the first axis are the steps. Name the steps for a batch of sequences: `(S, 512)`.",
        "network M { input: (8) layers: Attention() }",
    ),
    "W0501": Code(
        "untrained weights",
        "The model names no weights: it starts from reproducible random ones, by `init: seed(0)` or the default seed.",
        "network M { input: (8) layers: Dense(4) }",
    ),
    "W0502": Code(
        "weights of another framework",
        "The file has the names that Keras or PyTorch give the weights of layers with these names. They are read with "
        "the layouts of that framework: transposed, gates in our order, two biases added.",
        "$ neuralc model.nr --weights from_pytorch.safetensors",
    ),
    "W0701": Code(
        "placement without effect",
        "Devices of single layers are checked, and no more: the whole model runs on one target.",
        'network M { input: (8) layers: Dense(4) @ "cuda:0" }',
    ),
    "W0702": Code(
        "execution without effect",
        "What `execution` says is checked and kept. Its target and threads are defaults of the command line; a device, "
        "or a precision that the model does not have anyway, is not followed.",
        'network M { input: (8) layers: Dense(4) execution { precision: "bf16" } }',
    ),
}
