"""What acts in training only and is the value itself at inference: noise of several kinds, and a term of the loss.

| op                        | in training | source |
|---------------------------|-------------|--------|
| graph.dropout             | values are dropped, or multiplied by noise around 1 | Srivastava et al. 2014; Keras |
| graph.gaussian_noise      | x + n, n normal around 0 | Keras GaussianNoise |
| graph.activity_regularizer | adds a penalty of the values to the loss | Keras ActivityRegularization |

They stand in the module until graph-specialize-inference, so that code that trains can be made of it. `seed` makes the
noise reproducible; without one it is another in each run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.graph.shapes import require_float
from neuralc.dialects.syntax import IntsAttr, PlainOp
from neuralc.dialects.types import ShapeError, shape_of

DROPOUTS = ("zeros", "alpha", "gaussian")


class TrainingOp(PlainOp):
    """The value itself, but for what training does with it."""

    x = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        require_float(cls.name, types)
        cls.check(len(shape_of(types[0])), **properties)
        return types[0]

    @classmethod
    def check(cls, rank: int, **properties: Any) -> None:
        """Raises ShapeError for properties that a value of this rank cannot have."""


@irdl_op_definition
class DropoutOp(TrainingOp):
    """In training drops a fraction `rate` of the values and scales the rest; the value itself at inference.

    | kind     | in training |
    |----------|-------------|
    | zeros    | x * k / (1 - rate), k of Bernoulli(1 - rate); 0 where rate is 1 (Srivastava et al. 2014) |
    | alpha    | a * (x * k + alpha' * (1 - k)) + b, mean and variance stay (Klambauer et al. 2017) |
    | gaussian | x * n, n of mean 1 and variance rate / (1 - rate) (Srivastava et al. 2014, section 10) |

    Along the axes `shared` one choice stands for all places: SpatialDropout2D shares height and width.
    """

    name = "graph.dropout"
    kind = prop_def(StringAttr)
    rate = prop_def(FloatAttr)
    shared = prop_def(IntsAttr)
    seed = opt_prop_def(IntegerAttr)
    DEFAULTS: ClassVar = {"kind": "zeros", "shared": ()}
    KINDS: ClassVar = {"rate": 0.5}

    @classmethod
    def check(cls, rank: int, **properties: Any) -> None:
        kind, rate, shared = properties["kind"], properties["rate"], properties["shared"]
        if kind not in DROPOUTS:
            raise ShapeError(f"the kind of a dropout is one of {', '.join(DROPOUTS)}, not {kind}")
        if not 0.0 <= rate <= 1.0 or (rate == 1.0 and kind != "zeros"):
            raise ShapeError(f"dropout rate {rate} is outside [0, 1{']' if kind == 'zeros' else ')'}")
        if sorted(set(shared)) != list(shared) or any(not 0 <= axis < rank for axis in shared):
            raise ShapeError(f"shared axes {list(shared)} are not some of {rank} dims in order")
        if kind == "gaussian" and shared:
            raise ShapeError("gaussian dropout shares no axes")


@irdl_op_definition
class GaussianNoiseOp(TrainingOp):
    """In training adds values of a normal distribution around 0 with the deviation `stddev` (Keras GaussianNoise)."""

    name = "graph.gaussian_noise"
    stddev = prop_def(FloatAttr)
    seed = opt_prop_def(IntegerAttr)
    KINDS: ClassVar = {"stddev": 0.5}

    @classmethod
    def check(cls, rank: int, **properties: Any) -> None:
        if properties["stddev"] < 0.0:
            raise ShapeError(f"a deviation of {properties['stddev']}")


@irdl_op_definition
class ActivityRegularizerOp(TrainingOp):
    """In training adds (l1 * sum(|x|) + l2 * sum(x * x)) / batch to the loss (Keras ActivityRegularization)."""

    name = "graph.activity_regularizer"
    l1 = prop_def(FloatAttr)
    l2 = prop_def(FloatAttr)
    DEFAULTS: ClassVar = {"l1": 0.0, "l2": 0.0}

    @classmethod
    def check(cls, rank: int, **properties: Any) -> None:
        if min(properties["l1"], properties["l2"]) < 0.0:
            raise ShapeError("the weights of a regularizer are at least 0")
