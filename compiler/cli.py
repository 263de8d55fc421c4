"""The `neuralc` command: compiles by default, a verb in front does something else. Loads only what a command needs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from neuralc.driver import Options

from neuralc.cli_errors import ErrorFormat, report, run_command
from neuralc.cli_instruments import Watch, instrument_flags
from neuralc.grammar.diagnostics import usage_error

EXAMPLES = """\b
Examples:
  neuralc model.nr                                  model.so, for this machine
  neuralc model.nr --emit=torch -o -                PyTorch code on stdout; also keras, jax, nr
  neuralc model.onnx --emit=keras -o model.py       model.py, and its weights in model.safetensors
  neuralc model.pt2 --emit=onnx                     model.onnx, of a program that torch.export saved
  neuralc model.nr -O2 --target cuda                model.cuda/: Triton code, cubins
  neuralc model.nr --target tpu                     model.tpu/: JAX code, lowered for TPUs
  neuralc model.nr --emit=kernel -o - | less        the last of the three levels of IR
  neuralc model.nr --dump-ir=dump                   one file for each pass, dump/index.html
  neuralc dump/016-tensor-fuse-groups.mlir --emit=asm -o -      continue from there
  neuralc model.nr --set dense.units=64             a value for HPO(choice(32, 64))
  neuralc model.nr --check-each                     which pass changes the results?

\b
Verbs:
  neuralc run model.nr --input x.npy -o y.npy       run it
  neuralc verify model.onnx --against onnxruntime   do the values agree?
  neuralc test model.nr                             does it give what its `test` block says?
  neuralc check model.nr                            what is wrong with it, without compiling it
  neuralc inspect model.nr --format=html            layers, shapes, parameters, FLOPs, memory
  neuralc bench model.onnx --compare onnxruntime    how fast is it, and what takes the time?
  neuralc targets                                   this machine's limits; what code can be made for
  neuralc fmt model.nr                              one layout for every model
  neuralc cache                                     what is kept of models that were compiled
  neuralc lsp                                       a language server for editors
  neuralc explain E0201                             what an error means; Conv2D: what a layer takes

\b
Products (--emit):
  graph tensor kernel    IR of a level            llvm asm obj so    native code
  triton cuda            for NVIDIA GPUs          tpu                for TPUs
  torch keras jax        code of a framework      onnx nr            an ONNX model, a program

\b
Models (MODEL):
  .nr                    programs                 .mlir              IR of any level
  .onnx .keras .pt2      of frameworks            .stablehlo         what jax.export writes
"""

VERBS: dict[str, str] = {
    "run": "neuralc.cli_run",
    "verify": "neuralc.cli_verify",
    "test": "neuralc.cli_test",
    "check": "neuralc.cli_check",
    "inspect": "neuralc.cli_inspect",
    "bench": "neuralc.cli_bench",
    "targets": "neuralc.cli_targets",
    "fmt": "neuralc.cli_fmt",
    "cache": "neuralc.cli_cache",
    "lsp": "neuralc.cli_lsp",
    "explain": "neuralc.cli_explain",
}
"""Verb -> module with its `command`."""

LEVEL = click.Choice(["graph", "tensor", "kernel"])


def cache_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """The flags of commands that find native code of a model in the cache."""
    for flag in (
        click.option("-v", "--verbose", is_flag=True, help="Say what the cache had, and how long it took."),
        click.option("--no-cache", is_flag=True, help="Compile, and keep nothing for the next time."),
    ):
        function = flag(function)
    return function


def shared_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that say how a model is compiled, shared by `neuralc` and `neuralc run`."""
    threads = click.option(
        "--threads", type=click.IntRange(1), metavar="N", help="Threads at run time (default: all cores)."
    )
    return threads(model_flags(function))


def model_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """Those that say nothing of threads."""
    flags = (
        click.option("-O", "opt", type=click.IntRange(0, 2), default=2, help="Optimization level, 0 to 2 (default 2)."),
        click.option("--dim", "dims", multiple=True, metavar="S=128", help="Fix a symbolic size; may be repeated."),
        click.option(
            "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Value of a search; may be repeated."
        ),
        click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Weights (.safetensors)."),
        click.option("--network", metavar="NAME", help="Which network of the file."),
        click.option(
            "--winograd",
            type=click.Choice(["auto", "off", "f2", "f4"]),
            default="auto",
            help="3x3 convolutions on CPUs by F(2,3) while weights grow by a tenth (default), wherever it gains, by "
            "F(4,3) too, or neither.",
        ),
        click.option(
            "--error-format",
            type=click.Choice(["text", "json"]),
            default="text",
            help="Messages for people or editors.",
        ),
    )
    for flag in reversed(flags):
        function = flag(function)
    return function


