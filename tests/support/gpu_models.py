"""Small models, one for each form that a kernel for a GPU has; several test files lower, run and compile them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from support.graph_modules import Array, GraphModule, tensor
from xdsl.dialects.builtin import ModuleOp, f16, f32
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph, kernel
from neuralc.dialects.types import as_tensor, numpy_dtype, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.manager import run_pipeline
from neuralc.passes.pipelines import load, pipeline
from neuralc.passes.target import Target

SM_80 = Target.cuda("sm_80")
Body = Callable[["Layers", SSAValue], SSAValue]


@dataclass
class Layers:
    """Layers with random weights of one element type."""

    build: GraphModule
    element: Attribute = f32

    def weight(self, *shape: int) -> SSAValue:
        values = np.random.default_rng(len(self.build.weights)).standard_normal(shape) * 0.3
        return self.build.weight("w", values.astype(numpy_dtype(self.element)))

    def conv(self, x: SSAValue, kernel: tuple[int, ...], *, bias: bool = False, **properties: object) -> SSAValue:
        operands = [x, self.weight(*kernel), *([self.weight(kernel[-1])] if bias else [])]
        return graph.ConvOp.of(*operands, **properties).result

    def dense(self, x: SSAValue, units: int, *, bias: bool = False) -> SSAValue:
        depth = shape_of(x.type)[-1]
        assert isinstance(depth, int)
        operands = [x, self.weight(depth, units), *([self.weight(units)] if bias else [])]
        return graph.DenseOp.of(*operands).result


def pool(x: SSAValue, size: int, **properties: object) -> SSAValue:
    return graph.MaxPoolOp.of(x, window=(size, size), **properties).result


def reduce(x: SSAValue, kind: str, *axes: int) -> SSAValue:
    return graph.ReduceOp.of(x, kind=kind, axes=axes).result


def relu(x: SSAValue) -> SSAValue:
    return graph.ReluOp.of(x).result


MODELS: Mapping[str, tuple[tuple[int | str, ...], Body]] = {
    "dense": (("batch", 20), lambda m, x: relu(m.dense(x, 33, bias=True))),
    "dense of a sequence": (("batch", "S", 20), lambda m, x: m.dense(x, 33)),
    "one row": ((1, 300), lambda m, x: m.dense(x, 40, bias=True)),
    "conv": (("batch", 9, 7, 4), lambda m, x: relu(m.conv(x, (3, 3, 4, 20), bias=True, strides=(2, 1)))),
    "padded conv": (("batch", 9, 7, 4), lambda m, x: m.conv(relu(x), (3, 3, 4, 20), pads=(1, 1, 1, 1))),
    "padded conv of an input": (("batch", 9, 7, 4), lambda m, x: m.conv(x, (3, 3, 4, 20), pads=(1, 0, 2, 1))),
    "conv, channels first": (("batch", 4, 9, 7), lambda m, x: m.conv(x, (3, 3, 4, 20), data_format="NCHW")),
    "grouped conv": (("batch", 9, 7, 8), lambda m, x: m.conv(x, (3, 3, 4, 32), groups=2)),
    "groups of few channels": (("batch", 9, 7, 6), lambda m, x: m.conv(x, (3, 3, 2, 9), groups=3)),
    "depthwise conv": (("batch", 9, 7, 20), lambda m, x: m.conv(x, (3, 3, 1, 20), groups=20)),
    "depthwise conv, channels first": (
        ("batch", 20, 9, 7),
        lambda m, x: m.conv(x, (3, 3, 1, 20), groups=20, data_format="NCHW"),
    ),
    "max pool": (("batch", 8, 6, 20), lambda _, x: pool(x, 2, strides=(2, 2))),
    "max pool, channels first": (("batch", 3, 8, 6), lambda _, x: pool(x, 3, strides=(1, 1), data_format="NCHW")),
    "global pool": (("batch", 7, 8, 20), lambda _, x: reduce(x, "mean", 1, 2)),
    "global pool, channels first": (("batch", 20, 7, 8), lambda _, x: reduce(x, "mean", 2, 3)),
    "sum of everything": (("batch", 50), lambda _, x: graph.NegOp.of(reduce(x, "sum", 0, 1)).result),
    "sum over a symbolic size": (("batch", "S", 20), lambda _, x: reduce(x, "maximum", 1)),
    "softmax": (("batch", 10), lambda _, x: graph.SoftmaxOp.of(x).result),
    "softmax of a long row": (("batch", 3, 1500), lambda _, x: graph.LogSoftmaxOp.of(x).result),
    "softmax of a very long row": (("batch", 17000), lambda _, x: graph.SoftmaxOp.of(x).result),
    "bias": (("batch", 7, 20), lambda m, x: relu(graph.AddOp.of(x, m.weight(20)).result)),
    "transpose": (("batch", 40, 33), lambda _, x: relu(graph.TransposeOp.of(x, perm=(0, 2, 1)).result)),
}
"""Name -> shape of the input, layers."""


def make(name: str, element: Attribute = f32) -> tuple[ModuleOp, WeightStore]:
    """The graph-level module of a model, and its weights."""
    shape, body = MODELS[name]
    build = GraphModule()
    module = build.model({"x": tensor(*shape, element=element)}, lambda x: body(Layers(build, element), x))
    return module, build.weights


def lower(module: ModuleOp, weights: WeightStore, opt: int = 2) -> list[kernel.FuncOp]:
    """The module's kernels for sm_80; the module is changed in place."""
    run_pipeline(module, load(pipeline(opt, "cuda")), PassContext(target=SM_80, weights=weights), verify_each=True)
    return [op for op in module.body.block.ops if isinstance(op, kernel.FuncOp)]


def random_input(module: ModuleOp, batch: int) -> dict[str, Array]:
    """The model's input for a batch; a sequence is two longer."""
    (argument,) = graph.the_model(module).block.args
    sizes = {"batch": batch, "S": batch + 2}
    shape = [size if isinstance(size, int) else size.evaluate(sizes) for size in shape_of(argument.type)]
    values = np.random.default_rng(batch).standard_normal(shape)
    return {"x": values.astype(numpy_dtype(as_tensor(argument.type).element_type))}


HALF = f16
