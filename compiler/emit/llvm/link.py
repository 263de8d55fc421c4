"""Makes a shared library of an object: with the system's `cc`, else `zig cc` of the `[link]` extra.

Nothing is linked but the C library with its threads. The library carries no build path and no time: the same object
gives the same bytes from the same linker.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.passes.target import Target, architecture_of

FLAGS = (
    "-shared",
    "-Wl,-z,noexecstack",
    "-Wl,-z,relro",
    "-Wl,-z,now",
    "-Wl,--as-needed",
    "-Wl,--build-id=none",
    "-pthread",
)
TIME_LIMIT = 120.0
"""Seconds; `zig cc` builds its C library stubs when it runs for the first time."""


def link_shared(code: bytes, target: Target) -> bytes:
    """A shared library with all that the object `code` defines.

    Raises E0842 when there is no linker for the target, E0843 when the linker fails.
    """
    command = find_linker(target)
    with tempfile.TemporaryDirectory(prefix="neuralc-") as folder:
        # Fixed names, relative paths: neither gets into the library otherwise.
        (Path(folder) / "model.o").write_bytes(code)
        _run([*command, *FLAGS, "-o", "model.so", "model.o"], folder)
        return (Path(folder) / "model.so").read_bytes()


def find_linker(target: Target) -> list[str]:
    """The command that links for a target. Raises E0842, with what to install."""
    here = architecture_of(target.triple) == architecture_of(Target.host().triple)
    if here:
        chosen = os.environ.get("CC", "").split()
        if chosen and shutil.which(chosen[0]):
            return chosen
        for name in ("cc", "gcc", "clang"):
            if found := shutil.which(name):
                return [found]
    elif found := shutil.which(f"{architecture_of(target.triple)}-linux-gnu-gcc"):
        return [found]
    if find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc", "-target", f"{architecture_of(target.triple)}-linux-gnu"]
    raise _no_linker(target, here)


def _no_linker(target: Target, here: bool) -> NeuralcError:
    what = "a shared library" if here else f"a shared library for {target.triple}"
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
        raise error(
            "E0843", f"cannot run the linker `{command[0]}`", note=(fault.strerror or str(fault)).lower()
        ) from None
    except subprocess.TimeoutExpired:
        raise error("E0843", f"the linker `{command[0]}` did not finish in {TIME_LIMIT:.0f} s") from None
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise error("E0843", f"the linker `{command[0]}` failed", note=message.splitlines()[-20:])