@click.command("neuralc", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", metavar="MODEL", required=False, type=click.Path(path_type=Path))
@click.option("-o", "output", metavar="PATH", help="Where the product goes; `-` is stdout. Default: beside the model.")
@click.option(
    "--emit", "kind", metavar="KIND", help="What to make, see below. Default: so, or what the target is called."
)
@click.option(
    "--target", type=click.Choice(["cpu", "cuda", "tpu"]), help="What runs the model. Default: what it says, or cpu."
)
@click.option("--mcpu", metavar="CPU", help="Processor, such as `znver3`. Default: this one.")
@click.option("--triple", metavar="TRIPLE", help="LLVM triple to compile for. Default: this machine's.")
@click.option("--arch", metavar="ARCH", help="GPU architecture, such as `sm_80`.")
@shared_flags
@click.option("--compile-to", type=LEVEL, help="Stop at the end of a level; its IR is the product.")
@click.option("--compile-from", type=LEVEL, help="Level of the IR in MODEL. Default: the lowest one found in it.")
@click.option("--pass-pipeline", metavar="PASSES", help="Run these passes instead of those of -O.")
@click.option(
    "--for",
    "purpose",
    type=click.Choice(["training", "inference"]),
    help="What code of a framework is for: with a training script beside it, or without layers that only train.",
)
@click.option("--print-pipeline", is_flag=True, help="Print the passes with the reason for each, and stop.")
@click.option("--verify-each", is_flag=True, help="Verify the IR after each pass.")
@cache_flags
@instrument_flags
@click.option("--version", is_flag=True, help="Print the versions of neuralc, xDSL and LLVM.")
def command(
    model: Path | None,
    version: bool,
    output: str | None,
    kind: str | None,
    error_format: ErrorFormat,
    print_pipeline: bool,
    target: str | None,
    no_cache: bool,
    verbose: bool,
    **flags: Any,
) -> int:
    """Compile a neural network: MODEL is a .nr program, a model of a framework, or IR of any level."""
    if version:
        sys.stdout.write(f"{version_text()}\n")
        return 0
    from neuralc.execution import with_execution

    options = make_options(target=target or "cpu", **flags)
    options = with_execution(model, options, target_given=target is not None)
    if options.compile_to is not None and kind not in (None, options.compile_to):
        raise usage_error(
            "E0814",
            f"`--emit={kind}` and `--compile-to={options.compile_to}` ask for different products",
            help="leave one out",
        )
    from neuralc import driver, products

    kind = kind or options.compile_to or products.DEFAULT_EMIT[options.target]
    found = products.emitter(kind, options.target)
    products.check_purpose(kind, options.purpose)
    if print_pipeline:
        from neuralc.passes.pipelines import describe

        entries = driver.entries_of(options, options.compile_from or "graph", found.stage)
        sys.stdout.write(describe(entries))
        return 0
    if model is None:
        raise usage_error(
            "E0815", "no model given", help="`neuralc model.nr` compiles model.nr; `neuralc --help` tells more"
        )
    from neuralc.cli_products import check_destination, write
    from neuralc.files import STDOUT

    destination = check_destination(output, model, found)
    tell = partial(report, error_format=error_format)
    if kind == "so":
        from neuralc.cache import native

        file = Path(destination) if destination != STDOUT else None
        written = partial(write, destination, emitter=found)
        compilation, said = native.write_library(model, options, tell, file, written, use=not no_cache)
        say(said, verbose)
    else:
        compilation = driver.load(model, options)
        tell(compilation.notices)
        driver.compile_to(compilation, found.stage)
        write(destination, driver.emit(compilation, kind), found)
        say(f"not used, `{kind}` is made anew each time", verbose)
    if compilation is not None and compilation.clock is not None:
        compilation.clock.report()
    return 0


def say(text: str, verbose: bool) -> None:
    """What the cache had, for `-v`."""
    if verbose and text:
        sys.stderr.write(f"cache: {text}\n")


def make_options(*, dims: Sequence[str], settings: Sequence[str], **flags: Any) -> Options:
    """The driver's options from the flags of the command line; flags the driver does not have are for `Watch`."""
    from dataclasses import fields

    from neuralc.driver import Options

    names = {each.name for each in fields(Options)}
    chosen = {name: flags.pop(name) for name in list(flags) if name in names}
    watch = Watch.from_flags(**flags) if flags else Watch()
    return Options(dims=parse_dims(dims), set=parse_settings(settings), watch=watch, **chosen)


def parse_dims(texts: Sequence[str]) -> dict[str, int]:
    """Sizes by name of `--dim S=128`. Raises UsageError E0813."""
    return dict(map(_dim, texts))


def _dim(text: str) -> tuple[str, int]:
    name, equals, size = text.partition("=")
    if not (name.isidentifier() and equals and size.isdigit() and int(size) > 0):
        raise usage_error("E0813", f"`--dim {text}`: not a size", help="write it as `--dim S=128`")
    return name, int(size)


def parse_settings(texts: Sequence[str]) -> dict[str, str]:
    """Values by name of `--set dense.units=64`. Raises UsageError E0813."""
    return dict(map(_setting, texts))


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (equals and value and all(part.isidentifier() or part.isdigit() for part in name.split("."))):
        raise usage_error("E0813", f"`--set {text}`: not a setting", help="write it as `--set dense.units=64`")
    return name, value


def version_text() -> str:
    from importlib.metadata import version

    import llvmlite.binding as llvm

    llvm_version = ".".join(map(str, llvm.llvm_version_info))
    python = ".".join(map(str, sys.version_info[:3]))
    return f"neuralc {version('neuralc')} (xDSL {version('xdsl')}, LLVM {llvm_version}, Python {python})"


def error_format_of(arguments: Sequence[str]) -> ErrorFormat:
    """The format of messages, read from the raw arguments: it must be known even when the arguments are wrong."""
    joined = "\0".join(arguments)
    return "json" if "--error-format=json" in joined or "--error-format\0json" in joined else "text"


def run(arguments: Sequence[str]) -> int:
    """Run with the given arguments and return the exit code."""
    error_format = error_format_of(arguments)
    if arguments and arguments[0] in VERBS:
        verb: click.Command = import_module(VERBS[arguments[0]]).command
        return run_command(verb, arguments[1:], error_format, f"neuralc {arguments[0]}")
    return run_command(command, arguments or ["--help"], error_format)


def main() -> None:
    """Entry point of the console script."""
    # Types, ops and modules are many small objects that live to the end: looking through them again and again for
    # garbage takes a tenth of a short compile.
    gc.set_threshold(200_000, 20, 100)
    sys.exit(run(sys.argv[1:]))
