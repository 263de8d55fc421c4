"""What tests of layers measure, kept in the file that NEURALC_LAYER_RESULTS names (benchmarks/layer_reference.py)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Source
from neuralc.grammar.names import calls_in
from neuralc.grammar.parser import parse
from neuralc.grammar.signatures import find

FILE = os.environ.get("NEURALC_LAYER_RESULTS")


def record(layers: str, what: str, *pairs: tuple[Any, Any]) -> None:
    """Keeps the largest difference, relative to the largest value, for the layers of a `layers:` clause."""
    if FILE is None:
        return
    difference = max(relative_difference(actual, expected) for actual, expected in pairs)
    with Path(FILE).open("a", encoding="utf-8") as file:
        for name in layer_names(layers):
            file.write(json.dumps({"layer": name, what: difference}) + "\n")


def relative_difference(actual: Any, expected: Any) -> float:
    actual, expected = np.asarray(actual, "float64"), np.asarray(expected, "float64")
    finite = np.isfinite(expected)
    scale = max(1.0, float(np.abs(expected[finite]).max(initial=0.0)))
    return float(np.abs(actual[finite] - expected[finite]).max(initial=0.0)) / scale


def layer_names(layers: str) -> set[str]:
    """The layers that a clause applies, by their names in the table, with those in arguments; not those in blocks."""
    tree = parse(Source("layers.nr", f"network M {{ input: (1) layers: {layers} }}"))
    (clause,) = (clause for clause in tree.networks[0].clauses if isinstance(clause, t.LayersClause))
    items = [item for item in clause.items if isinstance(item, t.Layer)]
    called = {name for item in items for argument in item.arguments for name in calls_in(argument.value)}
    found = map(find, {item.name.value for item in items} | called)
    return {signature.name for signature in found if signature is not None}
