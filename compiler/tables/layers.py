"""The layers of the language by family, and the graph ops that the front end writes for those it compiles."""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES: Mapping[str, str] = {
    "core": "Dense Output Flatten Reshape Permute RepeatVector Activation Lambda Masking Embedding PositionalEncoding "
    "Identity",
    "preprocessing": "Rescaling Normalization Resizing CenterCrop Cast",
    "convolution": "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose SeparableConv1D "
    "SeparableConv2D DepthwiseConv1D DepthwiseConv2D",
    "pooling": "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D "
    "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalAveragePooling1D GlobalAveragePooling2D "
    "GlobalAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D AdaptiveAveragePooling1D "
    "AdaptiveAveragePooling2D AdaptiveAveragePooling3D",
    "shape": "UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D "
    "Cropping3D",
    "normalization": "BatchNormalization LayerNormalization InstanceNormalization GroupNormalization RMSNormalization "
    "UnitNormalization",
    "regularization": "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianNoise GaussianDropout "
    "AlphaDropout ActivityRegularization",
    "activations": "ReLU LeakyReLU PReLU ELU CELU SELU GELU SiLU Mish Sigmoid LogSigmoid Tanh Softmax LogSoftmax "
    "Softplus Softsign HardSigmoid HardSwish ReLU6 Hardtanh Hardshrink Softshrink Tanhshrink Threshold GLU Exponential "
    "Linear",
    "recurrent": "SimpleRNN LSTM GRU SimpleRNNCell LSTMCell GRUCell ConvLSTM1D ConvLSTM2D ConvLSTM3D ConvGRU2D RNN "
    "Bidirectional TimeDistributed",
    "attention": "Attention AdditiveAttention MultiHeadAttention GroupedQueryAttention RotaryEmbedding "
    "TransformerEncoder TransformerDecoder Transformer AxialAttention NonLocalBlock",
    "blocks": "Residual ResidualConnection Inception SqueezeExcitation Capsule SpatialTransformer",
    "graph networks": "GraphConv GraphAttention",
    "merge": "Add Subtract Multiply Average Maximum Minimum Concatenate Dot",
    "special": "DynamicLayer QuantumLayer ProbabilisticDense",
}
"""Family -> layers, as the language lists them."""

ARGUMENTS: Mapping[str, str] = {
    "Dense": "(4)", "Output": "(4)", "Activation": '("relu")', "Conv2D": "(4, 3)", "DepthwiseConv2D": "(3)",
    "Residual": " { Conv2D(4, 1) }", "ResidualConnection": " { Conv2D(4, 1) }", "Dropout": "(0.5)",
}  # fmt: skip
"""What an example of a layer needs in its parentheses."""


def compiled() -> set[str]:
    """The layers that the front end has."""
    from neuralc.frontends.nr.layers import LOWERINGS

    return {*LOWERINGS, "Residual", "ResidualConnection"}


def graph_ops(layer: str) -> list[str]:
    """The graph ops of an example of a layer, in their order. Raises NeuralcError where it does not compile."""
    from neuralc.dialects.graph import the_model
    from neuralc.frontends.nr.load import load
    from neuralc.grammar.diagnostics import Source
    from neuralc.grammar.signatures import find

    signature = find(layer)
    body = f"input: (8, 8, 4) layers: {layer}{ARGUMENTS.get(layer, '()')}"
    if signature is not None and signature.example:
        body = signature.example
    text = f"network Example {{ {body} }}"
    block = the_model(load(Source("example.nr", text)).module).block
    names = [op.name.partition(".")[2] for op in block.ops]
    return list(dict.fromkeys(name for name in names if name not in ("get_weight", "return")))
