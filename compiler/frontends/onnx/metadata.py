"""What neuralc keeps of a model in the `metadata_props` of its ONNX: clauses for training, bounds of sizes, states.

| key                    | value |
|------------------------|-------|
| neuralc.clause.NAME    | an attribute of graph.model, as the IR prints it |
| neuralc.dim.SYMBOL     | `2` or `2 64`: the least and the largest value of a size |
| neuralc.state.NAME     | what a state begins with: a number, or a weight as `@name`; `NAME_out` is its next value |
| neuralc.weight.NAME    | `trainable = false` |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from neuralc.dialects.graph.clauses import CLAUSES
from neuralc.dialects.syntax import to_literal
from neuralc.frontends.onnx.scope import invalid
from neuralc.frontends.onnx.tensors import shown
from neuralc.frontends.sizes import LARGEST

if TYPE_CHECKING:
    from onnx import ModelProto

PRODUCER = "neuralc"
CLAUSE, DIM, STATE, WEIGHT = (f"neuralc.{kind}." for kind in ("clause", "dim", "state", "weight"))
FROZEN = "trainable = false"
NEXT = "_out"
"""The end of the name of the output that is the next value of a state."""


@dataclass(frozen=True)
class Metadata:
    """The entries of a model, by what they are about."""

    clauses: Mapping[str, Attribute] = field(default_factory=dict)
    bounds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    """Weights that training leaves alone."""


def read(model: ModelProto) -> Metadata | None:
    """The entries of a model that neuralc wrote, None for those of others.

    Raises NeuralcError E0612 for an entry that is not what its key says.
    """
    if model.producer_name != PRODUCER:
        return None
    entries = [(entry.key, entry.value) for entry in model.metadata_props]
    return Metadata(
        {name: _clause(name, text) for name, text in _of(entries, CLAUSE) if name in CLAUSES},
        {name: _bounds(name, text) for name, text in _of(entries, DIM)},
        dict(_of(entries, STATE)),
        frozenset(name for name, text in _of(entries, WEIGHT) if text == FROZEN),
    )


def initial(name: str, text: str) -> bool | int | float | str:
    """What a state begins with: a number, or the name of a weight. Raises NeuralcError E0612."""
    if text.startswith("@"):
        return text[1:]
    found = to_literal(_attribute(STATE + name, text))
    if not isinstance(found, bool | int | float):
        raise _wrong(STATE + name, "it is no number")
    return found


def _of(entries: list[tuple[str, str]], kind: str) -> Iterator[tuple[str, str]]:
    return ((key[len(kind) :], text) for key, text in entries if key.startswith(kind))


def _clause(name: str, text: str) -> Attribute:
    found = _attribute(CLAUSE + name, text)
    if not CLAUSES[name].test(found):
        raise _wrong(CLAUSE + name, f"it is {CLAUSES[name].description}")
    return found


def _attribute(key: str, text: str) -> Attribute:
    from neuralc.passes.parsing import make_context

    try:
        return Parser(make_context(), text).parse_attribute()
    except (ParseError, VerifyException, ValueError) as problem:
        raise _wrong(key, str(problem).strip().splitlines()[-1]) from None


def _bounds(name: str, text: str) -> tuple[int, int]:
    words = text.split()
    if len(words) not in (1, 2) or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise _wrong(DIM + name, "bounds are one or two numbers")
    low, high = int(words[0]), int(words[1]) if len(words) > 1 else LARGEST
    if low > high:
        raise _wrong(DIM + name, f"{low} is more than {high}")
    return low, high


def _wrong(key: str, reason: str) -> Exception:
    return invalid(f"the metadata `{shown(key)}` cannot be read", reason)
