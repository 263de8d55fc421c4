"""Codes E08: target and emission."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
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
    "E0820": Code("unknown target", "Code is made for `cpu`, `cuda` or `tpu`.", "$ neuralc model.nr --target gpu"),
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
        "cannot be written in this form",
        "The model holds ops, or uses of them, that the form has no words for: code of PyTorch, Keras or JAX, ONNX, or "
        "the language itself. All are listed with the reason. A form is written from the model as the front end gives "
        "it, before passes fold and derive weights.",
        "$ neuralc folded.mlir --emit=torch",
    ),
    "E0851": Code(
        "JAX cannot lower the model",
        "`--target tpu` has JAX lower the code that `--emit=jax` writes, with its symbolic sizes; where it has "
        "to know such a size, `--dim` fixes it. The note is what JAX said last.",
        "$ neuralc model.nr --target tpu",
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
}
