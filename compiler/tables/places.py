"""The places that an op of the graph level needs, and where each op has them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from xdsl.ir import Operation

STRUCTURE = {
    "graph.dim", "graph.weight", "graph.func", "graph.model", "graph.return", "graph.call", "graph.get_weight",
    "graph.state", "graph.get_state", "graph.set_state", "graph.yield", "graph.test",
}  # fmt: skip
"""Ops that hold a module together: they compute nothing."""


@dataclass(frozen=True)
class Place:
    """A place: its file, and what stands there."""

    name: str
    where: str
    what: str


PLACES = (
    Place("class", "dialects/graph/<family>.py", "operands, properties with defaults, `infer`: its one shape function"),
    Place("meaning", "dialects/interp/graph/<family>.py", "in numpy: one entry of `SEMANTICS`"),
    Place("loops", "passes/lower/layers/<family>.py", "on the tensor level: one entry of `CONVERSIONS`"),
    Place("cost", "dialects/graph/cost.py", "arithmetic and bytes: one entry of `RULES`"),
    Place("random programs", "tests/support/layers/<family>.py", "a maker `f(program, x)` that puts it somewhere"),
    Place("forms", "compiler/emit/{torch,keras,jax,onnx,nr}/lower_*.py", "how an expert writes it; else E0850 and why"),
    Place("tests", "tests/lit/dialects/graph/, tests/unit/interp/", "round trip, refusals, an independent framework"),
)
"""What docs/extending.md and docs/ops.md list, and tests/unit/house/test_ops.py checks."""


def ops() -> list[type[Operation]]:
    """The ops of the graph dialect that compute something, by name."""
    from neuralc.dialects.graph import Graph

    found = [op for op in Graph.operations if op.name not in STRUCTURE]
    return sorted(found, key=lambda op: op.name)


def has_meaning(op: type[Operation]) -> bool:
    return op in import_module("neuralc.dialects.interp.graph").SEMANTICS


def has_loops(op: type[Operation]) -> bool:
    return op in import_module("neuralc.passes.lower.graph_to_tensor").CONVERSIONS


def has_cost(op: type[Operation]) -> bool:
    return op in import_module("neuralc.dialects.graph.cost").RULES


def first_line(op: type[Operation]) -> str:
    """The definition in short."""
    return (inspect.getdoc(op) or "").partition("\n")[0]


def family(op: type[Operation]) -> str:
    """The file of the class."""
    return op.__module__.rpartition(".")[2]


def random_makers(folder: Path) -> Iterator[str]:
    """Names of the classes that the makers of random programs mention, from their files."""
    import re

    for path in sorted(folder.glob("*.py")):
        yield from re.findall(r"graph\.(\w+Op)\b", path.read_text(encoding="utf-8"))
