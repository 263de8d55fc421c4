"""What `neuralc explain` says: about codes, layers, entries of the other tables, and sections of a network."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from neuralc.grammar.codes import CODES
from neuralc.grammar.diagnostics import Source
from neuralc.grammar.entry_points import entry_point_names
from neuralc.grammar.format import format_source
from neuralc.grammar.initializers import CONSTRAINTS, INITIALIZERS, REGULARIZERS
from neuralc.grammar.parameters import NotYet, Parameter
from neuralc.grammar.plugins import LAYERS, layer_plugin
from neuralc.grammar.signatures import COMMON, FAMILIES, SIGNATURES, Signature, find
from neuralc.grammar.training.callbacks import CALLBACKS
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS, SCHEDULES
from neuralc.grammar.training.sections import SECTIONS
from neuralc.grammar.training.table import Entry, Table
from neuralc.layers import written

WIDTH = 100
NAMES = 28
"""Columns for the names of parameters."""

TABLES: Mapping[str, Table] = {
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "losses": LOSSES,
    "metrics": METRICS,
    "callbacks": CALLBACKS,
    "initializers": INITIALIZERS,
    "regularizers": REGULARIZERS,
    "constraints": CONSTRAINTS,
}
LISTS = ("codes", "layers", *TABLES, "sections")
"""What can be listed."""


def explained(topic: str) -> list[str]:
    """A text for each thing of this name, in any case; none where there is nothing. Raises NeuralcError E0705."""
    if topic.upper() in CODES:
        return [_code(topic.upper())]
    texts = [_layer(signature) for signature in _signatures(topic)]
    for table in TABLES.values():
        entry = table.find(topic)
        if entry is not None:
            texts.append(_entry(table.noun, entry))
    if topic.lower() in SECTIONS:
        texts.append(_section(topic.lower()))
    return texts


def listed(kind: str) -> str:
    """The names of a kind of things, with a line about each."""
    if kind == "codes":
        return _rows((name, entry.title) for name, entry in CODES.items())
    if kind == "layers":
        families = [
            f"{family}\n{_rows((f'  {layer.name}', layer.doc) for layer in layers)}"
            for family, layers in FAMILIES.items()
        ]
        plugins = entry_point_names(LAYERS)
        return "\n".join(
            [*families, *([f"of plugins\n{_rows((f'  {name}', '') for name in plugins)}"] if plugins else [])]
        )
    if kind == "sections":
        return _rows((name, ", ".join(p.name for p in parameters)) for name, parameters in SECTIONS.items())
    return _rows((entry.name, entry.doc) for entry in TABLES[kind].entries)


def topics() -> list[str]:
    """All names that can be explained, for suggestions."""
    named: list[Signature | Entry] = [*SIGNATURES, *(entry for table in TABLES.values() for entry in table.entries)]
    return [*(name for each in named for name in (each.name, *each.aliases)), *entry_point_names(LAYERS), *SECTIONS]


def shown(example: str) -> str:
    """The text of an example; a very long one without its middle."""
    text = example.strip()
    return text if len(text) < 1000 else f"{text[:WIDTH]} ... {text[-40:]}"


def _signatures(name: str) -> Iterator[Signature]:
    signature = find(name)
    plugin = layer_plugin(name) if signature is None else None
    if signature is not None:
        yield signature
    elif plugin is not None:
        yield plugin.signature


# --- one thing -------------------------------------------------------------------------------------------------------
def _code(name: str) -> str:
    entry = CODES[name]
    return "\n".join([f"{name}: {entry.title}", "", textwrap.fill(entry.explanation, WIDTH), *_example(entry.example)])


def _layer(layer: Signature) -> str:
    parts = [f"{layer.name}: {layer.doc}"]
    if layer.aliases:
        parts += [f"Also written {', '.join(layer.aliases)}."]
    if layer.shapes:
        parts += [layer.shapes]
    parts += [_values(layer)]
    if layer.parameters:
        parts += [_parameters(layer.parameters).rstrip("\n")]
    parts += [f"As all layers, by name: {', '.join(map(_declared, COMMON))}.", f"Definition: {layer.source}."]
    text = "\n\n".join(_filled(part) for part in parts if part)
    return "\n".join([text, *_example(_formatted(layer.example))] if layer.example else [text, ""])


def _values(layer: Signature) -> str:
    """What it is applied to, and its block."""
    inputs = layer.inputs
    said = []
    if inputs.many:
        said.append("Takes any number of values.")
    elif inputs.flexible:
        optional = f", and if wanted {', '.join(inputs.optional)}" if inputs.optional else ""
        said.append(f"Takes the values {', '.join(inputs.required)}{optional}.")
    block = {"optional": "May have a block.", "required": "Has a block.", "branches": "Has a block of branches."}
    return " ".join([*said, *([block[layer.block]] if layer.block in block else [])])


def _entry(noun: str, entry: Entry) -> str:
    parts = [f"{entry.name}, {_article(noun)}: {entry.doc}"]
    if entry.aliases:
        parts += [f"Also written {', '.join(entry.aliases)}."]
    if entry.parameters:
        parts += [_parameters(entry.parameters).rstrip("\n")]
    return "\n\n".join(_filled(part) for part in [*parts, f"Definition: {entry.source}."]) + "\n"


def _section(name: str) -> str:
    entries = _rows((f"  {entry.name}", f"{entry.doc}; {entry.kind.description}") for entry in SECTIONS[name])
    return f"{name}, a section of a network; every entry may be left out\n\n{entries}"


# --- text ------------------------------------------------------------------------------------------------------------
def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _filled(part: str) -> str:
    return part if "\n" in part or part.startswith(" ") else textwrap.fill(part, WIDTH)


def _declared(parameter: Parameter) -> str:
    """`units`, or with its default `use_bias=true`."""
    return parameter.name if parameter.required else f"{parameter.name}={written(parameter.default)}"


def _parameters(parameters: Sequence[Parameter]) -> str:
    return _rows(
        (f"  {_declared(p)}", "; ".join(part for part in (p.doc, p.kind.description) if part))
        for p in parameters
        if not isinstance(p.kind, NotYet)
    )


def _rows(rows: Iterator[tuple[str, str]]) -> str:
    """Two columns; a long name has a line for itself."""
    blank = " " * NAMES
    lines: list[str] = []
    for name, about in rows:
        if len(name) >= NAMES:
            lines.append(name)
            name = ""
        lines.append(textwrap.fill(about, WIDTH, initial_indent=name.ljust(NAMES), subsequent_indent=blank) or name)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _formatted(example: str) -> str:
    return format_source(Source("<example>", f"network Example {{ {example} }}"))


def _example(text: str) -> Sequence[str]:
    return ["", "Example:", "", textwrap.indent(shown(text), "    "), ""]
