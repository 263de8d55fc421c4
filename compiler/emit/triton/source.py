"""The Triton module of a kernel-level module: header, helper functions, one function a kernel, and `run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.emit.python.names import Names, identifier
from neuralc.emit.python.writer import Writer
from neuralc.emit.triton.functions import HELPERS
from neuralc.emit.triton.hints import launch_of
from neuralc.emit.triton.host import HostPrinter
from neuralc.emit.triton.kernels import RESERVED, KernelPrinter
from neuralc.emit.triton.legality import check
from neuralc.passes.target import Target


@dataclass(frozen=True)
class Source:
    """The text of a module in its parts: `kernels` needs Triton alone, `host` needs torch."""

    title: str
    kernels: str
    host: str
    names: Mapping[str, str]
    """Symbol of a kernel.func -> name of its function."""
    parameters: Mapping[str, tuple[str, ...]]
    """Symbol of a kernel.func -> names of the function's parameters: dims, then memory."""

    @cached_property
    def text(self) -> str:
        imports = ("import torch\n" if self.host else "") + "import triton\nimport triton.language as tl\n"
        return "\n\n".join(filter(None, (self.title + "\n" + imports, self.kernels, self.host)))

    @property
    def kernel_text(self) -> str:
        """The kernels as a module of their own."""
        return f"import triton\nimport triton.language as tl\n\n\n{self.kernels}"


def emit_source(module: ModuleOp, target: Target) -> Source:
    """Write the kernels and the host program. Raises NeuralcError E0830 and E0860."""
    check(module, target)
    funcs = [op for op in module.walk() if isinstance(op, kernel.FuncOp)]
    host = next((op for op in module.walk() if isinstance(op, kernel.HostOp)), None)
    taken = Names(RESERVED)
    names = {func.sym_name.data: taken.claim(identifier(func.sym_name.data)) for func in funcs}
    helpers: set[str] = set()
    parameters: dict[str, tuple[str, ...]] = {}
    parts: list[str] = []
    for func in funcs:
        writer = Writer()
        printer = KernelPrinter(func, names[func.sym_name.data], writer)
        parameters[func.sym_name.data] = printer.write()
        helpers |= printer.helpers
        parts.append(writer.text)
    kernels = "\n\n".join([text.strip("\n") + "\n" for name, text in HELPERS.items() if name in helpers] + parts)
    title = _title(funcs, names, host, target)
    text = "" if host is None else HostPrinter(host, funcs, names).text()
    return Source(title, kernels, text, names, parameters)


def _title(funcs: list[kernel.FuncOp], names: Mapping[str, str], host: kernel.HostOp | None, target: Target) -> str:
    """The docstring of the module: what it is, and its kernels with their grids."""
    rows = [("kernel", "programs", "warps", "stages")]
    for func in funcs:
        launch = launch_of(func)
        rows.append((names[func.sym_name.data], str(func.grid.data), str(launch.num_warps), str(launch.num_stages)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    table = "\n".join(
        "    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    what = (
        "Triton kernels" if host is None else f"{host.sym_name.data}: Triton kernels and the program that launches them"
    )
    writer = Writer()
    writer.docstring(f"{what}, for {target.arch or 'any GPU'}.", "Written by neuralc; do not edit.\n\n" + table)
    return writer.text
