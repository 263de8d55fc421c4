"""PyTorch, as the shared parts of the emitters see it: nn layers in attributes, channels at axis 1."""

from __future__ import annotations

from collections.abc import Mapping

from neuralc.emit.layouts import Order
from neuralc.emit.python.expressions import Expression, method
from neuralc.emit.python.form import Form
from neuralc.emit.torch.layers import layer_of
from neuralc.emit.torch.lower_states import with_states
from neuralc.emit.torch.lowering import LOWERINGS, WITHOUT_CODE
from neuralc.emit.torch.orders import demanded_order, made_order
from neuralc.emit.torch.reserved import CLASS_NAMES, LOCAL_NAMES, MODULE_ATTRIBUTES

POSITIONAL = {
    "nn.AlphaDropout": ("p",),
    "nn.BatchNorm": ("num_features",),
    "nn.Conv": ("in_channels", "out_channels"),
    "nn.ConvTranspose": ("in_channels", "out_channels"),
    "nn.Dropout": ("p",),
    "nn.Embedding": ("num_embeddings", "embedding_dim"),
    "nn.FeatureAlphaDropout": ("p",),
    "nn.GRU": ("input_size", "hidden_size"),
    "nn.GroupNorm": ("num_groups", "num_channels"),
    "nn.LSTM": ("input_size", "hidden_size"),
    "nn.LayerNorm": ("normalized_shape",),
    "nn.Linear": ("in_features", "out_features"),
    "nn.PReLU": ("num_parameters",),
    "nn.RMSNorm": ("normalized_shape",),
    "nn.RNN": ("input_size", "hidden_size"),
}

_WINDOW = {"stride": "1", "padding": "0", "dilation": "1", "groups": "1"}
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "nn.BatchNorm": {"eps": "1e-5", "momentum": "0.1"},
    "nn.LayerNorm": {"eps": "1e-5"},
    "nn.Conv": _WINDOW,
    "nn.ConvTranspose": {**_WINDOW, "output_padding": "0"},
}


def _permuted(x: Expression, axes: Order) -> Expression:
    moved = [place for place, axis in enumerate(axes) if place != axis]
    return method(x, "transpose", *moved) if len(moved) == 2 else method(x, "permute", *axes)


FORM = Form(
    name="PyTorch",
    layer_of=layer_of,
    demanded_order=demanded_order,
    made_order=made_order,
    lowerings=LOWERINGS,
    with_states=with_states,
    without_code=WITHOUT_CODE,
    permuted=_permuted,
    local_names=LOCAL_NAMES,
    class_names=CLASS_NAMES,
    attribute_names=MODULE_ATTRIBUTES,
    positional=POSITIONAL,
    inner={"out_channels": "hidden", "out_features": "hidden"},
    halves={"padding": "kernel_size"},
    defaults=DEFAULTS,
    channel_options=frozenset({"groups"}),
)
