"""Codes E09: artifacts and runs."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
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
    "E0913": Code(
        "nothing here runs the artifact",
        "The folder of `--target tpu` runs by jax, on a device that it was lowered for. Either the package is missing, "
        "or jax has found devices of another kind; `JAX_PLATFORMS=cpu` makes it take the processor.",
        "$ neuralc run model.tpu --input x.npy",
    ),
    "E0920": Code(
        "another framework could not run the model",
        "`neuralc verify` and `neuralc bench` run what they compare with in a process of its own, and that failed: it "
        "does not know an operator, refuses the inputs, crashed, or took too long (`--timeout`). The last line it "
        "printed is repeated. `bench` also ends so where the other one computes something else.",
        "$ neuralc verify newest_operators.onnx --against onnxruntime",
    ),
    "E0921": Code(
        "the framework to compare with is not installed",
        "`neuralc verify` and `neuralc bench` compare with packages that neuralc itself does not need; the message has "
        "the command that installs them. `--against interp` compares with the interpreter of neuralc, which is always "
        "there.",
        "$ neuralc verify model.onnx --against onnxruntime",
    ),
    "E0990": Code(
        "cannot write the product",
        "The folder does not exist, is not writable, or the disk is full. Nothing is left behind.",
        "$ neuralc model.nr -o /no/such/folder/model.so",
    ),
}
