"""What values are called: by the path of the layer that makes them, else by the module around them and the op."""

from __future__ import annotations

from collections.abc import Iterator

from neuralc.frontends.torch.program import Call
from neuralc.passes.scopes import Scope

LAYERS = "torch.nn.modules."
"""What the classes of torch's own layers begin with."""

BLOCKS = (
    "MultiheadAttention", "Transformer", "TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder",
    "TransformerDecoderLayer", "Sequential", "ModuleList", "ModuleDict",
)  # fmt: skip
"""Classes of torch.nn that hold several layers."""


def value_name(call: Call) -> str:
    """`layer1.0.conv1` for what that layer gives; `layer1.0.add` for what a function gives in the block around it."""
    frame = call.frames[-1] if call.frames else None
    if frame is not None and frame.path and is_layer(frame.kind):
        return frame.path
    word = call.base.rpartition(".")[2].strip("_") or call.name
    return f"{frame.path}.{word}" if frame is not None and frame.path else word


def is_layer(kind: str) -> bool:
    """True for a layer of torch itself, which is one op here, as opposed to a block of them."""
    return kind.startswith(LAYERS) and kind.rpartition(".")[2] not in BLOCKS


def scopes(call: Call) -> Iterator[Scope]:
    """The modules around a call, the outermost first, without the program itself."""
    for frame in call.frames:
        if frame.path:
            yield Scope(frame.path, frame.kind.rpartition(".")[2])
