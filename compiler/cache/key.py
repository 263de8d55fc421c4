"""What decides a product, as text to be hashed: every option, the processor, versions, and the files that were read.

Nothing here loads xDSL, LLVM alone is asked for the processor. A checkout that is edited is another version: the sizes
and times of the sources count, and so do those of plugins.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralc.grammar.diagnostics import Source
from neuralc.grammar.entry_points import installed
from neuralc.grammar.files_read import state_of

if TYPE_CHECKING:
    from neuralc.driver import Options

WHOLE = 128 << 20
"""Bytes of a file from which its first ones, its size and its times stand for its content."""
HEADER = 1 << 20

PACKAGES = ("neuralc", "llvmlite", "xdsl", "numpy", "ml_dtypes", "lark", "safetensors")
READERS: Mapping[str, tuple[str, ...]] = {
    ".onnx": ("onnx",),
    ".keras": ("h5py",),
    ".pt2": ("torch",),
    ".stablehlo": ("jaxlib",),
    ".mlirbc": ("jaxlib",),
    ".jax": ("jax", "jaxlib"),
}
"""Suffix of a model -> packages that take part in reading it."""
PLUGINS = ("neuralc.layers", "neuralc.ops")
"""The groups of entry points that bring something to a compilation."""
OURS = ("neuralc", "neuralc.grammar", "neuralc.dialects", "neuralc.passes", "neuralc.runtime")
"""Our packages: in a checkout their folders stand side by side."""
SOURCES = (".py", ".ll", ".lark")
NO_PART = ("watch", "weights")
"""Options that decide nothing by themselves: what is printed, and a file that counts with its content."""


def digest_of(value: object) -> str:
    """The SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()


def first_key(model: Path | Source, options: Options, form: str) -> str:
    """The key of a model by what is known before it is read. `form` is what kind of code is asked for."""
    named, suffix = (model.name, "") if isinstance(model, Source) else (model.name, model.suffix)
    return digest_of(
        {
            "form": form,
            "name": named,
            "model": _sha256(model.text.encode()) if isinstance(model, Source) else fingerprint(model),
            "options": _decided(options),
            "weights": None if options.weights is None else str(options.weights.absolute()),
            "versions": _versions((*PACKAGES, *READERS.get(suffix, ()))),
            "sources": _sources_of(*OURS),
            "plugins": _plugins(),
            "machine": _machine(),
        }
    )


def second_key(first: str, files: Iterable[Path], told: Iterable[str]) -> str:
    """The key of a model whose other files are known. `told` is what its messages say besides."""
    return digest_of([first, [fingerprint(path) for path in files], list(told)])


def fingerprint(path: Path) -> str:
    """What tells the content of a file: a hash of all of it, of a very large one of its header, size and times."""
    state = state_of(path)
    if state is None or not path.is_file():
        return "absent" if state is None else "no file"
    try:
        with path.open("rb") as file:
            if state.size <= WHOLE:
                return hashlib.file_digest(file, "sha256").hexdigest()
            return digest_of([_sha256(file.read(HEADER)), asdict(state)])
    except OSError:
        return "unreadable"


def _decided(options: Options) -> dict[str, Any]:
    return {each.name: getattr(options, each.name) for each in fields(options) if each.name not in NO_PART}


def _machine() -> dict[str, Any]:
    """This machine, whose features and caches decide code; how many processors it has does not."""
    from neuralc.passes.host import host

    return {name: value for name, value in asdict(host()).items() if name != "threads"}


@cache
def _versions(packages: tuple[str, ...]) -> dict[str, str | None]:
    return {name: _version(name) for name in packages}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _plugins() -> list[tuple[str, str, str, str | None, str]]:
    """What installed packages bring: names, versions, and the sources behind them."""
    return [
        (group, name, point.value, point.dist.version if point.dist else None, _sources_of(_package(point.value)))
        for group in PLUGINS
        for name, point in sorted(installed(group).items())
    ]


def _package(value: str) -> str:
    """The outermost package of an entry point's value, `package.module:name`."""
    return value.partition(":")[0].partition(".")[0].strip()


@cache
def _sources_of(*packages: str) -> str:
    """The sizes and times of all sources of packages, or of modules that are no packages."""
    return digest_of([sorted(_sources(folder)) for package in packages for folder in _folders(package)])


def _folders(package: str) -> Sequence[str]:
    found = find_spec(package)
    if found is None:
        return ()
    return list(found.submodule_search_locations or ()) or [found.origin or ""]


def _sources(folder: str) -> Iterator[tuple[str, int, int]]:
    """Relative path, size and time of a file, or of each source in a folder."""
    for place, _, names in os.walk(folder, followlinks=True):
        yield from (_source(Path(place, name), folder) for name in names if name.endswith(SOURCES))
    if Path(folder).is_file():
        yield _source(Path(folder), folder)


def _source(path: Path, folder: str) -> tuple[str, int, int]:
    found = path.stat()
    return os.path.relpath(path, folder), found.st_size, found.st_mtime_ns


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
