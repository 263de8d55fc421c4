"""Codes W: warnings and notes."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "W0201": Code(
        "macro hides a layer",
        "A macro of the name of a layer takes its place in this file.",
        "define Dense(n) { Output(n) } network M { input: (8) layers: Dense(3) }",
    ),
    "W0202": Code(
        "unused name",
        "A name is given and never used. Its layer runs all the same, as part of the chain. A name that begins with "
        "`_` may stay unused: `y, _h, c = LSTM(8, return_state=true)`.",
        "network M { input: (8) layers: a = Dense(3) Dense(2) }",
    ),
    "W0203": Code(
        "empty branch",
        "A branch without layers gives what it gets.",
        "network M { input: (8) layers: left: { } right: { Dense(8) } Add() }",
    ),
    "W0204": Code(
        "layer without a definition",
        "A name that ends in `Layer` may be a layer that a plugin brings. None is installed, so the model can be "
        "looked at, and is refused where it would have to be compiled.",
        "network M { input: (8) layers: MyLayer(size=3) }",
    ),
    "W0205": Code(
        "a branch goes on from another",
        "A branch whose name is that of a value starts from this value. Where the value is the result of a branch, the "
        "two stand one after the other, not side by side.",
        "network M { input: (8) layers: a: { Dense(3) } b: { Dense(3) } Add() a: { Dense(4) } b: { Dense(4) } Add() }",
    ),
    "W0301": Code(
        "fraction taken as a whole number",
        "The parameter is a whole number; one that was written with a fraction of zero is taken.",
        "network M { input: (8) layers: Dense(256.0) }",
    ),
    "W0302": Code(
        "one value of a search is used",
        "Where one value is needed, a choice gives its first and a range its low end. `--set name=value` takes another "
        "one.",
        "network M { input: (8) layers: Dense(HPO(choice(4, 8))) }",
    ),
    "W0303": Code(
        "the loss does not fit the output",
        "Cross-entropies take probabilities, or logits when `from_logits=true` says so; an output that is neither, or "
        "that has one class to choose from, learns nothing useful.",
        'network M { input: (8) layers: Dense(3, "softmax") loss: categorical_crossentropy(from_logits=true) }',
    ),
    "W0401": Code(
        "Dense on an image",
        "Dense works on the last axis, as in Keras. On an image that is the channels of each pixel; Flatten before it "
        "takes all pixels together.",
        "network M { input: (8, 8, 3) layers: Dense(4) }",
    ),
    "W0402": Code(
        "sizes made equal",
        "Two sizes with different names have to be equal for a layer to fit. They are taken to be one size: a run in "
        "which they differ is refused. Give them one name, and the message goes.",
        "network M { input: { a: (S, 8), b: (T, 8) } layers: Add(a, b) }",
    ),
    "W0403": Code(
        "nothing to merge",
        "A merge got one value, which passes as it is. After branches it takes their results; otherwise name its "
        "values: `Add(a, b)`.",
        "network M { input: (8) layers: Add() Dense(3) }",
    ),
    "W0404": Code(
        "window larger than its input",
        "Without padding a window has to lie inside its input. There is no such place for this one, so the result has "
        'no elements, and no layer can follow. A smaller window fits, and so does `padding="same"`.',
        "network M { input: (8, 8, 3) layers: Conv2D(4, 9) }",
    ),
    "W0405": Code(
        "shortcut changes the shape",
        "The block of a `Residual` changes the shape, so its input is brought to the new one by a 1x1 convolution "
        "(He et al. 2016, eq. 2), after a crop to the center where the block took the borders away. "
        '`shortcut="projection"` says that this is meant, `shortcut="identity"` makes it an error. After the block of '
        "a transformer layer a dense map leads back.",
        "network M { input: (8) layers: Residual { Dense(3) } }",
    ),
    "W0407": Code(
        "sequence without a batch",
        "A layer over sequences (batch, steps, features) got a value of two axes. As PyTorch does, it takes it as one "
        "sequence without a batch: the first axis are the steps. Name the steps for a batch of sequences: `(S, 512)`.",
        "network M { input: (8) layers: Attention() }",
    ),
    "W0410": Code(
        "fewer groups",
        "A group normalization has more groups than there are channels. Each channel is a group of its own then, where "
        "Keras has an error.",
        "network M { input: (8, 8, 3) layers: GroupNormalization(groups=32) Flatten() Dense(3) }",
    ),
    "W0501": Code(
        "untrained weights",
        "The model names no weights: it starts from reproducible random ones, by `init: seed(0)` or the default seed.",
        "network M { input: (8) layers: Dense(4) }",
    ),
    "W0502": Code(
        "weights of another framework",
        "The file has the names that Keras or PyTorch give the weights of layers with these names, or those of the "
        "code that neuralc writes for the model. They are read with the layouts of that framework: transposed, gates "
        "in our order, two biases added.",
        "$ neuralc model.nr --weights from_pytorch.safetensors",
    ),
    "W0601": Code(
        "training that the language does not describe",
        "A model of another framework was compiled with a loss, an optimizer or metrics that the language has no words "
        "for. They are left out; runs do not depend on them.",
        "$ neuralc custom_loss.keras",
    ),
    "W0602": Code(
        "weights that were shared",
        "A layer of Keras stands in a model and in another one that is called within it. Runs are the same, but its "
        "weights are kept twice, and training would change each on its own.",
        "$ neuralc layer_in_two_models.keras",
    ),
    "W0631": Code(
        "a condition on sizes that is not checked",
        "torch.export has assumed something of open sizes that neuralc does not understand. The model is right for "
        "sizes that meet the condition; no run refuses others.",
        ">>> neuralc.from_torch(WithACondition(), (torch.zeros(6, 4),), dynamic={'x': {0: 'length'}})",
    ),
    "W0701": Code(
        "placement without effect",
        "Devices of single layers are checked, and no more: the whole model runs on one target.",
        'network M { input: (8) layers: Dense(4) @ "cuda:0" }',
    ),
    "W0702": Code(
        "execution without effect",
        "What `execution` says is checked and kept. Its target and threads are defaults of the command line; a device, "
        "or a precision that the model does not have anyway, is not followed.",
        'network M { input: (8) layers: Dense(4) execution { precision: "bf16" } }',
    ),
}
