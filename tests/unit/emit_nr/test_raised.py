"""Layers that are lists of ops on the graph level: where these are in a flat model, the program has the layer again."""

from __future__ import annotations

import pytest
from support.emitted_programs import check_emitted, inputs_for, with_layers
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import graph
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.passes.base import PassContext
from neuralc.passes.graph.inline import InlinePass
from neuralc.weights_file import initial_weights


def flat(text: str) -> ModuleOp:
    module = load(Source("m.nr", text)).module
    InlinePass().run(module, PassContext())
    return module


def again(text: str) -> str:
    """The program of a flat model, which computes the same, in one line."""
    module = flat(text)
    weights = initial_weights(load(Source("m.nr", text)).weights, 3)
    return " ".join(check_emitted(module, weights, inputs_for(module, size=2), layers=True).split())


WRITTEN = {
    "self attention": ("(S, 8)", "MultiHeadAttention(2, 4)"),
    "attention of a decoder": ("(S, 8)", "MultiHeadAttention(2, 4, use_causal_mask=true)"),
    "attention with a cache": ("(S, 8)", "MultiHeadAttention(2, 4, use_causal_mask=true, cache=6)"),
    "encoder": ("(S, 8)", "TransformerEncoder(2, 16)"),
    "encoder with norms in front": ("(S, 8)", 'TransformerEncoder(2, 16, activation="gelu", normalize_first=true)'),
    "decoder": ("(S, 8)", "TransformerDecoder(2, 16)"),
    "learned positions": ("(S, 8) where S <= 6", "PositionalEncoding(6, learned=true)"),
    "kept positions": ("(S, 8) where S <= 6", "PositionalEncoding(6, learned=true, stateful=true)"),
    "unit norm": ("(4, 8)", "UnitNormalization()"),
    "both ways": ("(5, 8)", "Bidirectional(LSTM(6, return_sequences=true))"),
    "both ways, last outputs": ("(5, 8)", "Bidirectional(GRU(6))"),
    "sum of both ways": ("(5, 8)", 'Bidirectional(LSTM(6, return_sequences=true), merge_mode="sum")'),
    "two biases": ("(5, 8)", "LSTM(6, return_sequences=true, recurrent_bias=true)"),
    "two biases both ways": ("(5, 8)", "Bidirectional(LSTM(6, recurrent_bias=true, return_sequences=true))"),
    "kept states": ("(5, 8)", "LSTM(6, return_sequences=true, stateful=true)"),
    "kept state": ("(5, 8)", "SimpleRNN(6, stateful=true)"),
    "images": ("(3, 6, 6, 2)", 'ConvLSTM2D(4, 3, padding="same", return_sequences=true)'),
    "images with gates of a GRU": ("(3, 6, 6, 2)", "ConvGRU2D(4, 3)"),
    "kept images": ("(3, 6, 6, 2)", "ConvLSTM2D(4, 3, stateful=true)"),
}
"""An input and a layer that stays what it is."""

QUICK = ("self attention", "both ways", "kept states")


@pytest.mark.parametrize("name", QUICK)
def test_a_layer_is_written_again(name: str) -> None:
    shape, layer = WRITTEN[name]
    text = again(f"network M {{ input: x: {shape} layers: {layer} }}")
    assert layer in text
    assert "Lambda" not in text


@pytest.mark.thorough
@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in QUICK])
def test_every_layer_is_written_again(name: str) -> None:
    test_a_layer_is_written_again(name)


@pytest.mark.thorough
def test_a_mask_that_an_embedding_makes_is_carried_again() -> None:
    text = """network M { input: ids: (S) int32 layers:
        Embedding(20, 8, mask_zero=true) TransformerEncoder(2, 16) LSTM(4) }"""
    assert "Embedding(20, 8, mask_zero=true) TransformerEncoder(2, 16)" in again(text)


@pytest.mark.thorough
def test_layers_one_behind_the_other_have_the_batch_first() -> None:
    text = """network M { input: x: (5, 8) layers:
        LSTM(6, return_sequences=true, stateful=true) GRU(4, return_sequences=true, stateful=true) Dense(3) }"""
    assert "LSTM(6, return_sequences=true, stateful=true) GRU(4, return_sequences=true, stateful=true)" in again(text)


@pytest.mark.thorough
def test_a_macro_that_keeps_something_is_written_where_it_is_used() -> None:
    text = """define Block { MultiHeadAttention(2, 4, use_causal_mask=true, cache=6) Dense(8) }
    network M { input: x: (S, 8) layers: Block() * 2 }"""
    module = load(Source("m.nr", text)).module
    shown = with_layers(module).text()
    assert shown.count("cache=6") == 2
    assert "define" not in shown


@pytest.mark.thorough
def test_a_layer_whose_weights_begin_in_another_way_is_written_as_its_parts() -> None:
    layer = 'Bidirectional(LSTM(6, kernel_initializer="he_normal"))'
    text = again(f"network M {{ input: x: (5, 8) layers: {layer} }}")
    assert "Bidirectional" not in text
    assert text.count('kernel_initializer="he_normal"') == 2


def test_what_is_like_a_layer_and_computes_more_stays_as_it_is() -> None:
    text = "network M { input: x: (4, 8) layers: UnitNormalization() }"
    module = flat(text)
    (root,) = [op for op in module.walk() if isinstance(op, graph.MinimumOp)]
    (number,) = [x.owner for x in root.operands if isinstance(x.owner, graph.ConstantOp)]
    other = graph.ConstantOp.of(result=number.result.type, value=3.0)
    block = root.parent_block()
    assert block is not None
    block.insert_op_before(other, root)
    root.operands[list(root.operands).index(number.result)] = other.result
    assert "UnitNormalization" not in with_layers(module).text()


def test_a_state_that_something_else_reads_belongs_to_no_layer() -> None:
    module = flat("network M { input: x: (5, 8) layers: SimpleRNN(8, stateful=true) }")
    (state,) = [op for op in module.walk() if isinstance(op, graph.GetStateOp)]
    end = graph.the_model(module).terminator
    total = graph.AddOp.of(end.operands[0], state.result)
    block = end.parent_block()
    assert block is not None
    block.insert_op_before(total, end)
    end.operands[0] = total.result
    with pytest.raises(NeuralcError) as caught:
        with_layers(module)
    assert {found.code for found in caught.value.diagnostics} == {"E0850"}
    assert "what a run keeps for the next one" in str(caught.value)
