"""Makes a shared library of objects: with the system's `cc`, else with zig of the `[link]` extra.

Nothing is linked but the C library. The library carries no build path and no time: the same objects give the same
bytes from the same linker. Zig comes with LLD, which links at once against the C library of this process; for another
machine `zig cc` builds a C library first, which takes minutes when it is done for the first time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from neuralc.emit.llvm.link_object import embed
from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.passes.host import process_triple
from neuralc.passes.target_table import architecture_of

OPTIONS = ("-z,noexecstack", "-z,relro", "-z,now", "--as-needed", "--build-id=none")
"""Of the linker; commas are blanks."""
DRIVER_FLAGS = ("-shared", "-pthread", *(f"-Wl,{option}" for option in OPTIONS))
LLD_FLAGS = ("ld.lld", "-shared", *(word for option in OPTIONS for word in option.split(",")))
PIECE = 1 << 20
"""Bytes of a library that are in memory at a time."""
TIME_LIMIT = 600.0
"""Seconds; see above."""


def link_model(
    objects: Sequence[bytes], symbol: str, size: int, weights: Iterable[bytes | memoryview], triple: str
) -> Iterator[bytes]:
    """A shared library of a model's objects, with its `size` bytes of weights at `symbol`, which the last one needs."""
    *others, last = objects
    return link_shared([*([each] for each in others), embed(last, symbol, size, weights)], triple)


def link_shared(objects: Sequence[Iterable[bytes | memoryview]], triple: str) -> Iterator[bytes]:
    """A shared library with all that the objects define. They and it pass through here in pieces.

    Raises E0842 when there is no linker for the target, E0843 when the linker fails.
    """
    # Fixed names, relative paths: linkers write both into what they make.
    names = [f"part{number}.o" for number in range(len(objects))]
    command = link_command(triple, names)
    with tempfile.TemporaryDirectory(prefix="neuralc-") as folder:
        for name, pieces in zip(names, objects, strict=True):
            with (Path(folder) / name).open("wb") as file:
                file.writelines(pieces)
        _run(command, folder)
        with (Path(folder) / "model.so").open("rb") as file:
            yield from iter(lambda: file.read(PIECE), b"")


def link_command(triple: str, objects: Sequence[str]) -> list[str]:
    """The command that makes model.so of objects. Raises E0842, with what to install."""
    files = ["-o", "model.so", *objects]
    math = "-lm"  # for functions that a processor has no instructions for; left out by --as-needed otherwise
    architecture = architecture_of(triple)
    here = architecture == architecture_of(process_triple())
    compiler = _compiler_here() if here else _found(f"{architecture}-linux-gnu-gcc")
    if compiler:
        return [*compiler, *DRIVER_FLAGS, *files, math]
    if find_spec("ziglang") is None:
        raise _no_linker(triple, here)
    zig = [sys.executable, "-m", "ziglang"]
    libraries = _c_libraries() if here else []
    if libraries:
        return [*zig, *LLD_FLAGS, *files, *libraries]
    return [*zig, "cc", "-target", f"{architecture}-linux-gnu", *DRIVER_FLAGS, *files, math]


def _compiler_here() -> list[str]:
    chosen = os.environ.get("CC", "").split()
    if chosen and shutil.which(chosen[0]):
        return chosen
    return _found("cc") or _found("gcc") or _found("clang")


def _found(name: str) -> list[str]:
    path = shutil.which(name)
    return [] if path is None else [path]


def _c_libraries() -> list[str]:
    """The files of the C library this process runs with: LLD takes names and versions of functions from them."""
    try:
        mapped = Path("/proc/self/maps").read_text().split()
    except OSError:
        return []
    names = ("libc.so.6", "libm.so.6")
    return sorted({path for path in mapped if path.startswith("/") and Path(path).name in names})


def _no_linker(triple: str, here: bool) -> NeuralcError:
    what = "a shared library" if here else f"a shared library for {triple}"
    return error(
        "E0842",
        f"{what} needs a linker, and none is found",
        note="looked for CC, cc, gcc, clang and the package `ziglang`",
        help="`pip install 'neuralc[link]'` brings one; `--emit=obj` and running in Python need none",
    )


def _run(command: Sequence[str], folder: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=TIME_LIMIT)
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise error("E0843", f"cannot run the linker `{command[0]}`", note=reason) from None
    except subprocess.TimeoutExpired:
        raise error("E0843", f"the linker `{command[0]}` did not finish in {TIME_LIMIT:.0f} s") from None
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise error("E0843", f"the linker `{command[0]}` failed", note=message.splitlines()[-20:])
