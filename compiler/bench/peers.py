"""The other engines: what each takes, with which settings it runs, and the model it is given.

An engine runs the model's own file where it reads that kind. A `.nr` program is no framework's, so there engines get
what neuralc writes of it, and the report says so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralc.grammar.diagnostics import error, suggest, usage_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neuralc.driver import Compilation

    Array = NDArray[np.generic]

SETTINGS = Path(__file__).parent / "peers.toml"
OWN = {"onnx": (".onnx",), "torch": (".pt2",), "jax": ()}
"""The files that an engine reads itself, by what it takes."""
FORMS = {"onnx": "onnxruntime", "torch": "torch", "jax": "jax"}
"""What neuralc writes for it, by the names of verify/reference.py."""


@dataclass(frozen=True)
class Peer:
    """One engine and its settings, as peers.toml has them."""

    name: str
    packages: Sequence[str]
    takes: str
    threads: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    affinity: bool = False


@cache
def peers() -> Mapping[str, Peer]:
    """All of peers.toml, by name."""
    rows = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    return {name: Peer(name, **row) for name, row in rows.items()}


def chosen(names: Sequence[str], model: Path) -> list[Peer]:
    """The engines of `--compare`. Raises UsageError E0813 and E0814, NeuralcError E0921 where one cannot run."""
    found: list[Peer] = []
    for name in names:
        if name not in peers():
            raise usage_error(
                "E0813",
                f"`--compare {name}`: there is no such engine",
                note=f"known: {', '.join(peers())}",
                help=suggest(name, peers()),
            )
        peer = peers()[name]
        if model.suffix != ".nr" and model.suffix not in OWN[peer.takes]:
            kinds = " and ".join([*OWN[peer.takes], ".nr"])
            able = [each.name for each in peers().values() if model.suffix in OWN[each.takes]]
            raise usage_error(
                "E0814",
                f"{name} does not read {model.suffix} files: it is compared on {kinds} models",
                help=f"`--compare {','.join(able)}` can" if able else None,
            )
        absent = [package for package in peer.packages if PathFinder.find_spec(package) is None]
        if absent:
            raise error("E0921", f"comparing with {name} needs {' and '.join(absent)}", help=f"pip install {absent[0]}")
        found.append(peer)
    return found


def request_for(
    peer: Peer, model: Path, compilation: Compilation, arrays: Mapping[str, Array], folder: Path
) -> tuple[dict[str, Any], list[Array]]:
    """What the worker is asked, and the arrays it gets: the model's file, or what neuralc writes of a `.nr` program."""
    from neuralc.dialects.graph import the_model
    from neuralc.verify.reference import write_request

    request: dict[str, Any] = {"engine": peer.name, "options": dict(peer.options), "threads_key": peer.threads}
    request["affinity"] = peer.affinity
    if model.suffix in OWN[peer.takes]:
        names = list(the_model(compilation.module).inputs)
        request |= {"model": str(model.resolve()), "names": names, "weights": "", "sizes": {}}
        return request, [arrays[name] for name in names]
    place = folder / peer.name
    place.mkdir()
    written, given = write_request(FORMS[peer.takes], compilation, arrays, place)
    if peer.takes == "onnx":
        _inline_functions(written["model"])
    return request | written, given


def _inline_functions(path: str) -> None:
    """A block of the program is a function of the ONNX model, which not every engine reads."""
    import onnx
    from onnx import inliner

    onnx.save(inliner.inline_local_functions(onnx.load(path)), path)
