"""What values are called: the module that makes them, else the op, numbered by the builder where a name is taken."""

from __future__ import annotations

from neuralc.frontends.torch.program import Call


def value_name(call: Call) -> str:
    """`conv1` for what the layer `stem.conv1` gives; `softmax` for what a function gives."""
    frame = call.frames[-1] if call.frames else None
    if frame is not None and frame.path and is_layer(frame.kind):
        parts = frame.path.split(".")
        named = [part for part in parts if not part.isdigit()]
        last = parts[-1] if not parts[-1].isdigit() else f"{named[-1]}_{parts[-1]}" if named else ""
        if last:
            return last
    return call.base.rpartition(".")[2].strip("_") or call.name


def is_layer(kind: str) -> bool:
    """True for a layer of torch itself, which is one op here, as opposed to a block of them."""
    return kind.startswith("torch.nn.modules.") and kind.rpartition(".")[2] not in BLOCKS


BLOCKS = (
    "MultiheadAttention", "Transformer", "TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder",
    "TransformerDecoderLayer", "Sequential", "ModuleList", "ModuleDict",
)  # fmt: skip
"""Classes of torch.nn that hold several layers."""
