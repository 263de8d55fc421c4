"""An example of a plugin: three layers, each brought in one of the three ways.

    pip install ./examples/plugin
    network Picture { input: (2) layers: FourierFeatures(16) CoordinateMlp(64, depth=3) Sinusoid(30.0) Dense(3) }

`FourierFeatures` writes ops of the graph level, `CoordinateMlp` is a macro of the language, `Sinusoid` is an op of its
own with semantics in numpy and the ops that it is lowered to. neuralc imports this file when a model names one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.plugins import Add, Arguments, Array, OpPlugin
from neuralc.dialects.types import ShapeError, element_of, is_float, shape_of, tensor_type
from neuralc.frontends.nr.site import Site
from neuralc.grammar.binding import Bound
from neuralc.grammar.parameters import Parameter, Real, Whole
from neuralc.grammar.plugins import LayerPlugin
from neuralc.grammar.signatures import Signature

# --- a layer that writes graph ops -----------------------------------------------------------------------------------


def fourier_features(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """[cos(x B), sin(x B)] with random frequencies B that training leaves alone."""
    count = shape_of(x.type)[-1]
    if not isinstance(count, int):
        raise ShapeError(f"the number of coordinates must be a number, it is {count}")
    frequencies = site.weight("frequencies", (count, arguments["features"]), x, "random_normal", trainable=False)
    angles = site.add(graph.MatmulOp.of(x, frequencies), "angles")
    parts = [site.add(op.of(angles), name) for name, op in (("cos", graph.CosOp), ("sin", graph.SinOp))]
    return site.add(graph.ConcatOp.of(*parts, axis=-1))


FOURIER_FEATURES = LayerPlugin(
    Signature(
        "FourierFeatures",
        (Parameter("features", Whole(1), doc="number of frequencies; the result has twice as many channels"),),
        "Tancik et al. 2020, Fourier Features Let Networks Learn High Frequency Functions, eq. 4",
        "cosine and sine of random projections of the coordinates",
        shapes="(batch, ..., n) -> (batch, ..., 2 * features)",
        example="input: (2) layers: FourierFeatures(16)",
    ),
    lower=fourier_features,
)

# --- a layer that is a macro -----------------------------------------------------------------------------------------
COORDINATE_MLP = LayerPlugin(
    Signature(
        "CoordinateMlp",
        (
            Parameter("units", Whole(1), doc="width of each layer"),
            Parameter("depth", Whole(1), 2, "number of layers"),
        ),
        "Tancik et al. 2020",
        "dense layers with ReLU",
        shapes="(batch, ..., n) -> (batch, ..., units)",
        example="input: (2) layers: CoordinateMlp(64)",
    ),
    expansion='define CoordinateMlp(units, depth) { Dense(units, "relu") * depth }',
)


# --- an op with semantics and lowering, and the layer that uses it ---------------------------------------------------
def _infer(types: Sequence[Attribute], arguments: Arguments) -> Sequence[Attribute]:
    (x,) = types
    if not is_float(element_of(x)):
        raise ShapeError(f"a sinusoid is taken of floats, not of {element_of(x)}")
    return [x]


def _semantics(arguments: Arguments, x: Array) -> Array:
    return np.sin(arguments["omega"] * x)


def _lower(add: Add, arguments: Arguments, x: SSAValue) -> SSAValue:
    omega = add(graph.ConstantOp.of(result=tensor_type((), element_of(x.type)), value=arguments["omega"]))
    return add(graph.SinOp.of(add(graph.MulOp.of(x, omega))))


SINUSOID_OP = OpPlugin(_infer, _semantics, _lower)


def sinusoid(site: Site, arguments: Bound, x: SSAValue) -> Any:
    """The op, under the name of its entry point."""
    return site.op("sinusoid", x, omega=arguments["omega"])


SINUSOID = LayerPlugin(
    Signature(
        "Sinusoid",
        (Parameter("omega", Real(0, open_low=True), 30.0, "the frequency"),),
        "Sitzmann et al. 2020, Implicit Neural Representations with Periodic Activation Functions",
        "sin(omega * x)",
        shapes="any shape, kept",
        example="input: (2) layers: Sinusoid(30.0)",
    ),
    lower=sinusoid,
)
