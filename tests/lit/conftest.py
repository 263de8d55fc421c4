"""Runs the lit tests in this process: pytest collects each file with RUN lines as one test.

Plain `lit` starts a Python for every command, 0.3 s each. Here `neuralc-opt`, `neuralc`, `filecheck` and `not` are
calls; any other command is started as usual. Understood of lit: `RUN:` with `\\` continuation, `REQUIRES:`, `%s %S %t
%T %%`, pipes, `&&`, `;`, `<`, `>`, `>>`, `2>`, `2>&1`. A pipeline fails when any part of it does, as in lit.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SUFFIXES = {".mlir", ".nr", ".test"}
_RUN = re.compile(r"RUN:\s*(.*)")
_REQUIRES = re.compile(r"REQUIRES:\s*(.*)")
_OPERATORS = {"|", "&&", ";", "<", ">", ">>"}


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix in SUFFIXES and "Inputs" not in file_path.parts:
        return LitFile.from_parent(parent, path=file_path)
    return None


class LitFile(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        text = self.path.read_text(encoding="utf-8", errors="replace")
        if _RUN.search(text):
            yield LitTest.from_parent(self, name=self.path.name, text=text)


class LitFailure(Exception):
    """A RUN line that did not succeed."""


class LitTest(pytest.Item):
    def __init__(self, *, text: str, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]  # pytest's nodes take what from_parent was given
        self.text = text

    def runtest(self) -> None:
        for match in _REQUIRES.finditer(self.text):
            for feature in filter(None, (part.strip() for part in match[1].split(","))):
                if importlib.util.find_spec(feature) is None:
                    pytest.skip(f"needs {feature}")
        scratch = Path(self.config.rootpath) / "build" / "lit-in-process" / self.path.relative_to(Path(__file__).parent)
        scratch.parent.mkdir(parents=True, exist_ok=True)
        for line in run_lines(self.text):
            command = substitute(line, self.path, scratch)
            code, output = Shell(self.path.parent).run(command)
            if code != 0:
                raise LitFailure(f"$ {command}\nexit code {code}\n{output}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, LitFailure):
            return f"{self.path}\n{excinfo.value}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"lit: {self.path.name}"


def run_lines(text: str) -> Iterator[str]:
    """The commands of a test, continuation lines joined."""
    pending = ""
    for match in _RUN.finditer(text):
        part = match[1].rstrip()
        if part.endswith("\\"):
            pending += part[:-1]
            continue
        yield pending + part
        pending = ""


def substitute(line: str, source: Path, scratch: Path) -> str:
    values = {"s": source, "S": source.parent, "t": f"{scratch}.tmp", "T": scratch.parent, "%": "%"}
    return re.sub(r"%([sStT%])", lambda match: str(values[match[1]]), line)


@dataclass
class Command:
    """One command of a pipeline and where its streams go."""

    words: list[str] = field(default_factory=list)
    stdin: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    append: bool = False
    joined: bool = False
    """`2>&1` stood there."""
    parted: bool = False
    """`>` stood after it: the pipe gets stderr, the file gets stdout."""


class Shell:
    """As much of a shell as RUN lines need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.messages: list[str] = []

    def run(self, line: str) -> tuple[int, str]:
        """Exit code, and all that went to stderr or was left on stdout."""
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        code, pipeline = 0, [Command()]
        tokens = [*lexer, ";"]
        position = 0
        while position < len(tokens):
            token = tokens[position]
            command = pipeline[-1]
            if token in ("&&", ";"):
                if command.words:
                    code = self._pipeline(pipeline)
                pipeline = [Command()]
                if code != 0 and token == "&&":
                    break
            elif token == "|":
                pipeline.append(Command())
            elif token == ">&" and command.words and command.words[-1] == "2":
                command.words.pop()
                command.joined = tokens[position + 1] == "1"
                position += 1
            elif token in ("<", ">", ">>"):
                position += 1
                if token == "<":
                    command.stdin = tokens[position]
                elif command.words and command.words[-1] == "2":
                    command.words.pop()
                    command.stderr = tokens[position]
                else:
                    command.stdout, command.append = tokens[position], token == ">>"
                    command.parted = command.joined
            else:
                command.words.append(token)
            position += 1
        return code, "".join(self.messages)

    def _pipeline(self, commands: Sequence[Command]) -> int:
        data, result = b"", 0
        for command in commands:
            given = Path(command.stdin).read_bytes() if command.stdin is not None else data
            code, out, err = execute(command.words, given, joined=command.joined and not command.parted)
            if command.stderr is not None:
                Path(command.stderr).write_bytes(err)
            else:
                self.messages.append(err.decode(errors="replace"))
            if command.stdout is not None:
                with Path(command.stdout).open("ab" if command.append else "wb") as file:
                    file.write(out)
                out = err if command.parted else b""
            data = out
            result = result or code
        self.messages.append(data.decode(errors="replace"))
        return result


def execute(words: Sequence[str], stdin: bytes, *, joined: bool = False) -> tuple[int, bytes, bytes]:
    """Exit code, stdout and stderr of one command; stderr goes where stdout does when `joined`."""
    name, *arguments = words
    if name == "not":
        if arguments[:1] == ["--crash"]:
            raise LitFailure("`not --crash` is not understood: neuralc has no crashes that are wanted")
        code, out, err = execute(arguments, stdin, joined=joined)
        return (1 if code == 0 else 0), out, err
    if name in IN_PROCESS:
        with streams(stdin, joined) as (out_stream, err_stream):
            try:
                code = IN_PROCESS[name](arguments)
            except SystemExit as request:
                code = request.code if isinstance(request.code, int) else int(request.code is not None)
        return code, out_stream.getvalue(), err_stream.getvalue()
    environment = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    stderr = subprocess.STDOUT if joined else subprocess.PIPE
    done = subprocess.run(list(words), input=stdin, stdout=subprocess.PIPE, stderr=stderr, check=False, env=environment)
    return done.returncode, done.stdout, done.stderr or b""


@contextmanager
def streams(stdin: bytes, joined: bool) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Standard streams in memory, with the byte buffer that binary products are written to."""
    saved = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(out if joined else err, encoding="utf-8", write_through=True)
    try:
        yield out, err
    finally:
        sys.stdout.detach()  # type: ignore[union-attr]  # or the wrapper would close the buffer that is read next
        sys.stderr.detach()  # type: ignore[union-attr]
        sys.stdin, sys.stdout, sys.stderr = saved


def _neuralc_opt(arguments: Sequence[str]) -> int:
    from neuralc import opt

    return opt.run(arguments)


def _neuralc(arguments: Sequence[str]) -> int:
    from neuralc import cli

    return cli.run(arguments)


def _filecheck(arguments: Sequence[str]) -> int:
    from filecheck.main import main

    main(["filecheck", *arguments])
    return 0


IN_PROCESS: dict[str, Callable[[Sequence[str]], int]] = {
    "neuralc-opt": _neuralc_opt,
    "neuralc": _neuralc,
    "filecheck": _filecheck,
}
