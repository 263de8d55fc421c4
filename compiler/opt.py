"""neuralc-opt: parse IR of any level, run passes on it, print the result. What mlir-opt is to MLIR; made for tests.

xDSL's and MLIR's own tools cannot read our dumps: both have another dialect that is called `tensor`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from neuralc.passes.base import PassContext

from neuralc.cli_errors import WRONG_MODEL, report, run_command
from neuralc.cli_instruments import Watch, instrument_flags, print_remarks
from neuralc.grammar.diagnostics import NeuralcError, Source

SPLIT_MARK = "// -----"

EXAMPLES = """\b
Examples:
  neuralc-opt model.mlir -p graph-canonicalize,graph-cse
  neuralc-opt model.mlir -p 'tensor-fuse-elementwise{max-ops=4}' --remarks=passed,missed
  neuralc model.nr --emit=graph -o - | neuralc-opt -p graph-dce --print-changed=diff
  neuralc-opt invalid.mlir --split-input-file --verify-diagnostics
"""


@click.command("neuralc-opt", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", default="-")
@click.option("-p", "--pass-pipeline", "pipeline", default="", metavar="PASSES", help="Passes to run, by comma.")
@click.option("-o", "output", default="-", metavar="FILE", help="Where to write the IR; `-` is stdout.")
@click.option("--verify-each/--no-verify-each", default=True, help="Verify after every pass (default: on).")
@click.option(
    "--split-input-file", is_flag=True, help=f"Treat the parts between `{SPLIT_MARK}` lines as separate files."
)
@click.option(
    "--verify-diagnostics", is_flag=True, help="Succeed when the errors are those of `// expected-error {{..}}`."
)
@click.option("--print-locations", is_flag=True, help="Print the `loc(...)` of each op.")
@click.option("--print-generic", is_flag=True, help="Print ops in MLIR's generic form.")
@click.option("--target", help="Target for passes that need one: cpu or cuda.")
@click.option("--mcpu", help="Processor of the target, such as `native` or `znver3`.")
@click.option("--triple", help="LLVM triple of the target.")
@click.option("--arch", help="GPU architecture of the target, such as `sm_80`.")
@click.option("--weights", metavar="FILE", help="Weights (.safetensors, or the weights folder of a dump).")
@click.option("--statistics", is_flag=True, help="Print how often each pattern fired.")
@click.option("--list-passes", is_flag=True, help="Print the passes and their options.")
@click.option("--run-reproducer", is_flag=True, help="Take pipeline and settings from the head of the file.")
@instrument_flags
def command(file: str, list_passes: bool, **flags: Any) -> int:
    """Run passes on IR: FILE, or stdin when it is `-` or left out."""
    if list_passes:
        _print_passes()
        return 0
    name, text = _read(file)
    if flags.pop("run_reproducer"):
        from neuralc.passes.reproducer import read_reproducer

        found = read_reproducer(text, name)
        flags["pipeline"] = flags["pipeline"] or found.pipeline
        flags |= {setting: value for setting, value in found.settings.items() if flags.get(setting) is None}
        flags.pop("threads", None)
    return _Run(**flags).file(name, text)


class _Run:
    """One invocation: the passes and settings are the same for all parts of a split file."""

    def __init__(
        self,
        *,
        pipeline: str,
        output: str,
        verify_each: bool,
        split_input_file: bool,
        verify_diagnostics: bool,
        print_locations: bool,
        print_generic: bool,
        target: str | None,
        mcpu: str | None,
        triple: str | None,
        arch: str | None,
        weights: str | None,
        statistics: bool,
        **watch: Any,
    ) -> None:
        from neuralc.passes.registry import parse_pipeline

        self.passes = parse_pipeline(pipeline)
        self.watch = Watch.from_flags(**watch)
        self.output = output
        self.verify_each = verify_each
        self.split = split_input_file
        self.expect = verify_diagnostics
        self.print_options = {"locations": print_locations, "generic": print_generic}
        settings = {"target": target, "mcpu": mcpu, "triple": triple, "arch": arch, "weights": weights}
        self.settings = {setting: value for setting, value in settings.items() if value is not None}
        self.statistics = statistics

    def file(self, name: str, text: str) -> int:
        parts = _split(text) if self.split else [text]
        printed: list[str] = []
        failed = False
        for part in parts:
            source = Source(name, part)
            try:
                result = self._part(source)
            except NeuralcError as fault:
                if not self.expect:
                    raise
                diagnostics = fault.diagnostics
            else:
                diagnostics = ()
                printed.append(result)
            if self.expect:
                from neuralc.expected import compare

                complaints = compare(source, diagnostics)
                sys.stderr.writelines(f"{complaint}\n" for complaint in complaints)
                failed |= bool(complaints)
        if not self.expect:
            _write(self.output, f"{SPLIT_MARK}\n".join(printed))
        return WRONG_MODEL if failed else 0

    def _part(self, source: Source) -> str:
        from neuralc.passes.manager import run_pipeline
        from neuralc.passes.parsing import parse_module
        from neuralc.passes.printing import print_module
        from neuralc.passes.verifier import verify_module

        module = parse_module(source.text, source.name)
        verify_module(module, source)
        context = self._context(module)
        clock = None
        if self.watch.time_passes:
            from neuralc.passes.instruments import TimePasses

            clock = TimePasses()
        try:
            run_pipeline(
                module,
                self.passes,
                context,
                instruments=self.watch.instruments(clock),
                verify_each=self.verify_each,
                reproducer=self.watch.reproducer,
            )
        finally:
            print_remarks(context.remarks, self.watch.remarks)
        if clock is not None:
            clock.report()
        if self.statistics:
            for (pass_name, event), count in sorted(context.statistics.items()):
                sys.stderr.write(f"{count:8} {pass_name}: {event}\n")
        return print_module(module, **self.print_options)

    def _context(self, module: ModuleOp) -> PassContext:
        from neuralc.settings import make_pass_context

        return make_pass_context(self.settings, module)


def _print_passes() -> None:
    from neuralc.passes.registry import PASSES, describe_pass

    for name in PASSES:
        description = describe_pass(name)
        sys.stdout.write(f"{name}\n    {description.summary}\n")
        for option in description.options:
            default = f" = {option.default}" if option.default is not None else ""
            sys.stdout.write(f"    {{{option.name}: {option.type}{default}}}  {option.text}\n")


def _read(file: str) -> tuple[str, str]:
    from neuralc.files import read_text

    return ("<stdin>", sys.stdin.read()) if file == "-" else (file, read_text(Path(file)))


def _write(output: str, text: str) -> None:
    from neuralc.files import write_product

    write_product(output, text)


def _split(text: str) -> list[str]:
    """The parts of a split file; blank lines stand for what comes before, which keeps line numbers."""
    parts: list[str] = []
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(keepends=True)):
        if line.strip() == SPLIT_MARK:
            parts.append("".join(lines))
            lines = ["\n"] * (number + 1)
        else:
            lines.append(line)
    return [*parts, "".join(lines)]


def run(arguments: Sequence[str]) -> int:
    """Run with the given arguments and return the exit code, as tests do within one process."""
    return run_command(command, arguments)


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))


__all__ = ["command", "main", "report", "run"]
