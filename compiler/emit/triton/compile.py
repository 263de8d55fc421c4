"""Ahead-of-time compilation: kernels to cubins for one architecture, with no GPU, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import kernel
from neuralc.emit.triton.alignment import aligned_references
from neuralc.emit.triton.cubin import Resources, read_cubin
from neuralc.emit.triton.hints import launch_of
from neuralc.emit.triton.progress import Progress, silent
from neuralc.emit.triton.scope import ref_type
from neuralc.emit.triton.source import Source
from neuralc.emit.triton.types import ELEMENTS
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, error
from neuralc.passes.target import Target


@dataclass(frozen=True)
class Request:
    """One kernel to compile: `signature` by parameter, `aligned` the places of pointers to 16-byte aligned memory."""

    name: str
    signature: dict[str, str]
    aligned: list[int]
    num_warps: int
    num_stages: int


@dataclass(frozen=True)
class Cubin:
    """A compiled kernel."""

    request: Request
    symbol: str
    """Its name in the cubin."""
    shared_bytes: int
    """Of a block."""
    resources: Resources = field(repr=False)
    data: bytes = field(repr=False)
    ptx: str = field(repr=False)


def requests_of(module: ModuleOp, source: Source) -> list[Request]:
    """What to compile, in the module's order."""
    aligned = aligned_references(module)
    found = []
    for func in module.walk():
        if not isinstance(func, kernel.FuncOp):
            continue
        name, launch, count = source.names[func.sym_name.data], launch_of(func), len(func.dims)
        pointers = [f"*{ELEMENTS[ref_type(argument).element_type].signature}" for argument in func.references]
        types = ["i32"] * count + pointers
        signature = dict(zip(source.parameters[func.sym_name.data], types, strict=True))
        places = [count + place for place, is_aligned in enumerate(aligned[func.sym_name.data]) if is_aligned]
        found.append(Request(name, signature, places, launch.num_warps, launch.num_stages))
    return found


def compile_kernels(
    source: Source, requests: Sequence[Request], target: Target, progress: Progress | None = None
) -> list[Cubin]:
    """The cubins, in the order of the requests.

    Raises E0861 where Triton is missing, E0862 for what it refuses, E0863 for more shared memory than the target has.
    """
    if importlib.util.find_spec("triton") is None:
        raise error("E0861", "making cubins needs Triton", help="pip install 'neuralc[cuda]'")
    report = progress or silent
    with tempfile.TemporaryDirectory(prefix="neuralc-triton-") as name:
        folder = Path(name)
        (folder / "kernels.py").write_text(source.kernel_text)
        capability = int(target.arch.removeprefix("sm_"))
        (folder / "requests.json").write_text(
            json.dumps([vars(request) | {"capability": capability} for request in requests])
        )
        results = _run_worker(folder, requests, report)
        printed = (folder / "messages").read_text(errors="replace").strip()
        _refuse(requests, results, target, printed)
        return [_collect(folder, request, results[request.name]) for request in requests]


def _run_worker(folder: Path, requests: Sequence[Request], report: Progress) -> dict[str, dict[str, object]]:
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    # Line tables name the temporary folder: without them the same input gives the same cubin.
    environment["TRITON_DISABLE_LINE_INFO"] = "1"
    results: dict[str, dict[str, object]] = {}
    command = [sys.executable, "-m", "neuralc.emit.triton.worker", str(folder)]
    with (
        (folder / "messages").open("wb") as messages,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=messages, env=environment, text=True) as process,
    ):
        for line in process.stdout or ():
            result = json.loads(line)
            results[result["name"]] = result
            report(len(results), len(requests), result["name"])
    if process.returncode != 0:
        missing = next((request.name for request in requests if request.name not in results), "")
        results[missing] = {"error": f"the process of Triton ended with {process.returncode}"}
    return results


def _refuse(requests: Sequence[Request], results: dict[str, dict[str, object]], target: Target, printed: str) -> None:
    """Raise E0862 and E0863 for all kernels together; `printed` is what Triton had to say beside its exceptions."""
    found: list[Diagnostic] = []
    limit = target.gpu.shared_memory if target.gpu is not None else 0
    for request in requests:
        result = results.get(request.name, {"error": "Triton did not come to this kernel"})
        if "error" in result:
            message = f"Triton does not compile kernel `{request.name}` for {target.arch}"
            reasons = (str(result["error"]).strip(), *([printed] if printed else []))
            found.append(Diagnostic("E0862", message, None, reasons))
            continue
        needed = int(str(result["shared_bytes"]))
        if limit and needed > limit:
            message = (
                f"kernel `{request.name}` needs {needed} bytes of shared memory, {target.arch} has {limit} for a block"
            )
            found.append(Diagnostic("E0863", message, None, (), "smaller tiles or fewer `num_stages` need less"))
    if found:
        raise NeuralcError(found)


def _collect(folder: Path, request: Request, result: dict[str, object]) -> Cubin:
    data = (folder / f"{request.name}.cubin").read_bytes()
    ptx = (folder / f"{request.name}.ptx").read_text()
    symbol = str(result["symbol"])
    return Cubin(request, symbol, int(str(result["shared_bytes"])), read_cubin(data)[symbol], data, ptx)
