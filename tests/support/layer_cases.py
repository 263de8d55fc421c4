"""Layers that look at a neighbourhood or contract, with operands: what the interpreter, the loops and native code are
each held against.

Images are given channels first, as torch has them; `laid_out` turns them for a data format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from support.graph_modules import GraphModule, single_op
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import CHANNELS_FIRST, CHANNELS_LAST
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_type_of, tensor_type
from neuralc.dialects.weights import WeightStore

Array = NDArray[Any]
Built: TypeAlias = tuple[ModuleOp, WeightStore, dict[str, Array]]


@dataclass(frozen=True)
class Case:
    """One application of an op: the shapes of its operands, channels first, and its properties."""

    op: type[Any]
    shapes: tuple[tuple[int, ...], ...]
    properties: dict[str, Any] = field(default_factory=dict)
    dtype: str = "float64"

    def __str__(self) -> str:
        listed = " ".join(f"{name}={value}" for name, value in self.properties.items()).replace(" ", "")
        return f"{self.op.name.removeprefix('graph.')}{[*self.shapes]}{listed}{self.dtype}".replace(" ", "")

    def operands(self, seed: int = 0) -> list[Array]:
        rng = np.random.default_rng(seed)
        if np.issubdtype(np.dtype(self.dtype), np.integer):
            return [rng.integers(-9, 9, shape).astype(self.dtype) for shape in self.shapes]
        return [np.asarray(rng.standard_normal(shape) * 2.0, self.dtype) for shape in self.shapes]

    def build(self, data_format: str | None = None, dtype: str | None = None) -> Built:
        """A model of the layer: the first operand is its input, the others are weights."""
        chosen = replace(self, dtype=dtype) if dtype and self.dtype == "float64" else self
        x, *weights = chosen.operands()
        if data_format is not None:
            x = laid_out(x, data_format)
        formats = {} if data_format is None else {"data_format": data_format}
        build = GraphModule()

        def body(value: SSAValue) -> SSAValue:
            held = [build.weight(name, array) for name, array in zip(("kernel", "bias"), weights, strict=False)]
            return cast("SSAValue", self.op.of(value, *held, **self.properties, **formats).result)

        module = build.model({"x": tensor_type(x.shape, element_type_of(x.dtype))}, body)
        return module, build.weights, {"x": x}


def evaluate(op: type[Any], *operands: Any, result: Any = None, **properties: Any) -> Array:
    """One op in the exact interpreter."""
    module = single_op(op, *operands, result=result, **properties)
    module.verify()
    (found,) = run_module(module, operands, WeightStore())
    return found


def formats(x: Array) -> tuple[str, str]:
    """The two data formats of an image."""
    rank = x.ndim - 2
    return CHANNELS_FIRST[rank], CHANNELS_LAST[rank]


def laid_out(x: Array, data_format: str) -> Array:
    """An image that is given channels first."""
    return x if data_format in CHANNELS_FIRST.values() else np.ascontiguousarray(np.moveaxis(x, 1, -1))


def case(op: type[Any], *shapes: Sequence[int], dtype: str = "float64", **properties: Any) -> Case:
    return Case(op, tuple(map(tuple, shapes)), properties, dtype)


CONVOLUTIONS = [
    case(graph.ConvOp, (2, 3, 6, 7), (3, 3, 3, 4)),
    case(graph.ConvOp, (1, 4, 8, 8), (3, 2, 4, 5), (5,), strides=(2, 1), pads=(1, 0, 1, 0)),
    case(graph.ConvOp, (2, 2, 9, 9), (3, 3, 2, 3), dilations=(2, 3), pads=(2, 3, 2, 3)),
    case(graph.ConvOp, (2, 6, 7, 6), (3, 3, 2, 9), groups=3, strides=(2, 2)),
    case(graph.ConvOp, (2, 4, 5, 5), (3, 3, 1, 8), groups=4, pads=(1, 1, 1, 1)),
    case(graph.ConvOp, (3, 8, 5, 6), (1, 1, 8, 2), (2,)),
    case(graph.ConvOp, (1, 1, 5, 5), (5, 5, 1, 2), pads=(0, 3, 2, 1)),
    case(graph.ConvOp, (2, 3, 11), (3, 3, 4), (4,)),
    case(graph.ConvOp, (2, 3, 12), (4, 3, 2), strides=(3,), dilations=(2,), pads=(2, 1)),
    case(graph.ConvOp, (2, 6, 9), (3, 1, 6), (6,), groups=6, pads=(1, 1)),
    case(graph.ConvOp, (3, 5, 7), (1, 5, 4)),
    case(graph.ConvOp, (1, 2, 5, 4, 6), (3, 2, 3, 2, 5), (5,), strides=(2, 1, 2), pads=(1, 0, 1, 1, 1, 0)),
    case(graph.ConvOp, (2, 4, 4, 5, 3), (2, 3, 1, 2, 6), groups=2, dilations=(1, 2, 1), pads=(0, 1, 0, 0, 1, 0)),
    case(graph.ConvOp, (1, 3, 3, 3, 3), (1, 1, 1, 3, 2)),
    case(graph.ConvOp, (2, 3, 6, 7), (3, 3, 3, 4), (4,), pads=(1, 1, 1, 1), dtype="int32"),
    case(graph.ConvOp, (2, 4, 6, 7), (3, 3, 1, 4), groups=4, strides=(2, 2), dtype="int32"),
]

TRANSPOSED = [
    case(graph.ConvTransposeOp, (2, 3, 4, 5), (3, 3, 3, 4), (4,)),
    case(graph.ConvTransposeOp, (2, 3, 4, 5), (2, 2, 3, 4), (4,), strides=(2, 2)),
    case(graph.ConvTransposeOp, (1, 3, 3, 4), (3, 2, 3, 2), strides=(3, 2), output_padding=(2, 1)),
    case(graph.ConvTransposeOp, (2, 2, 5, 4), (4, 3, 2, 3), (3,), strides=(2, 3), pads=(1, 0, 1, 0)),
    case(graph.ConvTransposeOp, (1, 2, 4, 4), (3, 3, 2, 3), strides=(2, 1), dilations=(2, 3), pads=(1, 2, 1, 2)),
    case(graph.ConvTransposeOp, (2, 4, 4, 3), (3, 3, 4, 3), (6,), groups=2, strides=(2, 2), pads=(1, 1, 1, 1),
         output_padding=(1, 1)),
    case(graph.ConvTransposeOp, (2, 3, 4, 3), (3, 3, 3, 1), groups=3, strides=(2, 2), pads=(1, 1, 1, 1)),
    case(graph.ConvTransposeOp, (2, 3, 5), (4, 3, 2), (2,), strides=(2,), pads=(1, 1)),
    case(graph.ConvTransposeOp, (2, 3, 5), (2, 3, 2), strides=(4,)),
    case(graph.ConvTransposeOp, (1, 2, 2, 3, 2), (2, 3, 2, 2, 3), (3,), strides=(2, 1, 2), pads=(0, 1, 0, 0, 1, 1)),
    case(graph.ConvTransposeOp, (2, 3, 4, 5), (3, 3, 3, 2), (2,), strides=(2, 2), dtype="int32"),
]  # fmt: skip

POOLS = [
    {"shape": (2, 3, 6, 7), "window": (2, 2), "strides": (2, 2)},
    {"shape": (2, 3, 6, 7), "window": (3, 3), "strides": (1, 1), "pads": (1, 1)},
    {"shape": (2, 3, 6, 7), "window": (3, 2), "strides": (2, 3), "pads": (1, 0)},
    {"shape": (2, 3, 6, 7), "window": (1, 4), "strides": (1, 1)},
    {"shape": (2, 3, 6, 7), "window": (3, 3), "strides": (2, 2), "ceil_mode": True},
    {"shape": (1, 2, 5, 8), "window": (2, 3), "strides": (3, 3), "pads": (1, 1), "ceil_mode": True},
    {"shape": (1, 2, 4, 5), "window": (2, 2), "strides": (3, 4), "pads": (1, 1), "ceil_mode": True},
    {"shape": (2, 3, 9, 9), "window": (3, 2), "strides": (2, 1), "dilations": (2, 3), "pads": (1, 1)},
    {"shape": (2, 3, 10), "window": (3,), "strides": (2,), "pads": (1,)},
    {"shape": (2, 3, 10), "window": (4,), "strides": (3,), "ceil_mode": True},
    {"shape": (1, 2, 5, 6, 4), "window": (2, 3, 2), "strides": (2, 2, 1), "pads": (1, 1, 0)},
    {"shape": (1, 2, 5, 6, 5), "window": (2, 3, 2), "strides": (2, 2, 2), "ceil_mode": True},
]
"""Geometries of pools with the same padding on both sides, as torch has it."""


def pool_case(op: type[Any], geometry: dict[str, Any], **properties: Any) -> Case:
    """A pool over an image; `pads` become lows and highs."""
    chosen = {name: value for name, value in geometry.items() if name != "shape"}
    if "pads" in chosen:
        chosen["pads"] = chosen["pads"] * 2
    return case(op, geometry["shape"], **chosen, **properties)


CONTRACTIONS = [
    *(case(graph.MatmulOp, *shapes) for shapes in (
        [(3, 4), (4, 5)], [(4,), (4, 5)], [(3, 4), (4,)], [(4,), (4,)], [(2, 3, 4), (4, 5)], [(2, 3, 4), (2, 4, 5)],
        [(6, 1, 3, 4), (2, 4, 5)], [(2, 3, 4), (7, 1, 4, 5)], [(3, 4), (2, 4, 5)], [(4,), (2, 4, 5)],
        [(2, 3, 4), (4,)], [(1, 3, 4), (2, 4, 5)], [(2, 3, 3, 4), (2, 1, 4, 2)], [(1, 1), (1, 1)],
    )),
    *(case(graph.EinsumOp, *shapes, spec=spec) for spec, *shapes in (
        ("ij,jk->ik", (3, 4), (4, 5)), ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)), ("ij->ji", (3, 4)),
        ("ij->", (3, 4)), ("ii->i", (4, 4)), ("ii->", (4, 4)), ("iji->j", (3, 4, 3)), ("i,j->ij", (3,), (4,)),
        ("i,i->", (5,), (5,)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("ij,kl->jl", (2, 3), (4, 5)),
        ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)), ("ab,b,c->ac", (2, 3), (3,), (4,)),
        ("ii,ij->j", (3, 3), (3, 4)), ("bij,jk->bik", (1, 3, 4), (4, 5)), ("bij,bjk->bik", (1, 3, 4), (6, 4, 5)),
        ("i,->i", (3,), ()), ("ij,ij->ij", (3, 4), (3, 4)), ("abc,abd,ae->cde", (2, 3, 4), (2, 3, 5), (2, 2)),
    )),
    case(graph.MatmulOp, (2, 3, 4), (4, 5), dtype="int32"),
    case(graph.EinsumOp, (3, 4), (4, 5), spec="ij,jk->ki", dtype="int32"),
    case(graph.DenseOp, (2, 3, 4), (4, 5), (5,), dtype="int32"),
]  # fmt: skip

IMAGES: list[tuple[Case, str]] = [
    (each, data_format)
    for each in (
        *CONVOLUTIONS,
        *TRANSPOSED,
        *(
            pool_case(op, geometry, **properties)
            for geometry in POOLS
            for op, properties in (
                (graph.MaxPoolOp, {}),
                (graph.AveragePoolOp, {}),
                (graph.AveragePoolOp, {"count_include_pad": True}),
                (graph.ArgMaxPoolOp, {}),
                (graph.ArgMaxPoolOp, {"column_major": True}),
            )
        ),
    )
    for data_format in formats(each.operands()[0])
]
"""Every layer over an image in both of its data formats."""
