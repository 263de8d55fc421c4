"""Whatever the text: a model, or a NeuralcError with a place inside the text. Never another exception, never a hang."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuralc.frontends.nr import load
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, render

pytestmark = pytest.mark.thorough

MODEL = """define Block(filters, size=3) { Conv2D(filters, size, padding="same") BatchNormalization() ReLU() }
network Classifier {
  input: image: (8, 8, 1) float32   # one image
  layers:
    Block(4) Block(4, size=1) * 2
    ResidualConnection(shortcut="projection") { Conv2D(8, (3, 3), padding="same", strides=2) }
    MaxPooling2D(pool_size=(2, 2)) @ "cpu"
    Flatten(), Dense(HPO(choice(8, 16)), "relu") * 2; Dropout(rate=0.5)
    Output(units=3, activation='softmax')
  loss: "sparse_categorical_crossentropy"
  optimizer: Adam(learning_rate=ExponentialDecay(0.001, 1000, 0.96))
  metrics: ["accuracy"]
  train { epochs: 15 batch_size: 64 validation_split: 0.2 }
}
"""
PIECES = [
    "(", ")", "{", "}", "[", "]", ",", ";", ":", "=", "*", "@", '"', "'", "#", "//", "\n", "\0", "\ufeff", "é", "3",
    "-1", "1e999", "0", "None", "true", "HPO(", "choice(", "range(1, 2)", "network", "define", "from", "layers:",
    "where", "input:", "train {", "Dense", "Residual {", "Block", "a =", "image: {", "units=", "float16", "* 100000",
]  # fmt: skip


def messages_of(source: Source) -> tuple[Diagnostic, ...]:
    try:
        return load(source).warnings
    except NeuralcError as failure:
        return failure.diagnostics or (Diagnostic("E9901", "an error without a message"),)


def check(text: str) -> None:
    for found in messages_of(Source("m.nr", text)):
        assert render(found)
        assert not found.code.startswith("E99")
        if found.span is not None:
            assert 0 <= found.span.start <= found.span.end <= len(text)


edits = st.lists(
    st.tuples(st.integers(0, len(MODEL)), st.integers(0, 12), st.sampled_from(["", *PIECES])), min_size=1, max_size=4
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits)
def test_a_model_with_pieces_cut_out_and_put_in(changes: list[tuple[int, int, str]]) -> None:
    text = MODEL
    for at, cut, piece in changes:
        text = text[:at] + piece + text[at + cut :]
    check(text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_words_of_the_language_in_any_order(text: str) -> None:
    check(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    check(text)
