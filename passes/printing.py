"""IR to text: modules as they are dumped, and the difference of two dumps."""

from __future__ import annotations

import difflib
from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.printer import Printer

_STYLES = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
_RESET = "\x1b[0m"


def print_module(module: ModuleOp, *, locations: bool = False, generic: bool = False) -> str:
    """The text of a module, ending in a newline; with `locations` each op says its `loc(...)`."""
    return print_op(module, locations=locations, generic=generic) + "\n"


def print_op(op: Operation, *, locations: bool = False, generic: bool = False) -> str:
    stream = StringIO()
    Printer(stream, print_debuginfo=locations, print_generic_format=generic).print_op(op)
    return stream.getvalue()


def diff_text(before: str, after: str, title: str, *, color: bool = False, lines_around: int = 3) -> str:
    """The unified diff of two dumps; empty when they are equal."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"before {title}", f"after {title}", lineterm="", n=lines_around
    )
    if color:
        return "".join(f"{_paint(line)}\n" for line in lines)
    return "".join(f"{line}\n" for line in lines)


def _paint(line: str) -> str:
    style = _STYLES.get(line[:1])
    return f"{style}{line}{_RESET}" if style else line
