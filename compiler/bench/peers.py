"""The other engines: what each takes, with which settings it runs, and the model it is given.

An engine runs the model's own file, or another file of the same model, where it reads that kind. A `.nr` program is no
framework's, so there engines get what neuralc writes of it, and the report says so.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralc.grammar.diagnostics import NeuralcError, error, suggest, usage_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neuralc.driver import Compilation

    Array = NDArray[np.generic]

SETTINGS = Path(__file__).parent / "peers.toml"
OWN = {"onnx": (".onnx",), "torch": (".pt2",), "jax": (".jax",)}
"""The files that an engine reads itself, by what it takes."""
FORMS = {"onnx": "onnxruntime", "torch": "torch", "jax": "jax"}
"""What neuralc writes for it, by the names of verify/reference.py."""
FIND = """
import sys
from importlib.util import find_spec
def absent(name):
    above = name.rpartition(".")[0]
    return bool(above and absent(above)) or find_spec(name) is None
print(*filter(absent, sys.argv[1:]))
"""
"""Tells which packages another Python does not have."""


@dataclass(frozen=True)
class Peer:
    """One engine and its settings, as peers.toml has them."""

    name: str
    packages: Sequence[str]
    """What is imported of it."""
    takes: str
    install: str
    """What pip is told to install."""
    threads: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    affinity: bool = False
    """Whether it takes as many threads as it has processors."""
    static: bool = False
    """Whether it compiles for sizes that are numbers, whatever the model keeps open."""
    apart: bool = False
    """Whether it is installed in an environment of its own."""
    python: str = ""
    """The interpreter that has it; empty for this one."""


@cache
def peers() -> Mapping[str, Peer]:
    """All of peers.toml, by name."""
    rows = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    return {name: Peer(name, **row) for name, row in rows.items()}


def chosen(names: Sequence[str], model: Path, others: Sequence[Path] = (), pythons: Sequence[str] = ()) -> list[Peer]:
    """The engines of `--compare`, in the interpreters of `--peer-python`.

    Raises UsageError E0813 and E0814, NeuralcError E0921 where one cannot run.
    """
    interpreters = dict(map(_interpreter, pythons))
    found: list[Peer] = []
    for name in names:
        peer = _named(name, "--compare")
        _check_reads(peer, [model, *others])
        peer = replace(peer, python=interpreters.get(name, peer.python))
        check_installed(peer)
        found.append(peer)
    return found


def check_installed(peer: Peer) -> None:
    """Raises NeuralcError E0921 where its packages are absent, with what installs them."""
    absent = _absent(peer)
    if not absent:
        return
    help_ = f"pip install {peer.install}"
    if peer.apart:
        there = f"{peer.name}-env"
        help_ = (
            f"it needs an environment of its own: `python -m venv {there} && {there}/bin/pip install {peer.install}`, "
            f"then `--peer-python {peer.name}={there}/bin/python`"
        )
    where = f" in {peer.python}" if peer.python else ""
    raise error("E0921", f"comparing with {peer.name} needs {' and '.join(absent)}{where}", help=help_)


def _named(name: str, option: str) -> Peer:
    if name not in peers():
        raise usage_error(
            "E0813",
            f"`{option} {name}`: there is no such engine",
            note=f"known: {', '.join(peers())}",
            help=suggest(name, peers()),
        )
    return peers()[name]


def _interpreter(text: str) -> tuple[str, str]:
    """`iree=/opt/iree/bin/python` of `--peer-python`."""
    name, equals, python = text.partition("=")
    if not (equals and python):
        raise usage_error(
            "E0813", f"`--peer-python {text}`: no interpreter", help="write it as `--peer-python iree=PATH/python`"
        )
    return _named(name, "--peer-python").name, python


def _check_reads(peer: Peer, files: Sequence[Path]) -> None:
    known = OWN[peer.takes]
    if any(each.suffix in (".nr", *known) for each in files):
        return
    suffix = files[0].suffix
    able = [each.name for each in peers().values() if suffix in OWN[each.takes]]
    raise usage_error(
        "E0814",
        f"{peer.name} does not read {suffix} files: it is compared on {' and '.join([*known, '.nr'])} models",
        note="`--also` names a file of another kind with the same model",
        help=f"`--compare {','.join(able)}` can" if able else None,
    )


def _absent(peer: Peer) -> list[str]:
    if not peer.python:
        return [package for package in peer.packages if not _is_here(package)]
    command = [peer.python, "-I", "-c", FIND, *peer.packages]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise error(
            "E0921", f"`--peer-python {peer.name}={peer.python}` is no Python that runs", note=str(problem)
        ) from None
    return done.stdout.split()


def _is_here(package: str) -> bool:
    """Whether another process of this Python would find it, `iree.compiler` inside of `iree`."""
    folders: Sequence[str] | None = None
    for end in (index for index, letter in enumerate(f"{package}.") if letter == "."):
        spec = PathFinder.find_spec(package[:end], folders)
        if spec is None:
            return False
        folders = list(spec.submodule_search_locations or ())
    return True


def request_for(
    peer: Peer, files: Sequence[Path], compilation: Compilation, arrays: Mapping[str, Array], folder: Path
) -> tuple[dict[str, Any], list[Array]]:
    """What the worker is asked, and the arrays it gets: a file of the model, or what neuralc writes of a program."""
    from neuralc.dialects.graph import the_model
    from neuralc.verify.reference import write_request

    request: dict[str, Any] = {"engine": peer.name, "options": dict(peer.options), "threads_key": peer.threads}
    request["affinity"] = peer.affinity
    place = folder / peer.name
    place.mkdir()
    own = next((each for each in files if each.suffix in OWN[peer.takes]), None)
    if own is not None:
        names = list(the_model(compilation.module).inputs)
        given = [arrays[name] for name in names]
        if own.suffix == ".onnx" and (compilation.options.dims or peer.static):
            own = with_shapes(own, dict(zip(names, given, strict=True)), place / own.name)
        request |= {"model": str(own.resolve()), "names": names, "weights": "", "sizes": {}, "written": False}
        return request, given
    written, given = write_request(FORMS[peer.takes], compilation, arrays, place)
    if peer.takes == "onnx":
        _inline_functions(written["model"])
    return request | written | {"written": True}, given


def with_shapes(source: Path, arrays: Mapping[str, Array], target: Path) -> Path:
    """The ONNX model with the shapes of its inputs filled in: sizes that `--dim` fixes are fixed for every engine."""
    import onnx
    from onnx import shape_inference

    model = onnx.load(source)
    for port in model.graph.input:
        if port.name in arrays:
            for dim, size in zip(port.type.tensor_type.shape.dim, arrays[port.name].shape, strict=True):
                dim.dim_value = size
    del model.graph.value_info[:]  # what was known of shapes with symbols
    for port in model.graph.output:
        for dim in port.type.tensor_type.shape.dim:
            dim.ClearField("dim_param")
    onnx.save(shape_inference.infer_shapes(model), target)
    return target


def _inline_functions(path: str) -> None:
    """A block of the program is a function of the ONNX model, which not every engine reads."""
    import onnx
    from onnx import inliner

    onnx.save(inliner.inline_local_functions(onnx.load(path)), path)


def reasons(problem: NeuralcError) -> str:
    """A refusal in one line: its message and what it notes."""
    first = problem.diagnostics[0]
    return ": ".join([first.message, *first.notes])
