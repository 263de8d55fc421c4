"""Small programs of each op of the graph level and of each layer of the language, which every form is tried on.

Those of an op are drawn by the makers of random programs and taken from the tables of cases that the tests have; of
those that hold it, the ones with the fewest other ops.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import BFloat16Type, Float16Type, Float32Type, Float64Type, ModuleOp
from xdsl.ir import Attribute

from benchmarks.forms.doubles import in_doubles, widened
from benchmarks.suite import ROOT
from neuralc.dialects import graph
from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.signatures import SIGNATURES, Signature
from neuralc.passes.verifier import verify_module
from neuralc.tables import forms, layers
from neuralc.verify.inputs import make_inputs, varied_sizes
from neuralc.weights_file import initial_weights

sys.path.insert(0, str(ROOT / "tests"))

Array = NDArray[Any]

DOUBLE, SINGLE = "float64", "float32"

DRAWN = 12
"""Seeds of which each maker of random programs gets a program; most are like another one."""


@dataclass(frozen=True)
class Program:
    """A program of one precision, and what it computes without rounding, but for what it makes narrower itself."""

    name: str
    """What it was drawn from: to find it again."""
    precision: str
    """`float32` or `float64`; a program of integers is the same in both, and has the second."""
    module: ModuleOp
    weights: WeightStore
    inputs: Mapping[str, Array]
    expected: Sequence[Array] = field(repr=False)

    @property
    def is_special(self) -> bool:
        """Whether NaN or infinity comes in."""
        floats = [x for x in self.inputs.values() if x.dtype.kind == "f"]
        return not all(np.isfinite(x).all() for x in floats)


@dataclass(frozen=True)
class Subject:
    """A row of the table: an op or a layer."""

    kind: str
    name: str
    programs: Sequence[Program]


@dataclass(frozen=True)
class _Drawn:
    """A program of a source: of one maker, or of one table of cases."""

    source: str
    name: str
    module: ModuleOp
    weights: WeightStore
    inputs: Mapping[str, Array]

    @property
    def ops(self) -> frozenset[str]:
        return frozenset(op.name.removeprefix("graph.") for op in self.module.walk()) & OPS


OPS = frozenset(forms.rows()["op"])


def op_subjects(only: str, each: int) -> Iterator[Subject]:
    """The ops, each with up to so many programs of makers, and of tables."""
    wanted = [name for name in sorted(OPS) if only in name]
    holding: dict[str, list[_Drawn]] = defaultdict(list)
    for drawn in (*_of_makers(), *_of_tables()):
        for name in drawn.ops:
            holding[name].append(drawn)
    for name in wanted:
        chosen = [*_fewest(holding[name], "maker", each), *_fewest(holding[name], "table", each)]
        yield Subject("op", name, [program for one in chosen for program in _precisions(one)])


def layer_subjects(only: str) -> Iterator[Subject]:
    """The layers, each with its example."""
    for signature in SIGNATURES:
        if only.lower() in signature.name.lower():
            yield Subject("layer", signature.name, list(_precisions(_of_layer(signature))))


def _fewest(among: Sequence[_Drawn], kind: str, count: int) -> Iterator[_Drawn]:
    """Up to so many, of sources whose smallest program has the fewest other ops; spread over the source."""
    sources: dict[str, list[_Drawn]] = defaultdict(list)
    for drawn in among:
        if drawn.source.startswith(kind):
            sources[drawn.source].append(drawn)
    smallest = {source: min(len(drawn.ops) for drawn in found) for source, found in sources.items()}
    least = min(smallest.values(), default=0)
    rows = [found for source, found in sources.items() if smallest[source] == least]
    for row in rows:
        yield from islice(row[:: max(1, len(row) // count)], -(-count // len(rows)))


def _of_makers() -> Iterator[_Drawn]:
    from support.random_graph import EVERY, random_graph_module

    for index, layer in enumerate(EVERY):
        seen = set()
        for seed in range(DRAWN):
            found = random_graph_module(np.random.default_rng(seed), ops=1, layers=(layer,), numbers=True)
            text = str(found.module)
            if text not in seen:
                seen.add(text)
                yield _Drawn(f"maker {index}", f"{layer.__module__.rpartition('.')[2]} {index} seed {seed}", *found)


def _of_tables() -> Iterator[_Drawn]:
    from support import function_cases, indexing_cases, layer_cases, sampling_cases

    for table in (function_cases, indexing_cases, sampling_cases):
        for case in table.CASES:
            module, inputs = case.build()
            if _floats(module) != {Float64Type()} or graph.BitcastOp in map(
                type, module.walk()
            ):  # the same in doubles is made of singles
                name = getattr(case, "name", str(case))
                yield _Drawn(f"table {table.__name__}", f"{table.__name__} {name}", module, WeightStore(), inputs)
    images = [(case, layout) for case, layout in layer_cases.IMAGES]
    for case, layout in (*images, *((case, None) for case in layer_cases.CONTRACTIONS)):
        module, weights, inputs = case.build(layout, "float32")
        yield _Drawn("table layer_cases", f"layer_cases {case} {layout or ''}", module, weights, inputs)


def _of_layer(signature: Signature) -> _Drawn:
    """The example, with weights none of which is at its neutral initial value."""
    program = load(Source("layer.nr", layers.example_program(signature)))
    rng, weights = np.random.default_rng(0), initial_weights(program.weights, 0)
    for declared in program.weights:
        value = weights[declared.name]
        if value.dtype.kind == "f":
            weights[declared.name] = (value + 0.2 * np.abs(rng.standard_normal(value.shape))).astype(value.dtype)
    inputs = make_inputs(program.module, varied_sizes(program.module, {}), 0, {})
    return _Drawn("layer", signature.name, program.module, weights, inputs)


def _precisions(drawn: _Drawn) -> Iterator[Program]:
    """The program as it is, and in doubles; nothing where its data is refused."""
    floats = _floats(drawn.module)
    if Float32Type() not in floats:
        yield from _program(drawn, DOUBLE)
        return
    yield from _program(drawn, SINGLE)
    doubles = in_doubles(drawn.module)
    try:
        verify_module(doubles)
    except NeuralcError:  # it reads the bits of a float
        return
    weights = WeightStore(widened(drawn.weights))
    yield from _program(_Drawn(drawn.source, drawn.name, doubles, weights, widened(drawn.inputs)), DOUBLE)


def _program(drawn: _Drawn, precision: str) -> Iterator[Program]:
    narrow = _floats(drawn.module) & (
        {Float16Type(), BFloat16Type()} | ({Float32Type()} if precision == DOUBLE else set())
    )
    numerics = "rounded" if narrow else "exact"
    try:
        expected = run_module(drawn.module, drawn.inputs, drawn.weights, numerics=numerics)
    except NeuralcError:  # an index that random data names lies outside
        return
    yield Program(drawn.name, precision, drawn.module, drawn.weights, drawn.inputs, expected)


def _floats(module: ModuleOp) -> set[Attribute]:
    """The types of floats that values have."""
    values = [*the_model(module).arguments, *(result for op in module.walk() for result in op.results)]
    elements = {element_of(value.type) for value in values}
    return elements & {BFloat16Type(), Float16Type(), Float32Type(), Float64Type()}
