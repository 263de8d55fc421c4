"""What acts in training only: Keras's layers of dropout, noise and penalties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import ActivityRegularizerOp, DropoutOp, GaussianNoiseOp
from neuralc.dialects.types import shape_of
from neuralc.emit.keras.orders import dropped_channel
from neuralc.emit.python.expressions import Value, call
from neuralc.emit.python.plan import LayerSpec


def _dropout(op: DropoutOp) -> LayerSpec:
    kind, rank = op.literal("kind"), len(shape_of(op.x.type))
    name = {"zeros": "Dropout", "alpha": "AlphaDropout", "gaussian": "GaussianDropout"}[kind]
    options: dict[str, Value] = {}
    if dropped_channel(op) is not None:
        name = f"SpatialDropout{rank - 2}D"
    elif op.literal("shared"):
        options["noise_shape"] = tuple(1 if axis in op.literal("shared") else None for axis in range(rank))
    return _noise("dropout", name, op.literal("rate"), op, options)


def _gaussian_noise(op: GaussianNoiseOp) -> LayerSpec:
    return _noise("gaussian_noise", "GaussianNoise", op.literal("stddev"), op, {})


def _noise(
    kind: str, name: str, amount: float, op: DropoutOp | GaussianNoiseOp, options: dict[str, Value]
) -> LayerSpec:
    if "seed" in op.properties:
        options["seed"] = op.literal("seed")
    return LayerSpec(kind, call(f"layers.{name}", amount, **options))


def _activity_regularizer(op: ActivityRegularizerOp) -> LayerSpec:
    given: dict[str, Value] = {name: op.literal(name) for name in ("l1", "l2") if op.literal(name)}
    return LayerSpec("activity_regularization", call("layers.ActivityRegularization", **given))


TRAINING: Mapping[type[Operation], Callable[[Any], LayerSpec | None]] = {
    ActivityRegularizerOp: _activity_regularizer,
    DropoutOp: _dropout,
    GaussianNoiseOp: _gaussian_noise,
}
