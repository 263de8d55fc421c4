"""What neuralc keeps of a model in the `metadata_props` of its ONNX: clauses for training, bounds of sizes, states.

| key                    | value |
|------------------------|-------|
| neuralc.clause.NAME    | an attribute of graph.model, as the IR prints it |
| neuralc.dim.SYMBOL     | `2` or `2 64`: the least and the largest value of a size |
| neuralc.state.NAME     | what a state begins with: a number, or a weight as `@name`; `NAME_out` is its next value |
| neuralc.weight.NAME    | `{init = .., regularizer = .., constraint = .., trainable = false}`, what is given of these |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import DictionaryAttr, IntegerAttr
from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from neuralc.dialects.graph.clauses import CLAUSES
from neuralc.dialects.graph.initializers import ConstraintAttr, InitializerAttr, RegularizerAttr
from neuralc.dialects.syntax import to_literal
from neuralc.frontends.onnx.scope import invalid
from neuralc.frontends.refusals import shown
from neuralc.frontends.sizes import LARGEST

if TYPE_CHECKING:
    from onnx import ModelProto

PRODUCER = "neuralc"
CLAUSE, DIM, STATE, WEIGHT = (f"neuralc.{kind}." for kind in ("clause", "dim", "state", "weight"))
RULES: Mapping[str, type[Attribute]] = {
    "init": InitializerAttr, "regularizer": RegularizerAttr, "constraint": ConstraintAttr,
}  # fmt: skip
"""Properties of a weight that only training reads."""

TRAINABLE = "trainable"
NEXT = "_out"
"""The end of the name of the output that is the next value of a state."""


@dataclass(frozen=True)
class Metadata:
    """The entries of a model, by what they are about."""

    clauses: Mapping[str, Attribute] = field(default_factory=dict)
    bounds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, Mapping[str, Attribute]] = field(default_factory=dict)
    """How each weight begins and is trained."""


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
        {name: _rules(name, text) for name, text in _of(entries, WEIGHT)},
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


def _rules(name: str, text: str) -> Mapping[str, Attribute]:
    found = _attribute(WEIGHT + name, text)
    if not isinstance(found, DictionaryAttr):
        raise _wrong(WEIGHT + name, "it is no dictionary")
    kinds: dict[str, type[Attribute]] = {**RULES, TRAINABLE: IntegerAttr}
    wrong = next(
        (key for key, value in found.data.items() if key not in kinds or not isinstance(value, kinds[key])), None
    )
    if wrong is not None:
        raise _wrong(WEIGHT + name, f"`{shown(wrong)}` is not what that says of a weight")
    return found.data


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
