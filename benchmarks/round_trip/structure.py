"""What a person sees of a model: classes, parameters and lines of its PyTorch code, and the layers of its program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks.round_trip.compare import Different
from benchmarks.round_trip.trip import Loaded
from neuralc.grammar.diagnostics import Source
from neuralc.grammar.parser import parse
from neuralc.grammar.program import Body, BranchNode, CallNode, LayerNode, Node, RepeatNode
from neuralc.grammar.resolve import resolve
from neuralc.grammar.signatures import layer_names
from neuralc.products import Code, emitter

FORMULAS = frozenset({"Lambda", "Weight", "Identity"})
"""What stands in a program for what no layer says, and for names."""


TRAINING = frozenset({
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D",
})  # fmt: skip
"""What does something in training alone: a model of ONNX is written for inference."""


@dataclass(frozen=True)
class Classes:
    """PyTorch code: its classes in the order of writing, and the shapes of what `state_dict` holds."""

    names: tuple[str, ...]
    parameters: Mapping[str, tuple[int, ...]]
    lines: int


def classes_of(loaded: Loaded) -> Classes:
    """The PyTorch code of a model. Raises NeuralcError where there is none."""
    text = _text(loaded, "torch")
    names = tuple(re.findall(r"^class (\w+)", text, re.MULTILINE))
    space: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(text, "<emitted>", "exec"), space)
    state = space[names[-1]]().state_dict()
    return Classes(names, {name: tuple(value.shape) for name, value in state.items()}, len(text.splitlines()))


def layers_of(loaded: Loaded) -> Counter[str]:
    """How often each layer stands in the program of a model, macros and repetitions written out; formulas aside."""
    program = resolve(parse(Source("<emitted>", _text(loaded, "nr"))))
    found = Counter(_layers(program.body))
    return Counter({name: count for name, count in found.items() if name not in FORMULAS})


def _layers(body: Body) -> Iterator[str]:
    for node in body.nodes:
        yield from _of_node(node)


def _of_node(node: Node) -> Iterator[str]:
    match node:
        case RepeatNode():
            for _ in range(node.count):
                yield from _of_node(node.node)
        case LayerNode():
            yield node.signature.name
            for inner in node.layers:
                yield from _of_node(inner)
            for body in (node.body, *(branch.body for branch in node.branches)):
                yield from _layers(body) if body is not None else ()
        case CallNode():
            yield from _layers(node.callee.body)
        case BranchNode():
            yield from _layers(node.body)


def check_classes(found: Classes, wanted: Classes) -> str:
    """What is the same. Raises Different where classes or parameters are others.

    A class whose name is that of a layer of the language is called a block there.
    """
    renamed = tuple(_in_the_language(name) for name in wanted.names)
    if sorted(found.names) != sorted(renamed):
        raise Different(f"classes {', '.join(found.names)} in the place of {', '.join(wanted.names)}")
    lost = [name for name, shape in wanted.parameters.items() if found.parameters.get(name) != shape]
    if lost:
        new = [name for name in found.parameters if name not in wanted.parameters]
        raise Different(
            f"{len(found.names)} classes, {len(lost)} of {len(wanted.parameters)} parameters by other names or "
            f"shapes: {', '.join(lost[:3])} now {', '.join(new[:3])}"
        )
    more = len(found.parameters) - len(wanted.parameters)
    others = [f"{old} is {new}" for old, new in zip(wanted.names, renamed, strict=True) if old != new]
    return ", ".join([
        f"{len(found.names)} classes",
        f"{len(wanted.parameters)} parameters{f' and {more} more' if more else ''}",
        f"{found.lines} lines of {wanted.lines}",
        *others,
    ])  # fmt: skip


def check_layers(found: Counter[str], wanted: Counter[str]) -> str:
    """What is the same. Raises Different where layers of inference are missing, or are others."""
    trained = Counter({name: count for name, count in wanted.items() if name in TRAINING})
    wanted = wanted - trained
    missing, others = wanted - found, found - wanted - trained
    if missing or others:
        raise Different(
            f"{(found & wanted).total()} of {wanted.total()} layers, without {_listed(missing)}; "
            f"instead {_listed(others)}"
        )
    return f"{wanted.total()} layers{f', without {_listed(trained)}' if trained else ''}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


def _in_the_language(name: str) -> str:
    """`GraphConvBlock1` of `GraphConv1`, where the language has a `GraphConv`."""
    stem = name.rstrip("0123456789")
    return f"{stem}Block{name[len(stem) :]}" if stem.lower() in _layer_names() else name


@cache
def _layer_names() -> frozenset[str]:
    return frozenset(name.lower() for name in layer_names())


def _text(loaded: Loaded, form: str) -> str:
    product = emitter(form, "cpu").make(loaded.written(), form)
    text = product.text if isinstance(product, Code) else product
    text = text(None) if callable(text) else text
    if not isinstance(text, str):
        raise TypeError(f"{form} is no text")
    return text
