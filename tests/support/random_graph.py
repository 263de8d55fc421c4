"""Random programs of the graph level for tests of everything that rewrites, lowers or runs them.

    module, weights, inputs = random_graph_module(np.random.default_rng(7))

Programs are valid, hold every graph op over a few dozen seeds, have a symbolic batch, and keep values of moderate size,
so that a difference in their results means a fault and not amplified noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from support.graph_modules import Array, GraphModule, tensor
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product
from neuralc.dialects.graph.shapes import CHANNEL, SPATIAL
from neuralc.dialects.types import Shape, ShapeError, numpy_dtype, shape_of, tensor_type
from neuralc.dialects.weights import WeightStore

MAX_ELEMENTS = 4096
"""Largest size of the static dims of one value."""

SAFE_UNARY = [op for op in graph.UNARY if op not in (graph.ExpOp, graph.LogOp, graph.SqrtOp, graph.RsqrtOp)]
POSITIVE_UNARY = [graph.LogOp, graph.SqrtOp, graph.RsqrtOp]


def random_graph_module(
    rng: np.random.Generator, *, ops: int = 12, element: Attribute = f32
) -> tuple[ModuleOp, WeightStore, dict[str, Array]]:
    """A module with about `ops` layers, its weights, and inputs that fit it."""
    size = int(rng.integers(5, 9))
    inputs = {"image": tensor("batch", size, size, int(rng.choice([1, 2, 4])), element=element)}
    if rng.random() < 0.5:
        inputs["tokens"] = tensor("batch", "S", 6, element=element)
    program = _Program(rng, element)

    def body(*arguments: SSAValue) -> list[SSAValue]:
        program.values = list(arguments)
        while len(program.values) < ops + len(arguments):
            program.step()
        results = [program.values[-1]]
        if rng.random() < 0.3:
            results.append(program.pick())
        return results

    module = program.build.model(inputs, body)
    sizes = {"batch": int(rng.integers(1, 5)), "S": int(rng.integers(1, 6))}
    arrays = {name: _input(rng, type_, sizes) for name, type_ in inputs.items()}
    return module, program.build.weights, arrays


def _input(rng: np.random.Generator, type_: Any, sizes: dict[str, int]) -> Array:
    shape = [size if isinstance(size, int) else size.evaluate(sizes) for size in shape_of(type_)]
    return rng.standard_normal(shape).astype(numpy_dtype(type_.element_type))


@dataclass
class _Program:
    """The values made so far, and one method a kind of layer, which gives None where a value does not suit it."""

    rng: np.random.Generator
    element: Attribute
    build: GraphModule = field(default_factory=GraphModule)
    values: list[SSAValue] = field(default_factory=list)

    def step(self) -> None:
        """Apply a random layer to a random value."""
        x = self.pick()
        result = LAYERS[int(self.rng.integers(len(LAYERS)))](self, x)
        if result is None or _elements(shape_of(result.type)) > MAX_ELEMENTS:
            return
        self.values.append(result)

    def pick(self) -> SSAValue:
        """A value, the latest ones more often."""
        recent = self.values[-4:] if self.rng.random() < 0.8 else self.values
        return recent[int(self.rng.integers(len(recent)))]

    def weight(self, name: str, *shape: int, scale: float = 1.0, positive: bool = False) -> SSAValue:
        values = scale * self.rng.standard_normal(shape)
        if positive:
            values = np.abs(values) + 0.5
        return self.build.weight(name, values.astype(numpy_dtype(self.element)))

    def flag(self) -> bool:
        return bool(self.rng.random() < 0.5)

    def integer(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return int(self.rng.integers(low, high + 1))

    def constant(self, shape: Shape, value: float) -> SSAValue:
        return graph.ConstantOp.of(result=tensor_type(shape, self.element), value=value).result

    def window(self, shape: Shape) -> dict[str, Any] | None:
        """Geometry of a window that fits a 4-D value, None for others."""
        if len(shape) != 4:
            return None
        data_format = str(self.rng.choice(sorted(SPATIAL)))
        extents = [shape[axis] for axis in SPATIAL[data_format]]
        if not all(isinstance(extent, int) and extent > 1 for extent in extents):
            return None
        window = tuple(self.integer(1, min(3, int(str(extent)))) for extent in extents)
        pads = tuple(self.integer(0, size - 1) for size in (*window, *window))
        strides = (self.integer(1, 2), self.integer(1, 2))
        return {"window": window, "pads": pads, "strides": strides, "data_format": data_format}

    # -- layers --------------------------------------------------------------------------------------------------

    def conv(self, x: SSAValue) -> SSAValue | None:
        shape = shape_of(x.type)
        geometry = self.window(shape)
        channels = shape[CHANNEL[geometry["data_format"]]] if geometry else None
        if geometry is None or not isinstance(channels, int) or channels > 16:
            return None
        kh, kw = geometry.pop("window")
        groups = channels if self.rng.random() < 0.3 else 1
        out = groups * self.integer(1, 2) if groups > 1 else self.integer(1, 6)
        depth = channels // groups
        operands = [x, self.weight("conv.kernel", kh, kw, depth, out, scale=(kh * kw * depth) ** -0.5)]
        if self.flag():
            operands.append(self.weight("conv.bias", out))
        dilations = (self.integer(1, 2), self.integer(1, 2))
        try:
            return graph.ConvOp.of(*operands, **geometry, dilations=dilations, groups=groups).result
        except ShapeError:  # the dilated kernel does not fit
            return None

    def dense(self, x: SSAValue) -> SSAValue | None:
        shape = shape_of(x.type)
        if not shape or not isinstance(depth := shape[-1], int):
            return None
        units = self.integer(1, 8)
        operands = [x, self.weight("dense.kernel", depth, units, scale=depth**-0.5)]
        if self.flag():
            operands.append(self.weight("dense.bias", units))
        return graph.DenseOp.of(*operands).result

    def batch_norm(self, x: SSAValue) -> SSAValue | None:
        axes = [axis for axis, size in enumerate(shape_of(x.type)) if isinstance(size, int)]
        if not axes:
            return None
        axis = int(self.rng.choice(axes)) if self.flag() else axes[-1]
        channels = int(str(shape_of(x.type)[axis]))
        gamma, beta, mean = (self.weight(f"norm.{name}", channels) for name in ("gamma", "beta", "moving_mean"))
        variance = self.weight("norm.moving_variance", channels, positive=True)
        return graph.BatchNormOp.of(x, gamma, beta, mean, variance, axis=axis, epsilon=1e-3).result

    def max_pool(self, x: SSAValue) -> SSAValue | None:
        geometry = self.window(shape_of(x.type))
        return graph.MaxPoolOp.of(x, **geometry).result if geometry else None

    def average_pool(self, x: SSAValue) -> SSAValue | None:
        geometry = self.window(shape_of(x.type))
        return graph.AveragePoolOp.of(x, **geometry, count_include_pad=self.flag()).result if geometry else None

    def dropout(self, x: SSAValue) -> SSAValue:
        return graph.DropoutOp.of(x, rate=0.25).result

    def softmax(self, x: SSAValue) -> SSAValue | None:
        rank = len(shape_of(x.type))
        op = graph.SoftmaxOp if self.flag() else graph.LogSoftmaxOp
        return op.of(x, axis=self.integer(-rank, rank - 1)).result if rank else None

    def unary(self, x: SSAValue) -> SSAValue:
        op = SAFE_UNARY[int(self.rng.integers(len(SAFE_UNARY)))]
        properties: dict[str, Any] = {}
        if "alpha" in op.DEFAULTS:
            properties["alpha"] = float(self.rng.choice([0.1, 0.3, 1.0]))
        if "approximate" in op.DEFAULTS:
            properties["approximate"] = self.flag()
        return op.of(x, **properties).results[0]

    def exp(self, x: SSAValue) -> SSAValue:
        return graph.ExpOp.of(graph.TanhOp.of(x).result).result

    def positive(self, x: SSAValue) -> SSAValue:
        shifted = graph.AddOp.of(graph.AbsOp.of(x).result, self.constant((), 0.5)).result
        return POSITIVE_UNARY[int(self.rng.integers(3))].of(shifted).results[0]

    def prelu(self, x: SSAValue) -> SSAValue | None:
        shape = shape_of(x.type)
        if not shape or not isinstance(channels := shape[-1], int):
            return None
        return graph.PreluOp.of(x, self.weight("prelu.alpha", channels)).result

    def add(self, x: SSAValue) -> SSAValue:
        op = (graph.AddOp, graph.SubOp, graph.MaximumOp, graph.MinimumOp)[self.integer(0, 3)]
        operands = [x, self.partner(x)]
        return op.of(*(operands if self.flag() else operands[::-1])).results[0]

    def mul(self, x: SSAValue) -> SSAValue:
        return graph.MulOp.of(graph.TanhOp.of(self.partner(x)).result, x).result

    def scale(self, x: SSAValue) -> SSAValue:
        value = float(self.rng.choice([0.0, 1.0, -1.0, 0.75]))
        op = (graph.MulOp, graph.AddOp, graph.SubOp)[self.integer(0, 2)]
        operands = [x, self.constant((), value)]
        return op.of(*(operands if self.flag() else operands[::-1])).results[0]

    def div(self, x: SSAValue) -> SSAValue:
        divisor = graph.AddOp.of(graph.AbsOp.of(self.partner(x)).result, self.constant((), 0.5)).result
        return graph.DivOp.of(x, divisor).result

    def partner(self, x: SSAValue) -> SSAValue:
        """A second operand: another value of the same type, or a weight that broadcasts."""
        same = [value for value in self.values if value.type == x.type]
        shape = shape_of(x.type)
        if self.flag() or not shape or not isinstance(shape[-1], int):
            return same[int(self.rng.integers(len(same)))] if same else x
        weight = self.weight("scale", shape[-1])
        return graph.NegOp.of(weight).result if self.flag() else weight

    def derived(self, x: SSAValue) -> SSAValue | None:
        shape = shape_of(x.type)
        if not shape or not isinstance(channels := shape[-1], int):
            return None
        self.weight("source", channels)
        name = list(self.build.weights)[-1]
        value = self.build.derived("source.softplus", [name], lambda a: graph.SoftplusOp.of(a).result)
        return graph.AddOp.of(x, value).result

    def reshape(self, x: SSAValue) -> SSAValue | None:
        shape = shape_of(x.type)
        if len(shape) > 2 and self.flag():
            at = self.integer(1, len(shape) - 2)
            new: Shape = (*shape[:at], product(shape[at : at + 2]), *shape[at + 2 :])
        elif len(shape) < 4:
            at = self.integer(0, len(shape))
            new = (*shape[:at], 1, *shape[at:])
        else:
            new = (shape[0], product(shape[1:]))
        return graph.ReshapeOp.of(x, result=tensor_type(new, self.element)).result

    def transpose(self, x: SSAValue) -> SSAValue:
        perm = tuple(int(axis) for axis in self.rng.permutation(len(shape_of(x.type))))
        return graph.TransposeOp.of(x, perm=perm).result

    def reduce(self, x: SSAValue) -> SSAValue | None:
        rank = len(shape_of(x.type))
        if rank < 2:
            return None
        axes = tuple(sorted(int(a) for a in self.rng.choice(rank, size=self.integer(1, rank - 1), replace=False)))
        kinds = ["maximum", "minimum"]
        if all(isinstance(shape_of(x.type)[axis], int) for axis in axes):  # symbolic means are not lowered yet
            kinds += ["sum", "mean"]
        kind = str(self.rng.choice(kinds))
        return graph.ReduceOp.of(x, kind=kind, axes=axes, keepdims=self.flag()).result

    def call(self, x: SSAValue) -> SSAValue | None:
        shape = shape_of(x.type)
        if not shape or not isinstance(depth := shape[-1], int):
            return None
        kernel = self.weight("block.kernel", depth, depth, scale=depth**-0.5)

        def body(inner: SSAValue, inner_kernel: SSAValue) -> SSAValue:
            hidden = graph.ReluOp.of(graph.DenseOp.of(inner, inner_kernel).result).result
            return graph.AddOp.of(hidden, inner).result

        name = self.build.function("block", [x.type, kernel.type], body)
        twice = graph.CallOp(name, [x, kernel], [x.type], path="block.0").res[0]
        return graph.CallOp(name, [twice, kernel], [x.type], path="block.1").res[0]


LAYERS: list[Callable[[_Program, SSAValue], SSAValue | None]] = [
    _Program.conv, _Program.conv, _Program.dense, _Program.dense, _Program.batch_norm, _Program.batch_norm,
    _Program.max_pool, _Program.average_pool, _Program.dropout, _Program.softmax,
    _Program.unary, _Program.unary, _Program.unary, _Program.unary, _Program.exp, _Program.positive, _Program.prelu,
    _Program.add, _Program.mul, _Program.scale, _Program.div, _Program.derived,
    _Program.reshape, _Program.transpose, _Program.reduce, _Program.call,
]  # fmt: skip


def _elements(shape: Shape) -> int:
    """The size of the static dims, in numbers."""
    return int(np.prod([size for size in shape if isinstance(size, int)], dtype=int))
