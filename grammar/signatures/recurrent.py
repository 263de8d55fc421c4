"""Recurrent layers, their cells, and the wrappers that walk along a sequence."""

from __future__ import annotations

from dataclasses import replace

from neuralc.grammar.parameters import (
    ALayer,
    Flag,
    NotYet,
    OneOf,
    Optional,
    Parameter,
    Parameters,
    Real,
    Several,
    Tuple,
    Whole,
)
from neuralc.grammar.signatures.base import (
    ACTIVATION,
    ACTIVITY_REGULARIZER,
    BIAS_INIT,
    FORMAT,
    INITIALIZER,
    KERNEL_INIT,
    PADDING,
    USE_BIAS,
    Inputs,
    Signature,
    constraint,
    p,
    regularizer,
)
from neuralc.grammar.signatures.spatial import AXES, PLACES
from neuralc.grammar.training.kinds import Either

# --- parameters ------------------------------------------------------------------------------------------------------
UNITS = Parameter("units", Whole(1), doc="size of the state and of the result")
TANH = p("activation", ACTIVATION, "tanh", "function of the new values")
SIGMOID = p("recurrent_activation", ACTIVATION, "sigmoid", "function of the gates")
RECURRENT_INIT = p("recurrent_initializer", INITIALIZER, "orthogonal", "how an untrained recurrent kernel starts")
INITIALIZERS: Parameters = (KERNEL_INIT, RECURRENT_INIT, BIAS_INIT)
FORGET_BIAS = p("unit_forget_bias", Flag(), True, "an untrained bias of the forget gate starts at 1")
REGULARIZERS: Parameters = (
    regularizer("kernel"),
    replace(regularizer("recurrent"), doc="what training adds to the loss for the recurrent kernel"),
    regularizer("bias"),
)
CONSTRAINTS: Parameters = (
    constraint("kernel"),
    replace(constraint("recurrent"), doc="what training brings the recurrent kernel to after a step"),
    constraint("bias"),
)
RATE = Real(0, 1, open_high=True)
DROPOUT: Parameters = (
    p("dropout", RATE, 0.0, "fraction of the input that training drops, the same features at all steps"),
    p("recurrent_dropout", RATE, 0.0, "fraction of the state that training drops, the same units at all steps"),
)
SEED = p("seed", Optional(Whole()), None, "seed of what training drops")
RESET_AFTER = p("reset_after", Flag(), True, "the reset gate acts after the product with the recurrent kernel")
RECURRENT_BIAS = p(
    "recurrent_bias",
    Flag(),
    False,
    "the product with the recurrent kernel has a bias of its own, as PyTorch's layers have",
)
IMPLEMENTATION = p(
    "implementation", Whole(1, 2), 2, "with 1 training drops other features for each gate; the same at inference"
)
RETURNS: Parameters = (
    p("return_sequences", Flag(), False, "give the output of every step, not of the last one alone"),
    p("return_state", Flag(), False, "give the last states too, after the output"),
)
BACKWARDS = p("go_backwards", Flag(), False, "walk from the last step to the first; outputs come in that order")
STATEFUL = p("stateful", Flag(), False, "a run starts from the states that the run before it ended with")
UNROLL = p("unroll", Flag(), False, "about speed in Keras: the values are the same")
CUDNN = p("use_cudnn", Either(Flag(), OneOf(("auto",))), "auto", "about speed in Keras: the values are the same")
ZERO_OUTPUT = p("zero_output_for_mask", Flag(), False, "the output of a step that the mask leaves out is 0")
WALK: Parameters = (*RETURNS, BACKWARDS, STATEFUL)

SEQUENCE = Inputs(("x",), ("mask", "initial_state"), ("initial_state",))
STEP = Inputs(("x",), ("states",), ("states",))

