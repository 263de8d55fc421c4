"""Programs that become modules and programs again: what one wrote is what is written."""

from __future__ import annotations

import numpy as np
import pytest
from support.emitted_programs import check_emitted, inputs_for
from support.graph_modules import GraphModule, tensor
from xdsl.dialects.builtin import f32, f64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.types import DimsAttr
from neuralc.dialects.weights import WeightStore
from neuralc.emit.nr import emit
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.weights_file import initial_weights


def again(text: str, network: str | None = None) -> str:
    """The program that a program becomes, which computes the same."""
    program = load(Source("m.nr", text), network=network)
    weights = initial_weights(program.weights)
    return check_emitted(program.module, weights, inputs_for(program.module))


UNCHANGED = {
    "chain": """\
network Chain {
  input: (8)
  layers:
    Dense(16, "relu")
    BatchNormalization()
    Dropout(0.2)
    Output(3, "softmax")
}
""",
    "image": """\
network Image {
  input: image: (12, 12, 3)
  layers:
    Conv2D(8, 3, "relu", strides=2, padding="same")
    MaxPooling2D()
    DepthwiseConv2D(3, use_bias=false)
    BatchNormalization(momentum=0.9)
    ReLU()
    Flatten()
    Dense(4)
}
""",
    "graph": """\
network Graph {
  input: { left: (8), right: (8) }
  layers:
    dense = Dense(4, "relu")(left)
    dense_1 = Dense(4, "tanh")(right)
    Multiply(dense, dense_1)
    Output(1, "sigmoid")
}
""",
    "sizes": """\
network Sizes {
  input: { a: (H, 4), b: (H, 2), c: (W, 4) } where H >= 32, H % 16 == 0, W % 3 == 0
  layers:
    AveragePooling1D(16)(a)
    global_average_pooling1d = GlobalAveragePooling1D()
    global_average_pooling1d_1 = GlobalAveragePooling1D()(b)
    AveragePooling1D(3)(c)
    global_average_pooling1d_2 = GlobalAveragePooling1D()
    Concatenate(global_average_pooling1d, global_average_pooling1d_1, global_average_pooling1d_2)
}
""",
    "macros": """\
define ConvBlock(filters) {
  Conv2D(filters, 3, padding="same", use_bias=false)
  BatchNormalization()
  ReLU()
}

network Macros {
  input: (8, 8, 3)
  layers:
    ConvBlock(4)
    ConvBlock(8)
    ConvBlock(8, name="last")
    GlobalAveragePooling2D()
    Dense(4)
}
""",
    "rows": """\
define Block {
  Dense(8, "relu")
  Dense(8)
}

network Rows {
  input: (8)
  layers:
    Block(name="encoder.layers") * 3
    Dense(8, "relu") * 2
    Dense(4)
}
""",
    "sequence": """\
network Sequence {
  input: (S, 6) where S <= 30
  layers:
    LSTM(8, return_sequences=true)
    GRU(8, return_sequences=true, reset_after=false)
    SimpleRNN(4, "relu")
    Dense(2)
}
""",
    "formulas": """\
network Formulas {
  input: { a: (8), b: (8) }
  layers:
    ratio = Lambda("x, y: exp(x) / (y ** 2 + 1)")(a, b)
    first = Lambda("x: x[:, 0]")
  outputs: (ratio, first)
}
""",
    "names": """\
network Names {
  input: ids: (S) int32 where S <= 16
  layers:
    tokens = Embedding(20, 8, name="model.tokens")
    positions = Weight((16, 8), name="model.positions")
    Lambda("x, y, z: x + y[:z.shape[1]]")(tokens, positions, ids)
    LayerNormalization(epsilon=1e-5, name="model.norm")
}
""",
    "no batch": """\
network NoBatch {
  input: { table: [N, 4], scale: [] }
  layers: Lambda("x, y: x * y")(table, scale)
}
""",
    "clauses": """\
network Clauses {
  input: (8)
  layers: Output(2, "softmax")
  loss: "sparse_categorical_crossentropy"
  optimizer: Adam(learning_rate=0.001)
  metrics: ["accuracy"]
  train { epochs: 5 batch_size: HPO(choice(32, 64)) }
}

research Clauses { metrics { accuracy: 98.3 } }
""",
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_program_that_one_writes_is_written_again(name: str) -> None:
    written = again(UNCHANGED[name])
    assert _words(written) == _words(UNCHANGED[name])


def _words(text: str) -> list[str]:
    return text.split()


def test_a_layer_that_is_shared_stays_one() -> None:
    text = """network Siamese { input: { left: (8), right: (8) } layers:
        enc = Dense(4, "relu") a = enc(left) b = enc(right) Subtract(a, b) }"""
    assert 'enc_layer = Dense(4, "relu", name="enc")' in again(text)


def test_a_block_that_is_shared_keeps_the_names_of_its_weights() -> None:
    text = """define Encoder { Dense(4, "relu") Dense(3) }
    network Siamese { input: { left: (8), right: (8) } layers:
        enc = Encoder() a = enc(left) b = enc(right) Subtract(a, b) }"""
    assert 'enc_layer = Encoder(name="enc")' in again(text)


def test_arguments_of_a_function_whose_names_differ_in_a_number_are_two_weights() -> None:
    build = GraphModule()

    def block(x: SSAValue, gamma_1: SSAValue, gamma_2: SSAValue) -> SSAValue:
        gamma_1.name_hint, gamma_2.name_hint = "gamma_1", "gamma_2"  # the IR keeps what stands before the number
        return graph.AddOp.of(graph.MulOp.of(x, gamma_1).result, gamma_2).result

    scale = build.function("scale", [tensor("batch", 4), tensor(4), tensor(4)], block)

    def body(x: SSAValue) -> SSAValue:
        weights = [build.weight(name, np.full(4, value, np.float32)) for name, value in (("a", 2), ("b", 3))]
        return graph.CallOp(scale, [x, *weights], [x.type], path="scale").res[0]

    module = build.model({"x": tensor("batch", 4)}, body)
    check_emitted(module, build.weights, {"x": np.ones((2, 4), np.float32)})


def test_a_chain_that_is_added_to_what_it_starts_from_is_a_block() -> None:
    text = """network Residual { input: (8) layers:
        ResidualConnection { Dense(8, "relu") Dense(8) } Dense(3) }"""
    assert 'ResidualConnection { Dense(8, "relu") Dense(8) }' in again(text)


def test_how_weights_begin_and_train_is_said_where_it_is_not_as_usual() -> None:
    text = """network Rules { input: (8) layers:
        Dense(4, kernel_initializer=HeNormal(seed=1), kernel_regularizer=L2(0.02), bias_constraint=MaxNorm(3)) }"""
    assert "he_normal(seed=1), kernel_regularizer=l2(l2=0.02)" in " ".join(again(text).split())


def test_a_weight_that_layers_and_formulas_share_is_a_value() -> None:
    build = GraphModule()

    def body(x: SSAValue) -> SSAValue:
        kernel = build.weight("tied", np.arange(16, dtype=np.float32).reshape(4, 4))
        back = graph.TransposeOp.of(kernel, perm=(1, 0)).result
        return graph.DenseOp.of(graph.DenseOp.of(x, kernel).result, back).result

    module = build.model({"x": tensor("batch", 4)}, body)
    text = check_emitted(module, build.weights, {"x": np.ones((2, 4), np.float32)})
    assert 'Weight((4, 4), name="tied")' in text
    assert "Dense(" not in text


def test_what_the_language_has_no_words_for_is_told_at_once() -> None:
    text = """network M { input: { x: (4), easy: () bool } layers:
        DynamicLayer(x, by=easy) { hard: { Dense(4) } simple: { Dense(4) } }
        DynamicLayer(by=easy) { hard: { Dense(4) } simple: { Dense(4) } } }"""
    with pytest.raises(NeuralcError) as caught:
        emit(load(Source("m.nr", text)).module)
    assert {found.code for found in caught.value.diagnostics} == {"E0850"}
    assert len(caught.value.diagnostics) > 1


def test_an_untrained_program_has_no_weights_clause() -> None:
    program = load(Source("m.nr", "network M { input: (4) layers: Dense(4) }"))
    assert "weights:" not in emit(program.module).text()
    assert 'weights: "m.safetensors"' in emit(program.module).text("m.safetensors")


@pytest.mark.parametrize(
    ("element", "epsilon", "shown"),
    [
        (f32, float(np.float32(1e-5)), "1e-05"),
        (f32, 1.00000001e-5, "1.00000001e-05"),
        (f64, float(np.float32(1e-5)), "9.999999747378752e-06"),
    ],
)
def test_a_number_from_32_bits_is_short_where_it_stays_in_them(element: Attribute, epsilon: float, shown: str) -> None:
    def body(x: SSAValue, scale: SSAValue) -> SSAValue:
        return graph.RmsNormOp.of(x, scale, epsilon=epsilon).result

    types = {"x": tensor(2, 4, element=element), "scale": tensor(4, element=element)}
    text = emit(GraphModule().model(types, body)).text()
    assert f"+ {shown})" in text
    assert np.float32(float(shown)) == np.float32(epsilon)


def test_a_network_that_is_called_on_an_image_of_channels_first_gets_it_turned() -> None:
    text = """
    network Part { input: (2, 6, 6) layers: Conv2D(2, 3, data_format="channels_first") }
    network Whole {
      input: { a: (6, 6, 2), b: (2, 6, 6) }
      layers:
        part = Part()
        x = Permute((3, 1, 2))(a)
        one = part(x)
        two = part(b)
      outputs: (one, two)
    }"""
    again(text, "Whole")


def test_no_infinity_that_counts_is_false_for_any_value() -> None:
    module = GraphModule().model({"x": tensor(6)}, lambda x: graph.IsInfOp.of(x, positive=False, negative=False).result)
    x = np.array([1.0, np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32)
    assert 'Lambda("x: x < x")' in check_emitted(module, WeightStore(), {"x": x})


def test_a_slice_that_some_sizes_have_not_is_refused() -> None:
    def body(x: SSAValue) -> SSAValue:
        starts = DimsAttr([Dim.symbol("S") - 2, as_dim(0)])
        return graph.SliceOp.of(x, starts=starts, steps=(1, 1), result=tensor(2, 4)).result

    with pytest.raises(NeuralcError, match="`S - 2 < 0` differs between runs") as caught:
        emit(GraphModule().model({"x": tensor("S", 4)}, body))
    assert caught.value.diagnostics[0].code == "E0850"
