"""Modules of one views, indexing or resampling op each, for tests of what lowers and runs them.

    for case in CASES: module, inputs = case.build()

Static and symbolic sizes: with `symbolic`, the first dim of the first input is S (and of others that share it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from support.graph_modules import Array, GraphModule, tensor
from xdsl.dialects.builtin import ModuleOp, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.types import (
    AnyTensor,
    DimAttr,
    DimsAttr,
    element_of,
    element_type_of,
    numpy_dtype,
    shape_of,
    tensor_type,
)

S = Dim.symbol("S")


@dataclass(frozen=True)
class Case:
    """`make(*inputs)` writes the op; `sizes` of the symbols stand in the shapes of the inputs."""

    name: str
    shapes: Sequence[Sequence[int | Dim]]
    make: Callable[..., SSAValue]
    dtypes: Sequence[str] = ("float32",)
    values: Sequence[Callable[[np.random.Generator, tuple[int, ...]], Array] | None] = ()
    """What an input holds where it is not normal numbers."""
    sizes: dict[str, int] = field(default_factory=lambda: {"S": 5})

    def build(self, dtype: str | None = None, seed: int = 0) -> tuple[ModuleOp, dict[str, Array]]:
        dtypes = [dtype if dtype and name == "float32" else name for name in self._dtypes]
        types = [tensor(*shape, element=element_type_of(name)) for shape, name in zip(self.shapes, dtypes, strict=True)]
        names = [f"x{i}" for i in range(len(types))]
        module = GraphModule().model(dict(zip(names, types, strict=True)), self.make)
        rng = np.random.default_rng(seed)
        return module, {name: self._array(rng, i, types[i], dtypes[i]) for i, name in enumerate(names)}

    @property
    def computes(self) -> bool:
        """Whether an op of it adds, multiplies or compares values."""
        return any(word in self.name for word in ("add", "mul", "imum", "expand to a symbol"))

    @property
    def _dtypes(self) -> list[str]:
        return [*self.dtypes, *["float32"] * (len(self.shapes) - len(self.dtypes))]

    def _array(self, rng: np.random.Generator, index: int, type_: AnyTensor, dtype: str) -> Array:
        shape = tuple(as_dim(size).evaluate(self.sizes) for size in shape_of(type_))
        kind, own = numpy_dtype(type_.element_type), self.values[index] if index < len(self.values) else None
        if own is not None:
            return np.asarray(own(rng, shape)).astype(kind)
        numbers = np.asarray(rng.standard_normal(shape))
        return numbers > 0 if dtype == "bool" else np.asarray(numbers * (1 if "float" in dtype else 30)).astype(kind)


def places(size: int) -> Callable[[np.random.Generator, tuple[int, ...]], Array]:
    """Indices of a dim, half of them counted from its end."""
    return lambda rng, shape: rng.integers(-size, size, shape)


def vectors(*sizes: int) -> Callable[[np.random.Generator, tuple[int, ...]], Array]:
    return lambda rng, shape: np.stack([rng.integers(-size, size, shape[:-1]) for size in sizes], axis=-1)


def starts(*sizes: int | Dim) -> DimsAttr:
    return DimsAttr(tuple(map(as_dim, sizes)))


def sliced(x: SSAValue, begin: DimsAttr, steps: Sequence[int], *shape: int | Dim) -> SSAValue:
    result = tensor_type(shape, element_of(x.type))
    return graph.SliceOp.of(x, starts=begin, steps=tuple(steps), result=result).result


def expanded(x: SSAValue, *shape: int | Dim) -> SSAValue:
    return graph.ExpandOp.of(x, result=tensor_type(shape, element_of(x.type))).result


def resized(x: SSAValue, *shape: int | Dim, **properties: Any) -> SSAValue:
    return graph.ResizeOp.of(x, result=tensor_type(shape, element_of(x.type)), **properties).result


def case(name: str, make: Callable[..., SSAValue], *shapes: Sequence[int | Dim], **others: Any) -> Case:
    return Case(name, shapes, make, **others)


VIEWS = [
    case("slice", lambda x: sliced(x, starts(1, 2), (2, 3), 2, 3), (5, 9)),
    case("slice backwards", lambda x: sliced(x, starts(4, 0), (-2, 1), 3, 9), (5, 9)),
    case("slice backwards along the vectors", lambda x: sliced(x, starts(0, 18), (1, -1), 5, 19), (5, 19)),
    case("slice of symbolic start", lambda x: sliced(x, starts(S - 2, 0), (1, 1), 2, 9), (S, 9)),
    case("slice of a symbol backwards", lambda x: sliced(x, starts(S - 1, 1), (-1, 1), S, 3), (S, 9)),
    case("concat rows", lambda x, y: graph.ConcatOp.of(x, y, x, axis=0).result, (2, 9), (3, 9)),
    case("concat columns", lambda x, y: graph.ConcatOp.of(x, y, axis=-1).result, (4, 9), (4, 5)),
    case("concat of symbols", lambda x, y: graph.ConcatOp.of(x, y, axis=1).result, (2, S, 3), (2, 4, 3)),
    case("expand", lambda x: expanded(x, 3, 4, 17), (4, 1)),
    case("expand rank 0", lambda x: expanded(x, 2, 9), ()),
    case("expand to a symbol", lambda x, y: graph.AddOp.of(expanded(x, S, 9), y).result, (1, 9), (S, 9)),
    case("pad", lambda x: graph.PadOp.of(x, low=(1, 2), high=(0, 3), value=1.0).result, (4, 9)),
    case("pad reflect", lambda x: graph.PadOp.of(x, low=(1, 2), high=(0, 3), mode="reflect").result, (4, 9)),
    case("pad reflect far", lambda x: graph.PadOp.of(x, low=(5, 7), high=(9, 0), mode="reflect").result, (3, 1)),
    case("pad edge", lambda x: graph.PadOp.of(x, low=(1, 2), high=(6, 3), mode="edge").result, (4, 9)),
    case("pad wrap", lambda x: graph.PadOp.of(x, low=(1, 2), high=(4, 3), mode="wrap").result, (4, 9)),
    case("pad wrap far", lambda x: graph.PadOp.of(x, low=(9, 2), high=(7, 0), mode="wrap").result, (4, 9)),
    case(
        "pad reflect of a symbol", lambda x: graph.PadOp.of(x, low=(3, 0), high=(2, 0), mode="reflect").result, (S, 9)
    ),
    case("pad edge of a symbol", lambda x: graph.PadOp.of(x, low=(3, 0), high=(2, 0), mode="edge").result, (S, 9)),
    case("pad wrap of a symbol", lambda x: graph.PadOp.of(x, low=(0, 3), high=(0, 2), mode="wrap").result, (2, S)),
    case("iota", lambda x: graph.IotaOp.of(result=tensor_type((S + 2,), i64)).result, (S,)),
    case("size", lambda x: graph.SizeOp.of(dim=DimAttr(S * 3)).result, (S,)),
]
INDICES = ("float32", "int64")
UPDATES = ("float32", "int64", "float32")


def gather(axis: int, name: str, x: Sequence[int | Dim], indices: Sequence[int | Dim], **others: Any) -> Case:
    size = x[axis]
    values = (None, places(size if isinstance(size, int) else 5))
    make = lambda x, i: graph.GatherOp.of(x, i, axis=axis).result  # noqa: E731
    return case(name, make, x, indices, dtypes=others.get("dtypes", INDICES), values=values)


def lengths(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(0, 6, shape)


INDEXING = [
    gather(0, "gather rows", (7, 18), (2, 3)),
    gather(1, "gather columns", (3, 7), (11,)),
    gather(-1, "gather columns by a matrix", (3, 7), (2, 9)),
    gather(1, "gather one", (3, 7, 4), ()),
    gather(0, "gather by 32 bits", (7, 9), (4,), dtypes=("float32", "int32")),
    gather(0, "gather of symbols", (S, 9), (S,)),
    case(
        "gather elements",
        lambda x, i: graph.GatherElementsOp.of(x, i, axis=1).result,
        (4, 7), (3, 9), dtypes=INDICES, values=(None, places(7)),
    ),
    case(
        "gather elements of rows",
        lambda x, i: graph.GatherElementsOp.of(x, i, axis=0).result,
        (S, 9), (4, 9), dtypes=INDICES, values=(None, places(5)),
    ),
    case(
        "gather nd",
        lambda x, i: graph.GatherNdOp.of(x, i).result,
        (4, 5, 9), (2, 3, 2), dtypes=INDICES, values=(None, vectors(4, 5)),
    ),
    case(
        "gather nd of batches",
        lambda x, i: graph.GatherNdOp.of(x, i, batch_dims=1).result,
        (2, 5, 9), (2, 3, 1), dtypes=INDICES, values=(None, vectors(5)),
    ),
    case(
        "gather nd of single values",
        lambda x, i: graph.GatherNdOp.of(x, i).result,
        (S, 6), (S, 2), dtypes=INDICES, values=(None, vectors(5, 6)),
    ),
    *(
        case(
            f"scatter elements {kind}",
            lambda x, i, u, kind=kind: graph.ScatterElementsOp.of(x, i, u, axis=1, kind=kind).result,
            (4, 7), (3, 9), (3, 9), dtypes=UPDATES, values=(None, places(7)),
        )
        for kind in ("set", "add", "mul", "maximum", "minimum")
    ),
    case(
        "scatter elements add of rows",
        lambda x, i, u: graph.ScatterElementsOp.of(x, i, u, axis=0, kind="add").result,
        (S, 9), (4, 9), (4, 9), dtypes=UPDATES, values=(None, places(5)),
    ),
    case(
        "scatter elements by 32 bits",
        lambda x, i, u: graph.ScatterElementsOp.of(x, i, u, axis=1).result,
        (4, 7), (3, 9), (3, 9), dtypes=("float32", "int32", "float32"), values=(None, places(7)),
    ),
    case(
        "scatter nd by 32 bits",
        lambda x, i, u: graph.ScatterNdOp.of(x, i, u).result,
        (4, 5, 9), (3, 2), (3, 9), dtypes=("float32", "int32", "float32"), values=(None, vectors(4, 5)),
    ),
    case(
        "gather nd by 32 bits",
        lambda x, i: graph.GatherNdOp.of(x, i).result,
        (4, 5, 9), (2, 3, 2), dtypes=("float32", "int32"), values=(None, vectors(4, 5)),
    ),
    *(
        case(
            f"scatter nd {kind}",
            lambda x, i, u, kind=kind: graph.ScatterNdOp.of(x, i, u, kind=kind).result,
            (4, 5, 9), (3, 2), (3, 9), dtypes=UPDATES, values=(None, vectors(4, 5)),
        )
        for kind in ("set", "add")
    ),
    case(
        "scatter nd of symbols",
        lambda x, i, u: graph.ScatterNdOp.of(x, i, u).result,
        (S, 9), (S, 1), (S, 9), dtypes=UPDATES, values=(None, vectors(5)),
    ),
    *(
        case(
            f"scatter nd of everything {kind}",
            lambda x, i, u, kind=kind: graph.ScatterNdOp.of(x, i, u, kind=kind).result,
            (4, 5), (3, 0), (3, 4, 5), dtypes=UPDATES, values=(None, lambda rng, shape: np.zeros(shape)),
        )
        for kind in ("set", "add")
    ),
    case(
        "reverse sequence",
        lambda x, n: graph.ReverseSequenceOp.of(x, n).result,
        (5, 4, 9), (4,), dtypes=INDICES, values=(None, lengths),
    ),
    case(
        "reverse sequence along the vectors",
        lambda x, n: graph.ReverseSequenceOp.of(x, n, batch_axis=0, time_axis=1).result,
        (4, S), (4,), dtypes=INDICES, values=(None, lengths),
    ),
]  # fmt: skip

COORDINATES = [
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn",
]  # fmt: skip
RESAMPLING = [
    *(
        case(
            f"resize {mode} {coordinates}",
            lambda x, mode=mode, c=coordinates: resized(x, 1, 2, 7, 10, mode=mode, coordinates=c),
            (1, 2, 5, 8),
        )
        for mode in ("nearest", "linear", "cubic")
        for coordinates in COORDINATES
    ),
    *(
        case(
            f"resize to one place {coordinates}",
            lambda x, c=coordinates: resized(x, 1, 2, mode="linear", coordinates=c),
            (4, 2),
        )
        for coordinates in COORDINATES
    ),
    *(
        case(
            f"resize {rounding}",
            lambda x, r=rounding: resized(x, 2, 4, coordinates="asymmetric", nearest_mode=r, scales=(1.0, 0.4)),
            (2, 10),
        )
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    ),
    case("resize channels last", lambda x: resized(x, 1, 10, 16, 9, mode="linear"), (1, 5, 8, 9)),
    case("resize lines", lambda x: resized(x, 3, 21, mode="cubic", exclude_outside=True), (3, 8)),
    case("resize volumes", lambda x: resized(x, 1, 2, 3, 4, 5, mode="linear"), (1, 2, 2, 3, 4)),
    case("resize antialias", lambda x: resized(x, 2, 4, 3, mode="linear", antialias=True), (2, 9, 8)),
    case(
        "resize antialias cubic",
        lambda x: resized(x, 2, 3, 4, mode="cubic", antialias=True, exclude_outside=True, cubic_coeff_a=-0.5),
        (2, 17, 4),
    ),
    case(
        "resize a region",
        lambda x: resized(
            x, 2, 6, 7, mode="linear", coordinates="tf_crop_and_resize",
            roi=(0.0, 0.1, -0.3, 1.0, 0.8, 1.2), extrapolation_value=3.0,
        ),
        (2, 5, 8),
    ),
    case("resize by scales", lambda x: resized(x, 2, 11, mode="linear", scales=(1.0, 2.25)), (2, 5)),
    *(
        case(
            f"resize {mode} of symbols",
            lambda x, mode=mode: resized(x, 2, S * 2, 9, mode=mode, coordinates="asymmetric", nearest_mode="floor"),
            (2, S, 9),
        )
        for mode in ("nearest", "linear", "cubic")
    ),
    case("resize to a symbol", lambda x, y: graph.AddOp.of(resized(x, 2, S, mode="linear"), y).result, (2, 8), (2, S)),
    *(
        case(
            f"grid sample {mode} {padding} {'corners' if align else 'edges'}",
            lambda x, g, mode=mode, padding=padding, align=align: graph.GridSampleOp.of(
                x, g, mode=mode, padding_mode=padding, align_corners=align
            ).result,
            (2, 3, 5, 6), (2, 4, 9, 2),
        )
        for mode in ("nearest", "linear", "cubic")
        for padding in ("zeros", "border", "reflection")
        for align in (False, True)
    ),
    case("grid sample of volumes", lambda x, g: graph.GridSampleOp.of(x, g).result, (1, 2, 3, 4, 5), (1, 2, 3, 4, 3)),
    case(
        "grid sample of symbols",
        lambda x, g: graph.GridSampleOp.of(x, g, padding_mode="reflection").result,
        (2, 3, S, 6), (2, S, 4, 2),
    ),
]  # fmt: skip
CASES = [*VIEWS, *INDEXING, *RESAMPLING]
MOVES = [case for case in CASES if not any(word in case.name for word in ("linear", "cubic", "grid", "resize", "iota"))]
"""Cases of ops that take every element type."""