LAYERS = ("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "ConvGRU2D")
"""What `Bidirectional` takes."""


# --- layers of units -------------------------------------------------------------------------------------------------
def _layer(name: str, doc: str, gates: Parameters, end: Parameters) -> Signature:
    return Signature(
        name,
        (UNITS, TANH, *gates, *REGULARIZERS, ACTIVITY_REGULARIZER, *CONSTRAINTS, *DROPOUT, *end, ZERO_OUTPUT),
        f"Keras 3 {name}",
        f"{doc}. At steps that a mask leaves out, states stay and the output before is repeated",
        inputs=SEQUENCE,
        shapes="(batch, steps, features) -> (batch, units); (batch, steps, units) with return_sequences",
        masking="handle",
        example=f"input: (12, 8) layers: {name}(16, return_sequences=true) {name}(16) Dense(4)",
    )


def _cell(name: str, doc: str, gates: Parameters, end: Parameters) -> Signature:
    return Signature(
        name,
        (UNITS, TANH, *gates, *REGULARIZERS, *CONSTRAINTS, *DROPOUT, *end),
        f"Keras 3 {name}",
        f"one step from states of 0, or from `states`, whose next ones it then gives too: {doc}. "
        f"On a sequence it is `RNN({name}(...))`",
        inputs=STEP,
        shapes="(batch, features) -> (batch, units); (batch, steps, features) -> (batch, units)",
        masking="handle",
        example=f"input: (8) layers: {name}(16) Dense(4)",
    )


PLAIN: Parameters = (USE_BIAS, *INITIALIZERS)
GATED: Parameters = (SIGMOID, USE_BIAS, *INITIALIZERS)
FORGETFUL: Parameters = (*GATED, FORGET_BIAS)

RNN_DOC = "h' = activation(x W + h R + b)"
LSTM_DOC = "i, f, o = sigmoid(x W + h R + b), c' = f c + i tanh(x W + h R + b), h' = o tanh(c')"
GRU_DOC = "z, r = sigmoid(x W + h R + b), n = tanh(x W + b + r (h R + b')), h' = z h + (1 - z) n"

WALKS = (
    _layer("SimpleRNN", RNN_DOC, PLAIN, (*WALK, UNROLL, SEED, RECURRENT_BIAS)),
    _layer("LSTM", LSTM_DOC, FORGETFUL, (SEED, *WALK, UNROLL, CUDNN, IMPLEMENTATION, RECURRENT_BIAS)),
    _layer("GRU", GRU_DOC, GATED, (SEED, *WALK, UNROLL, RESET_AFTER, CUDNN, IMPLEMENTATION)),
)
RNN = Signature(
    "RNN",
    (
        Parameter(
            "cell", Several(ALayer()), doc="a cell, or a list of cells that stand on each other; a network is one too"
        ),
        *WALK,
        UNROLL,
        ZERO_OUTPUT,
    ),
    "Keras 3 RNN",
    "a cell along a sequence. A network is a cell whose first input is that of a step and whose others are states: it "
    "gives its output and then the next value of each state. At steps that a mask leaves out, states stay and the "
    "output before is repeated. Weights are `kernel`, ..; those of several cells `0.kernel`, .., `1.kernel`, ..",
    inputs=SEQUENCE,
    shapes="(batch, steps, features) -> (batch, units); (batch, steps, units) with return_sequences",
    masking="handle",
    example="input: (12, 8) layers: RNN([LSTMCell(16), LSTMCell(8)], return_sequences=true) RNN(GRUCell(4))",
)
CELLS = (
    _cell("SimpleRNNCell", RNN_DOC, PLAIN, (SEED,)),
    _cell("LSTMCell", LSTM_DOC, FORGETFUL, (SEED, IMPLEMENTATION)),
    _cell("GRUCell", GRU_DOC, GATED, (RESET_AFTER, SEED, IMPLEMENTATION)),
    Signature(
        "StackedRNNCells",
        (Parameter("cells", Several(ALayer()), doc="the cells, the first one reads the input"),),
        "Keras 3 StackedRNNCells",
        "cells that stand on each other as one cell: each reads what the one below gives",
        inputs=STEP,
        shapes="(batch, features) -> (batch, units of the last cell)",
        masking="handle",
        example="input: (12, 8) layers: RNN(StackedRNNCells([LSTMCell(16), GRUCell(8)]))",
    ),
)


# --- layers of images ------------------------------------------------------------------------------------------------
def _conv_parameters(rank: int, forget: Parameters) -> Parameters:
    return (
        Parameter("filters", Whole(1), doc="channels of the state and of the result"),
        Parameter("kernel_size", Tuple(rank), doc=f"{AXES[rank]} of the windows over input and state"),
        TANH,
        p("strides", Tuple(rank), (1,) * rank, "step of the window over the input"),
        p("padding", PADDING, "valid", "`same` gives ceil(size / stride) places; the state is always padded so"),
        FORMAT,
        p("dilation_rate", Tuple(rank), (1,) * rank, "distance between the taps of the window over the input"),
        *GATED,
        *forget,
        *REGULARIZERS,
        ACTIVITY_REGULARIZER,
        *CONSTRAINTS,
        *DROPOUT,
        SEED,
        *WALK,
        UNROLL,
        ZERO_OUTPUT,
    )


def _conv(name: str, rank: int, source: str, doc: str, forget: Parameters) -> Signature:
    places = ", ".join(PLACES[rank])
    return Signature(
        name,
        _conv_parameters(rank, forget),
        source,
        doc,
        inputs=SEQUENCE,
        shapes=f"(batch, time, {places}, channels) -> (batch, {places}, filters); "
        f"(batch, time, {places}, filters) with return_sequences",
        masking="handle",
        example=f'input: (6, {", ".join(("8",) * rank)}, 3) layers: {name}(4, 3, padding="same")',
    )


CONVOLUTIONS = (
    *(
        _conv(
            f"ConvLSTM{rank}D",
            rank,
            f"Keras 3 ConvLSTM{rank}D",
            f"an LSTM whose maps are convolutions over {AXES[rank]}; those of the state keep its size",
            (FORGET_BIAS,),
        )
        for rank in (1, 2, 3)
    ),
    _conv(
        "ConvGRU2D",
        2,
        "Ballas et al. 2016, Delving Deeper into Convolutional Networks for Learning Video Representations: GRU-RCN",
        "a GRU whose maps are convolutions: z, r = sigmoid(W * x + U * h + b), n = tanh(W * x + U * (r h) + b), "
        "h' = (1 - z) h + z n. Parameters are those of ConvLSTM2D",
        (),
    ),
)

# --- wrappers --------------------------------------------------------------------------------------------------------
WRAPPERS = (
    Signature(
        "Bidirectional",
        (
            Parameter("layer", ALayer(LAYERS), doc="the layer that walks forward"),
            p(
                "merge_mode",
                Optional(OneOf(("concat", "sum", "mul", "ave"))),
                "concat",
                "how the two outputs become one",
            ),
            Parameter("weights", NotYet(), None),
            p("backward_layer", Optional(ALayer(LAYERS)), None, "the layer that walks backward; the same as `layer`"),
        ),
        "Keras 3 Bidirectional",
        "both ways along a sequence; the outputs of one step stand together, 0 where a mask leaves it out. Weights are "
        "`forward.kernel`, .., `backward.kernel`, ..",
        inputs=SEQUENCE,
        shapes="(batch, steps, features) -> (batch, 2 * units); (batch, steps, 2 * units) with return_sequences",
        masking="handle",
        example="input: (12, 8) layers: Bidirectional(LSTM(16, return_sequences=true)) Bidirectional(GRU(8)) Dense(4)",
    ),
    Signature(
        "TimeDistributed",
        (
            Parameter("layer", ALayer(), doc="a layer, a macro or a network"),
            p("dropout", RATE, 0.0, "fraction of the results that training drops"),
        ),
        "Keras 3 TimeDistributed",
        "the same layer at each step, then its block: all steps are one long batch for them. Weights are those of the "
        "layer by its name: `dense.kernel`, ..",
        block="optional",
        inputs=Inputs(("x",), ("mask",), many=True),
        shapes="(batch, steps, ...) -> (batch, steps, what the layer makes of ...)",
        masking="handle",
        example="input: (12, 16, 16, 3) layers: TimeDistributed(Conv2D(8, 3)) { Dropout(0.2) Flatten() } LSTM(8)",
    ),
)

SIGNATURES: tuple[Signature, ...] = (*WALKS, RNN, *CELLS, *CONVOLUTIONS, *WRAPPERS)
