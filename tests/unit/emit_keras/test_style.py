"""Which style Keras code is written in, and how it reads."""

from __future__ import annotations

import numpy as np
import pytest
from support.graph_modules import GraphModule, tensor
from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.emit.keras import emit
from neuralc.emit.keras.lowering import WITHOUT_CODE
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source


def code_of(layers: str, shape: str, *, before: str = "") -> str:
    text = f"{before}\nnetwork Net {{ input: x: {shape} layers: {layers} }}"
    return emit(load(Source("net.nr", text)).module)


@pytest.mark.parametrize(
    ("layers", "shape", "line"),
    [
        ('Dense(8, "relu")', "(4)", 'x = layers.Dense(8, activation="relu", name="dense")(inputs)'),
        ("Conv2D(8, 3) ReLU()", "(9, 9, 3)", 'layers.Conv2D(8, 3, activation="relu", name="conv2d")(inputs)'),
        ('Conv2D(8, 3, strides=2, padding="same")', "(9, 9, 3)", 'layers.Conv2D(8, 3, strides=2, padding="same"'),
        ('Conv1D(8, 3, padding="causal")', "(9, 3)", 'layers.Conv1D(8, 3, padding="causal", name="conv1d")(inputs)'),
        ("DepthwiseConv2D(3)", "(9, 9, 4)", 'layers.DepthwiseConv2D(3, name="depthwise_conv2d")(inputs)'),
        ("Embedding(10, 4)", "(S) int32", 'layers.Embedding(10, 4, name="embedding")(inputs)'),
        ("LSTM(4)", "(5, 3)", 'layers.LSTM(4, name="lstm")(inputs)'),
        ("GRU(4, return_sequences=true)", "(5, 3)", 'layers.GRU(4, return_sequences=True, name="gru")(inputs)'),
        ("ZeroPadding2D(((1, 0), (2, 3)))", "(4, 5, 3)", "layers.ZeroPadding2D(((1, 0), (2, 3)))(inputs)"),
        ("UpSampling2D(2)", "(4, 5, 3)", "layers.UpSampling2D(2)(inputs)"),
        ("GlobalAveragePooling2D()", "(4, 5, 3)", "layers.GlobalAveragePooling2D()(inputs)"),
        ("Flatten()", "(4, 5, 3)", "layers.Flatten()(inputs)"),
        ("LayerNormalization(epsilon=0.1)", "(4)", 'layers.LayerNormalization(epsilon=0.1, name="layer_norm'),
        ("Dense(2, kernel_initializer=\"he_normal\")", "(4)", 'layers.Dense(2, kernel_initializer="he_normal", na'),
        ("Dense(2, kernel_regularizer=L2(0.1))", "(4)", "kernel_regularizer=keras.regularizers.L2(l2=0.1)"),
        ("Dense(2, trainable=false)", "(4)", "layers.Dense(2, trainable=False"),
    ],
)  # fmt: skip
def test_it_reads_as_one_writes_it(layers: str, shape: str, line: str) -> None:
    assert line in code_of(layers, shape)


def test_two_directions_are_one_layer() -> None:
    code = code_of("Bidirectional(LSTM(4, return_sequences=true))", "(5, 3)")
    assert "layers.Bidirectional(" in code
    assert 'layers.LSTM(4, return_sequences=True, name="lstm")' in code


def test_a_model_of_doubles_is_made_of_layers_of_doubles() -> None:
    said = 'keras.config.set_floatx("float64")\nkeras.config.set_dtype_policy("float64")\n'
    assert said in code_of("Dense(3)", "(4) float64")
    assert "keras.config" not in code_of("Dense(3)", "(4)")


def test_a_block_is_a_function_that_names_its_layers() -> None:
    code = code_of("Block(8) Block(16)", "(4)", before="define Block(units) { Dense(units) ReLU() }")
    assert "def block(x, units, name):" in code
    assert 'x = block(x, 16, name="block_1")' in code
    assert "class" not in code.partition('"""')[2].partition('"""')[2]


def test_weights_of_its_own_make_a_layer() -> None:
    code = code_of("Embedding(9, 4) PositionalEncoding(8, learned=true) Dense(2)", "(S) int32 where S <= 8")
    assert "@keras.saving.register_keras_serializable()\nclass Net(layers.Layer):" in code
    assert "self.add_weight(" in code
    assert 'outputs = Net(name="Net")(x)' in code


def test_every_op_of_the_level_is_written_or_has_a_reason() -> None:
    assert set(WITHOUT_CODE) == {"graph.custom"}


def test_a_mask_before_a_state_is_no_layer() -> None:
    """A layer gives 0 before the first time that counts, and not the state that it began with."""
    state, x = tensor("B", 3), tensor(4, "B", 2)

    def model(x: SSAValue, mask: SSAValue, h: SSAValue) -> SSAValue:
        weights = [build.weight(name, np.ones(shape, np.float32)) for name, shape in (("k", (2, 3)), ("r", (3, 3)))]
        return graph.RnnOp.of(x, *weights, build.weight("b", np.ones(3, np.float32)), h, mask).results[0]

    build = GraphModule()
    code = emit(build.model({"x": x, "mask": tensor(4, "B", element=i1), "h": state}, model))
    assert "def rnn(" in code
    assert "layers.SimpleRNN" not in code
