"""Keras, as the shared parts of the emitters see it: layers in attributes, channels last, sequences batch first.

A file mixes two styles. `functional` (functional.py): a function applies layers, as in keras.applications, and the
model is a keras.Model of what it made. Such a model has a summary, gives its values inside, and loads from its own
file without custom objects; a block that is applied once a place is a function too. `class`: a keras.layers.Layer with
what it holds as attributes. It is written for what the functional style cannot say: weights that no layer has, a block
applied twice with the same weights, sizes that only a run knows, control flow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.control import Control
from neuralc.dialects.graph import ArgMaxPoolOp, ConcatOp, TrainingOp
from neuralc.dialects.types import shape_of
from neuralc.emit.keras.layers import layer_of
from neuralc.emit.keras.lowering import LOWERINGS, WITHOUT_CODE
from neuralc.emit.keras.orders import BATCH_FIRST, demanded_order
from neuralc.emit.keras.recurrent import pair_of
from neuralc.emit.keras.reserved import LAYER_ATTRIBUTES, LOCAL_NAMES
from neuralc.emit.keras.states import kept
from neuralc.emit.keras.style import KerasForm
from neuralc.emit.keras.weight_arguments import completed
from neuralc.emit.layouts import Order
from neuralc.emit.python.expressions import Expression, call
from neuralc.emit.python.plan import LayerSpec
from neuralc.emit.refusals import Refusals

_FILTERS = ("filters", "kernel_size")
POSITIONAL: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("layers.Conv", "layers.ConvTranspose"), _FILTERS),
    **dict.fromkeys(("layers.Dense", "layers.LSTM", "layers.GRU", "layers.SimpleRNN"), ("units",)),
    **{f"layers.{kind}Dropout": ("rate",) for kind in ("", "Alpha", "Gaussian", "Spatial")},
    "layers.Bidirectional": ("layer",),
    "layers.DepthwiseConv": ("kernel_size",),
    "layers.EinsumDense": ("equation", "output_shape"),
    "layers.Embedding": ("input_dim", "output_dim"),
    "layers.GaussianNoise": ("stddev",),
    "layers.GroupNormalization": ("groups",),
}
"""Without the number of dims."""

_WINDOW = {"strides": "1", "padding": '"valid"', "dilation_rate": "1"}
DEFAULTS = {"layers.Conv": _WINDOW, "layers.ConvTranspose": _WINDOW, "layers.DepthwiseConv": _WINDOW}


def keras_form(forms: Callable[..., Mapping[str, KerasForm]]) -> KerasForm:
    """The style of classes; `forms` chooses between it and the functional style, class by class."""
    return KerasForm(
        name="Keras",
        layer_of=_layer_of,
        demanded_order=demanded_order,
        made_order=_made_order,
        lowerings=LOWERINGS,
        without_code=WITHOUT_CODE,
        permuted=_permuted,
        local_names=LOCAL_NAMES,
        class_names=frozenset(),
        attribute_names=LAYER_ATTRIBUTES,
        positional=POSITIONAL,
        completed=completed,
        optional_layers=True,
        parameter=_parameter,
        inner={"filters": "hidden", "units": "hidden"},
        defaults=DEFAULTS,
        forms=forms,
        keeps=kept,
    )


def _layer_of(op: Operation, refusals: Refusals) -> LayerSpec | None:
    """The layer of an op; a loop has no layers of its own, which would be built inside of it."""
    inside = isinstance(op.parent_op(), Control)
    return None if inside and not isinstance(op, TrainingOp) else layer_of(op, refusals)


def _permuted(x: Expression, axes: Order) -> Expression:
    if axes == tuple(reversed(range(len(axes)))):
        return call("ops.transpose", x)
    return call("ops.transpose", x, axes)


def _parameter(layer: str, path: str) -> str:
    """A weight of a layer by its path in it: `lstm_cell/kernel` is `self.lstm.cell.kernel`."""
    *inside, name = path.split("/")
    names = [f"{part.partition('_')[0]}_layer" if "_cell" not in part else "cell" for part in inside]
    return ".".join([layer, *names, name])


def _made_order(value: SSAValue) -> Order | None:
    """Pools give channels last, a layer of both directions its outputs with the batch in front."""
    if isinstance(value.owner, ArgMaxPoolOp):
        return demanded_order(value.owner)
    if not isinstance(value.owner, ConcatOp) or len(shape_of(value.type)) != 3:
        return None
    return None if pair_of(value.owner) is None else BATCH_FIRST
