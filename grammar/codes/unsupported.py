"""Codes E07: what is not supported."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "E0701": Code(
        "an op has no form in loops",
        "The op is valid on the graph level, and the compiler has no code for it in this form: a size it needs is only "
        "known when the model runs, or a pass that removes it did not run. The message says which.",
        "$ neuralc model_with_an_antialiased_resize_of_symbolic_size.mlir",
    ),
    "E0702": Code(
        "parameter without meaning yet",
        "The layer has this parameter; this version of neuralc does not compile it yet.",
        "network M { input: (8) layers: BatchNormalization(synchronized=true) }",
    ),
    "E0703": Code(
        "construct without meaning yet",
        "The language has this construct; this version of neuralc does not compile it yet.",
        '>>> neuralc.compile("model.nr", precision="bf16")',
    ),
    "E0704": Code(
        "layer without a definition",
        "The model holds layers of which only the name is known: no plugin brings them, so nobody can compute them. "
        "Such a model can be looked at with `neuralc inspect` and `--emit=graph`.",
        "$ echo 'network M { input: (8) layers: MyLayer() Dense(3) }' > m.nr; neuralc m.nr",
    ),
    "E0705": Code(
        "plugin that does not work",
        "A package that brings a layer or an op fails when it is imported, or what its entry point names is something "
        "else. The note has the reason; the package has to be mended or removed.",
        "$ neuralc model_with_a_broken_plugin.nr",
    ),
}
