"""Codes E05: weights."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "E0501": Code(
        "cannot read the weights",
        "The weights file is missing or may not be read. A path in a model is relative to the model's file.",
        'network M { input: (8) layers: Dense(3) weights: "missing.safetensors" }',
    ),
    "E0502": Code(
        "weights do not fit the model",
        "The file lacks weights, has others, or has them in another shape or type. All differences are listed at once.",
        "$ neuralc model.nr --weights other.safetensors",
    ),
    "E0503": Code(
        "not a safetensors file",
        "The file is truncated, damaged, or of another format. Export weights as safetensors.",
        "$ neuralc model.nr --weights model.nr",
    ),
    "E0504": Code(
        "no values for a weight",
        "The model reads a weight that its weight file does not hold, or holds in another shape.",
        "$ neuralc run graph.mlir --input x.npy",
    ),
    "E0505": Code(
        "weights too large",
        "The initial weights do not fit into memory.",
        "network M { input: (2000000000) layers: Dense(2000000000) }",
    ),
}
