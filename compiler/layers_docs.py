"""Writes docs/layers.md from the signature table: `python -m neuralc.layers_docs` in the checkout, or `make docs`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuralc.grammar.parameters import REQUIRED, NotYet, Parameter
from neuralc.grammar.signatures import COMMON, FAMILIES, Signature
from neuralc.layers import written
from neuralc.tables.layers import graph_ops

DOCS = Path(__file__).resolve().parents[1] / "docs"

HEAD = """# Layers

Written by `make docs` from the signature table (grammar/signatures); a test fails where it is out of date.

Each layer has the meaning of its source: argument names, their order and defaults are those of Keras 3 where Keras has
the layer, of PyTorch where only PyTorch has it, those of the cited paper otherwise. The third positional argument of a
convolution is its activation. Shapes begin with the batch.

Every layer is held against its source on random weights and several shapes: `reference` is the largest difference that
was found between our semantics in float64 and the source in float64, relative to the largest value; `native` that
between native fp32 code at -O2 and those semantics (`python -m benchmarks.layer_reference` measures both).

All layers also take, by name only:
"""


def text() -> str:
    """docs/layers.md."""
    results = measured()
    parts = [HEAD, *_parameters(COMMON), ""]
    parts += [f"* {family}: {', '.join(_link(layer) for layer in layers)}" for family, layers in FAMILIES.items()]
    parts += ["", "## All layers, with their results", "", *_results(results)]
    for family, layers in FAMILIES.items():
        parts += ["", f"## {family.capitalize()}"]
        for layer in layers:
            parts += ["", *_layer(layer)]
    return "\n".join(parts) + "\n"


def measured() -> Mapping[str, Mapping[str, Any]]:
    """What benchmarks/layer_reference.py found, by layer."""
    path = DOCS / "layer_results.json"
    found: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def _link(layer: Signature) -> str:
    return f"[{layer.name}](#{layer.name.lower()})"


def _results(results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "| layer | source | cases | reference | native | graph ops |"
    yield "|---|---|---|---|---|---|"
    for layers in FAMILIES.values():
        for layer in layers:
            found = results.get(layer.name, {})
            ops = " ".join(f"`{name.removeprefix('graph.')}`" for name in graph_ops(layer))
            measures = [str(found.get("cases", "-")), _number(found.get("reference")), _number(found.get("native"))]
            yield f"| {' | '.join((_link(layer), _cell(layer.source), *measures, ops))} |"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0e}"


def _layer(layer: Signature) -> Iterator[str]:
    yield f"### {layer.name}"
    yield ""
    also = f" Also written {', '.join(f'`{name}`' for name in layer.aliases)}." if layer.aliases else ""
    yield f"{_sentence(layer.doc)}{also}"
    yield ""
    if layer.shapes:
        yield f"Shapes: {layer.shapes}"
        yield ""
    yield f"Source: {layer.source}. {_inputs(layer)}{_block(layer)}{_mask(layer)}".rstrip()
    yield ""
    yield "```nr"
    yield f"network Example {{ {layer.example} }}"
    yield "```"
    if layer.parameters:
        yield ""
        yield from _parameters(layer.parameters)


def _sentence(doc: str) -> str:
    word = doc.partition(" ")[0]
    return f"{doc[:1].upper()}{doc[1:]}." if word.isalpha() and len(word) > 1 else f"{doc}."


def _inputs(layer: Signature) -> str:
    inputs = layer.inputs
    if inputs.many:
        return "Takes any number of values. "
    if not inputs.flexible:
        return ""
    optional = f", and by name {', '.join(f'`{name}`' for name in inputs.optional)}" if inputs.optional else ""
    return f"Takes {', '.join(f'`{name}`' for name in inputs.required)}{optional}. "


def _block(layer: Signature) -> str:
    return {
        "none": "",
        "optional": "May have a block. ",
        "required": "Has a block. ",
        "branches": "Has a block of branches, `name: { ... }`. ",
    }[layer.block]


def _mask(layer: Signature) -> str:
    return "A mask of its input stays with its result." if layer.masking == "keep" else ""


def _parameters(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    yield "| parameter | takes | default | meaning |"
    yield "|---|---|---|---|"
    for parameter in parameters:
        if not isinstance(parameter.kind, NotYet):
            default = "required" if parameter.default is REQUIRED else f"`{written(parameter.default)}`"
            takes = _cell(parameter.kind.description)
            yield f"| `{parameter.name}` | {takes} | {default} | {_cell(parameter.doc)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    """Write the file of the checkout that this module was imported from."""
    path = DOCS / "layers.md"
    path.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
