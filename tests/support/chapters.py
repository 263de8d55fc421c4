"""Runs a chapter of the tutorial: files are written, commands and Python are executed, what they print is compared.

    ```nr          a block whose first line is `# file: model.nr` is written to that file (also python, toml, ...)
    ```console     `$ command` and what it prints; `neuralc` runs in this process, all else in a shell
    ```pycon       `>>> statement` and what it prints, as doctest has it

`...` stands for any text in a line, and alone in a line for any lines. What commands print is stdout and stderr as they
come. A chapter has a folder of its own, in which `examples` is that of the checkout.
"""

from __future__ import annotations

import io
import re
import shlex
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.documents import ROOT, Fence, fences
from support.plugins import installed

from neuralc import cli, opt
from neuralc.grammar.codes import example_files

PROMPTS = {"console": "$ ", "pycon": ">>> "}
PROGRAMS = {"neuralc": cli.run, "neuralc-opt": opt.run}
MORE = "... "
"""Before further lines of a Python statement."""


@dataclass(frozen=True)
class Step:
    """A command and what the chapter says that it prints."""

    source: str
    """With its prompts."""
    expected: str

    def command(self, prompt: str) -> str:
        lines = self.source.splitlines()
        return "\n".join([lines[0].removeprefix(prompt), *(line[len(MORE) :] for line in lines[1:])])


def steps(fence: Fence) -> list[Step]:
    """The commands of a block, which begins with one."""
    prompt = PROMPTS[fence.language]
    found: list[tuple[list[str], list[str]]] = []
    for line in fence.text.splitlines(keepends=True):
        if line.startswith(prompt):
            found.append(([line], []))
            continue
        source, expected = found[-1]
        more = prompt == ">>> " and line.startswith(MORE) and not expected
        (source if more else expected).append(line)
    return [Step("".join(source), "".join(expected)) for source, expected in found]


def agrees(expected: str, found: str) -> bool:
    """Whether something printed is what was said."""
    pattern = "".join(map(_pattern, trimmed(expected).splitlines()))
    return re.fullmatch(pattern, trimmed(found)) is not None


def _pattern(line: str) -> str:
    if line == "...":
        return r"(?s:(.*\n)??)"
    return ".*?".join(map(re.escape, line.split("..."))) + r"\n"


def trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


@dataclass
class Chapter:
    """A chapter being executed in a folder."""

    page: Path
    folder: Path
    names: dict[str, Any] = field(default_factory=dict)

    def run(self) -> Iterator[tuple[Fence, Step, str]]:
        """Each command with what it printed."""
        shutil.copytree(ROOT / "examples", self.folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        with chdir(self.folder), on_path(self.folder):
            for fence in fences(self.page):
                if fence.language not in PROMPTS:
                    self._write(fence)
                    continue
                for step in steps(fence):
                    yield fence, step, self._printed(fence.language, step).replace(f"{self.folder}/", "")

    def _write(self, fence: Fence) -> None:
        if not fence.text.startswith("# file: "):
            return
        for name, text in example_files(fence.text).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def _printed(self, language: str, step: Step) -> str:
        command = step.command(PROMPTS[language])
        program, *arguments = shlex.split(command) if language == "console" else ["python"]
        if program not in (*PROGRAMS, "python"):
            return self._shell(command)
        output = io.StringIO()
        with redirect_stdout(output), redirect_stderr(output):
            if program == "python":
                self._execute(command)
            else:
                PROGRAMS[program]([name for each in arguments for name in matching(each)])
        return output.getvalue()

    def _execute(self, statement: str) -> None:
        try:
            exec(compile(f"{statement}\n", self.page.name, "single"), self.names)
        except Exception as fault:
            print("Traceback (most recent call last):\n  ...")
            print("".join(traceback.format_exception_only(fault)), end="")

    def _shell(self, command: str) -> str:
        if command.startswith("pip install "):
            installed(self.folder / command.split()[-1], self.folder / "site-packages")
            return ""
        done = subprocess.run(
            command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return done.stdout


def matching(argument: str) -> list[str]:
    """The files that a shell would put in the place of an argument."""
    return sorted(map(str, Path().glob(argument))) if "*" in argument else [argument]


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Python finds modules of a folder, and forgets them afterwards."""
    path, modules = list(sys.path), set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file is not None and Path(file).is_relative_to(folder):
                del sys.modules[name]


def rewritten(page: Path, printed: list[tuple[Fence, Step, str]]) -> str:
    """The text of a page with what its commands printed in place of what it said."""
    text = page.read_text(encoding="utf-8")
    for fence in sorted({fence for fence, _, _ in printed}, key=lambda fence: fence.start, reverse=True):
        parts = []
        for other, step, output in printed:
            if other == fence:
                parts.append(step.source + (step.expected if agrees(step.expected, output) else trimmed(output)))
        text = text[: fence.start] + "".join(parts) + text[fence.start + len(fence.text) :]
    return text
