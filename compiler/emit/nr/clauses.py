"""The clauses of a program that do not compute: loss, optimizer, metrics, train and others that the model keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, NoneAttr
from xdsl.ir import Attribute

from neuralc.dialects.graph import ModelOp
from neuralc.dialects.graph.configuration import CalledAttr, LossAttr, MetricAttr, ResearchAttr, SectionAttr
from neuralc.dialects.graph.search import ChoiceAttr, LogRangeAttr, RangeAttr, SearchAttr, WrittenAttr
from neuralc.dialects.syntax import to_literal
from neuralc.emit.nr.text import Word, written

SETTINGS = ("loss", "optimizer", "metrics")
SECTIONS = ("train", "execution", "benchmark", "test")


def clauses(model: ModelOp) -> Iterator[str]:
    """The clauses of a model, in the order in which one writes them."""
    for name in SETTINGS:
        found = model.attributes.get(name)
        if isinstance(found, ArrayAttr):
            shown = ", ".join(_value(part) for part in found)
            yield f"{name}: [{shown}]" if name == "metrics" else f"{name}: {shown}"
        elif found is not None:
            yield f"{name}: {_value(found)}"
    for name in SECTIONS:
        found = model.attributes.get(name)
        if isinstance(found, SectionAttr) and found.entries.data:
            yield f"{name} {{ {' '.join(f'{key}: {_value(value)}' for key, value in found.entries.data.items())} }}"


def research(model: ModelOp) -> Iterator[str]:
    """The research notes of a model, which stand beside the network."""
    found = model.attributes.get("research")
    for block in found if isinstance(found, ArrayAttr) else ():
        if isinstance(block, ResearchAttr):
            parts = "".join(f" {key} {{ {_entries(value)} }}" for key, value in block.arguments.data.items())
            name = f" {block.called.data}" if block.called.data else ""
            yield f"research{name} {{{parts} }}"


def searched(model: ModelOp) -> dict[str, Word]:
    """The searches among the arguments of layers: path of the layer and parameter -> how it is written."""
    found = model.attributes.get("searches")
    data: Mapping[str, Attribute] = found.data if isinstance(found, DictionaryAttr) else {}
    return {path: Word(_value(each.space)) for path, each in data.items() if isinstance(each, SearchAttr)}


def _entries(notes: Attribute) -> str:
    data: Mapping[str, Attribute] = notes.data if isinstance(notes, DictionaryAttr) else {}
    return " ".join(f"{key}: {_value(value)}" for key, value in data.items())


def _value(attribute: Attribute) -> str:
    match attribute:
        case NoneAttr():
            return "None"
        case LossAttr() | MetricAttr() if not attribute.arguments.data:
            return written(attribute.called.data)
        case CalledAttr():
            given = ", ".join(f"{name}={_value(value)}" for name, value in attribute.arguments.data.items())
            return f"{attribute.called.data}({given})"
        case ChoiceAttr():
            return f"HPO(choice({', '.join(map(_value, attribute.options))}))"
        case RangeAttr():
            step = "" if attribute.step == NoneAttr() else f", step={_value(attribute.step)}"
            return f"HPO(range({_value(attribute.low)}, {_value(attribute.high)}{step}))"
        case LogRangeAttr():
            return f"HPO(log_range({_value(attribute.low)}, {_value(attribute.high)}))"
        case WrittenAttr():
            return attribute.data
        case ArrayAttr():
            return f"[{', '.join(map(_value, attribute))}]"
        case _:
            literal: Any = to_literal(attribute)
            return written(literal)
