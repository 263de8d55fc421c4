"""Random programs of few layers and many shapes: what schedules must get right beside the sizes of real models.

    module, weights = wide_graph_module(np.random.default_rng(7))
    inputs = random_inputs(module, rng, SIZES[2])

Prime heights and widths, one channel or seventeen, pictures of one pixel, windows smaller than their stride, pads on
one side, dilation, groups, both data formats, symbolic heights and widths, views between, several outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from support.graph_modules import Array, GraphModule, random_value, tensor
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, product
from neuralc.dialects.graph.shapes import CHANNEL
from neuralc.dialects.types import Shape, ShapeError, numpy_dtype, shape_of, tensor_type
from neuralc.dialects.weights import WeightStore

EXTENTS = (1, 2, 3, 5, 7, 11, 13)
CHANNELS = (1, 3, 5, 8, 17, 20, 33)
FORMATS = ("NCHW", "NHWC")
SIZES: tuple[dict[str, int], ...] = (
    {"batch": 1, "H": 19, "W": 28},
    {"batch": 7, "H": 22, "W": 17},
    {"batch": 13, "H": 25, "W": 18},
)
"""Values for the symbols: one, and sizes that no tile divides."""
MAX_ELEMENTS = 6000


def wide_graph_module(
    rng: np.random.Generator, *, layers: int = 4, element: Attribute = f32
) -> tuple[ModuleOp, WeightStore]:
    """A module whose picture has an odd shape, and its weights."""
    program = _Program(rng, element)
    spatial: list[int | str] = [program.choose(EXTENTS), program.choose(EXTENTS)]
    if rng.random() < 0.15:
        spatial[int(rng.integers(2))] = "H"
    elif rng.random() < 0.1:
        spatial = ["H", "W"]
    channels = program.choose(CHANNELS)
    shape = [*spatial, channels] if rng.random() < 0.5 else [channels, *spatial]
    inputs = {"x": tensor("batch", *shape, element=element)}

    def body(x: SSAValue) -> list[SSAValue]:
        program.values = [x]
        for _ in range(layers * 6):
            if len(program.values) > layers:
                break
            program.step()
        return program.results()

    module = program.build.model(inputs, body)
    return module, program.build.weights


def random_inputs(module: ModuleOp, rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, Array]:
    """An array for every input of the model, of the given symbolic sizes."""
    model = graph.the_model(module)
    arguments = zip(model.inputs, model.block.args, strict=True)
    return {name: random_value(rng, argument.type, sizes) for name, argument in arguments}


@dataclass
class _Program:
    rng: np.random.Generator
    element: Attribute
    build: GraphModule = field(default_factory=GraphModule)
    values: list[SSAValue] = field(default_factory=list)

    def step(self) -> None:
        x = self.values[-1] if self.rng.random() < 0.7 else self.choose(self.values)
        layer = self.choose(LAYERS)
        try:
            result = layer(self, x)
        except ShapeError:  # a window that does not fit
            return
        if result is not None and _is_small(shape_of(result.type)):
            self.values.append(result)
        elif result is not None and isinstance(result.owner, Operation) and not result.uses:
            result.owner.detach()
            result.owner.erase()

    def results(self) -> list[SSAValue]:
        """The last value, at times with others: an input, the same value again, a view of it."""
        last = self.values[-1]
        kind = self.rng.random()
        if kind < 0.6:
            return [last]
        if kind < 0.7:
            return [last, self.values[0]]
        if kind < 0.8:
            return [last, last]
        if kind < 0.9:
            return [cast("SSAValue", self.reshape(last)), last]
        return [last, *self.values[1:-1]]

    def choose(self, options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def integer(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return int(self.rng.integers(low, high + 1))

    def weight(self, name: str, *shape: int, scale: float = 1.0) -> SSAValue:
        values = scale * self.rng.standard_normal(shape)
        return self.build.weight(name, values.astype(numpy_dtype(self.element)))

    # -- layers ------------------------------------------------------------------------------------------------------

    def conv(self, x: SSAValue) -> SSAValue | None:
        shape, data_format = shape_of(x.type), self.choose(FORMATS)
        if len(shape) != 4 or not isinstance(channels := shape[CHANNEL[data_format]], int):
            return None
        if any(not isinstance(size, int) for size in shape[1:]) and self.rng.random() < 0.5:
            data_format = "NHWC"
            if not isinstance(channels := shape[3], int):
                return None
        groups = self.choose([n for n in range(1, channels + 1) if channels % n == 0])
        out = groups * self.integer(1, 3) if groups > 1 else self.choose(CHANNELS)
        kh, kw = self.integer(1, 4), self.integer(1, 3)
        depth = channels // groups
        operands = [x, self.weight("conv.kernel", kh, kw, depth, out, scale=(kh * kw * depth) ** -0.5)]
        if self.rng.random() < 0.5:
            operands.append(self.weight("conv.bias", out))
        return graph.ConvOp.of(
            *operands,
            strides=(self.integer(1, 4), self.integer(1, 3)),
            pads=tuple(self.integer(0, 2) for _ in range(4)),
            dilations=(self.integer(1, 3), self.integer(1, 2)),
            groups=groups,
            data_format=data_format,
        ).result

    def pool(self, x: SSAValue) -> SSAValue | None:
        if len(shape_of(x.type)) != 4:
            return None
        window = (self.integer(1, 3), self.integer(1, 4))
        properties: dict[str, Any] = {
            "window": window,
            "strides": (self.integer(1, 4), self.integer(1, 4)),
            "pads": tuple(self.integer(0, size // 2) for size in (*window, *window)),
            "data_format": self.choose(FORMATS),
        }
        if self.rng.random() < 0.5:
            return graph.MaxPoolOp.of(x, **properties).result
        return graph.AveragePoolOp.of(x, **properties, count_include_pad=self.rng.random() < 0.5).result

    def dense(self, x: SSAValue) -> SSAValue | None:
        depth = shape_of(x.type)[-1]
        if not isinstance(depth, int):
            return None
        units = self.choose(CHANNELS)
        operands = [x, self.weight("dense.kernel", depth, units, scale=depth**-0.5)]
        if self.rng.random() < 0.5:
            operands.append(self.weight("dense.bias", units))
        return graph.DenseOp.of(*operands).result

    def softmax(self, x: SSAValue) -> SSAValue:
        op = self.choose([graph.SoftmaxOp, graph.LogSoftmaxOp])
        return cast("SSAValue", op.of(x, axis=self.integer(0, len(shape_of(x.type)) - 1)).result)

    def reduce(self, x: SSAValue) -> SSAValue | None:
        shape = shape_of(x.type)
        if len(shape) < 3:
            return None
        count = self.integer(1, len(shape) - 1)
        axes = tuple(sorted(int(a) for a in self.rng.choice(len(shape), size=count, replace=False)))
        kinds = ["maximum", "minimum", "sum"]
        kinds += ["mean"] if all(isinstance(shape[axis], int) for axis in axes) else []
        return graph.ReduceOp.of(x, kind=self.choose(kinds), axes=axes, keepdims=self.rng.random() < 0.5).result

    def activation(self, x: SSAValue) -> SSAValue:
        op = self.choose([graph.ReluOp, graph.TanhOp, graph.SigmoidOp, graph.GeluOp, graph.EluOp])
        return cast("SSAValue", op.of(x).result)

    def residual(self, x: SSAValue) -> SSAValue | None:
        """The sum of two values of one type, at times of a value with itself or with its transpose."""
        same = [value for value in self.values if value.type == x.type]
        return graph.AddOp.of(x, self.choose(same)).result

    def broadcast(self, x: SSAValue) -> SSAValue | None:
        """With a weight that has size one along some dims."""
        shape = [
            size if isinstance(size, int) and self.rng.random() < 0.6 else 1
            for size in shape_of(x.type)[self.integer(0, len(shape_of(x.type))) :]
        ]
        op = self.choose([graph.AddOp, graph.MulOp, graph.SubOp, graph.MaximumOp])
        operands = [x, self.weight("scale", *shape)]
        return cast("SSAValue", op.of(*(operands if self.rng.random() < 0.5 else operands[::-1])).results[0])

    def reshape(self, x: SSAValue) -> SSAValue | None:
        shape = shape_of(x.type)
        at = self.integer(0, max(0, len(shape) - 2))
        merged = (*shape[:at], product(shape[at : at + 2]), *shape[at + 2 :])
        split = shape
        for axis, size in enumerate(shape):
            divisors = [n for n in range(2, size) if size % n == 0] if isinstance(size, int) and len(shape) < 5 else []
            if divisors and self.rng.random() < 0.5:
                n = self.choose(divisors)
                split = (*shape[:axis], n, int(str(size)) // n, *shape[axis + 1 :])
                break
        flat = (shape[0], product(shape[1:]))
        new = self.choose([merged, split, flat, (*shape[:at], 1, *shape[at:])[:5] if len(shape) < 5 else flat])
        return graph.ReshapeOp.of(x, result=tensor_type(new, self.element)).result

    def transpose(self, x: SSAValue) -> SSAValue:
        perm = tuple(int(axis) for axis in self.rng.permutation(len(shape_of(x.type))))
        return graph.TransposeOp.of(x, perm=perm).result

    def image(self, x: SSAValue) -> SSAValue | None:
        """NHWC to NCHW or back."""
        if len(shape_of(x.type)) != 4:
            return None
        return graph.TransposeOp.of(x, perm=self.choose([(0, 2, 3, 1), (0, 3, 1, 2)])).result


def _is_small(shape: Shape) -> bool:
    """Whether a value of the shape exists for all sizes, and is not too large."""
    found = [[as_dim(size).evaluate(sizes) for size in shape] for sizes in SIZES]
    return min(min(each, default=1) for each in found) > 0 and np.prod(found[0], dtype=int) <= MAX_ELEMENTS


LAYERS: list[Callable[[_Program, SSAValue], SSAValue | None]] = [
    _Program.conv, _Program.conv, _Program.conv, _Program.conv, _Program.pool, _Program.pool,
    _Program.dense, _Program.softmax, _Program.reduce, _Program.activation, _Program.activation,
    _Program.residual, _Program.broadcast, _Program.reshape, _Program.transpose, _Program.image,
]  # fmt: skip
