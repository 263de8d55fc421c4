"""Dense maps, shapes, tokens, masks and positions against Keras; `dtype`, `trainable` and what training keeps."""

from __future__ import annotations

from ast import literal_eval
from typing import Any

import numpy as np
import pytest
from support import nr_programs
from support.compare import assert_close
from support.keras_reference import agrees, layers, program_of, random_store
from support.pipelines import assert_native_agrees, compile_native

from neuralc.dialects.graph import ActivityRegularizerOp, the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of, format_shape, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.passes.target import Target
from neuralc.runtime.errors import ModelError

pytestmark = pytest.mark.thorough


def result_of(program: LoadedProgram) -> str:
    (result,) = the_model(program.module).returns
    return f"{format_shape(shape_of(result))} {element_of(result)}"


def refusal(text: str, shape: str) -> str:
    with pytest.raises(NeuralcError) as caught:
        program_of(text, {"x": shape})
    (found,) = caught.value.diagnostics
    return f"{found.code}: {found.message}"


# --- dense -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "shape", "build"),
    [
        ("Dense(4)", (5,), lambda: layers.Dense(4)),
        ('Dense(3, "tanh", false)', (4, 5), lambda: layers.Dense(3, "tanh", False)),
        ('Output(3, activation="softmax")', (2, 4, 5), lambda: layers.Dense(3, activation="softmax")),
    ],
)
def test_dense(text: str, shape: tuple[int, ...], build: Any) -> None:
    agrees(text, shape, build())


def test_dense_over_sequences_of_any_length() -> None:
    agrees('Dense(3, "relu")', (7, 5), layers.Dense(3, "relu"), sizes={"x": "(S, 5)"})


@pytest.mark.parametrize(("arguments", "scale"), [("lora_rank=2", 1.0), ("lora_rank=2, lora_alpha=8", 4.0)])
@pytest.mark.parametrize(
    ("layer", "weight", "shape"),
    [
        ("Dense(4", "kernel", "(5,) float32"),
        ("Conv2D(4, 3", "kernel", "(6, 5, 3) float32"),
        ("Embedding(7, 4", "embeddings", "(4,) int32"),
        ("ReversibleEmbedding(7, 4", "embeddings", "(4,) int32"),
        ("ReversibleEmbedding(7, 5", "embeddings", "(5,) float32"),
    ],
)
def test_low_rank_adaptation(layer: str, weight: str, shape: str, arguments: str, scale: float) -> None:
    """weight + scale * a . b. Keras keeps a and b in single precision, and 3.15 forgets the alpha it was given."""
    adapted, plain = (program_of(f"{text})", {"x": shape}) for text in (f"{layer}, {arguments}", layer))
    store = random_store(adapted)
    name = next(each.name for each in plain.weights if each.name.endswith(weight))
    a, b = (np.asarray(store[name.replace(weight, f"lora_{weight}_{part}")], "float64") for part in "ab")
    summed = WeightStore({**store, name: store[name] + scale * (a @ b)})
    generator = np.random.default_rng(0)
    x = TOKENS.astype("int32") if "int32" in shape else generator.normal(size=(2, *literal_eval(shape[:-8])))
    assert_close(run_module(adapted.module, [x], store)[0], run_module(plain.module, [x], summed)[0], 1e-12)
    single = x.astype("float32") if x.dtype == np.float64 else x
    assert_native_agrees(adapted.module, store, [{"x": single}], 2)


def test_what_is_adapted_is_not_trained_itself() -> None:
    program = program_of("Dense(4, lora_rank=2)", {"x": "(5,)"})
    assert [(weight.name, weight.shape, weight.trainable) for weight in program.weights] == [
        ("dense.kernel", (5, 4), False),
        ("dense.bias", (4,), True),
        ("dense.lora_kernel_a", (5, 2), True),
        ("dense.lora_kernel_b", (2, 4), True),
    ]


def test_what_is_adapted_has_no_constraint() -> None:
    assert "exclude each other" in refusal("Dense(4, lora_rank=2, kernel_constraint=NonNeg())", "(5,)")


def test_an_activity_regularizer_stays_in_the_model() -> None:
    for written, weights in (('"l2"', (0.0, 0.01)), ("L1(0.5)", (0.5, 0.0)), ("L1L2(0.25, 0.5)", (0.25, 0.5))):
        program = program_of(f"Dense(4, activity_regularizer={written})", {"x": "(5,)"})
        (op,) = [op for op in the_model(program.module).block.ops if isinstance(op, ActivityRegularizerOp)]
        assert (op.literal("l1"), op.literal("l2")) == weights
    assert refusal("Dense(4, activity_regularizer=OrthogonalRegularizer())", "(5,)").startswith("E0702")


def test_a_layer_that_is_not_trained_says_so_of_its_weights() -> None:
    program = program_of("Dense(4, trainable=false) BatchNormalization()", {"x": "(5,)"})
    assert [weight.trainable for weight in program.weights] == [False, False, True, True, False, False]


# --- shapes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "shape", "build"),
    [
        ("Flatten()", (3, 4, 2), lambda: layers.Flatten()),
        ('Flatten("channels_first")', (3, 4, 2), lambda: layers.Flatten("channels_first")),
        ("Reshape((4, 6))", (3, 8), lambda: layers.Reshape((4, 6))),
        ("Reshape((-1, 3))", (4, 6), lambda: layers.Reshape((-1, 3))),
        ("Reshape((2, None, 3))", (4, 6), lambda: layers.Reshape((2, -1, 3))),
        ("Reshape(-1)", (4, 6), lambda: layers.Reshape((-1,))),
        ("Permute((2, 1))", (4, 6), lambda: layers.Permute((2, 1))),
        ("Permute([3, 1, 2])", (4, 6, 2), lambda: layers.Permute((3, 1, 2))),
        ("RepeatVector(3)", (5,), lambda: layers.RepeatVector(3)),
        ("RepeatVector(1)", (5,), lambda: layers.RepeatVector(1)),
        ("Identity()", (4, 6), lambda: layers.Identity()),
    ],
)
def test_a_shape(text: str, shape: tuple[int, ...], build: Any) -> None:
    agrees(text, shape, build(), batch=3)


@pytest.mark.parametrize(
    ("text", "shape", "result"),
    [
        ("Flatten()", "(H, W, 3)", "(batch, H * W * 3) f32"),
        ("Flatten() RepeatVector(2)", "(S,)", "(batch, 2, S) f32"),
        ("Reshape((-1, 2))", "(S, 8)", "(batch, S * 4, 2) f32"),
        ("Reshape((4, -1))", "(S, 8)", "(batch, 4, S * 2) f32"),
        ("Reshape((6, 2))", "(S, 3)", "(batch, 6, 2) f32"),
        ("Permute((2, 1))", "(S, 8)", "(batch, 8, S) f32"),
    ],
)
def test_sizes_may_have_names(text: str, shape: str, result: str) -> None:
    program = program_of(text, {"x": shape})
    assert result_of(program) == result
    sizes = {"(H, W, 3)": (4, 2, 3), "(S,)": (5,), "(S, 8)": (3, 8), "(S, 3)": (4, 3)}[shape]
    x = np.random.default_rng(0).normal(size=(2, *sizes)).astype("float32")
    assert_native_agrees(program.module, random_store(program), [{"x": x}], 2)


def test_a_named_size_of_a_multiple_can_be_divided() -> None:
    text = "network M { input: (S, 4) where S % 3 == 0 layers: Reshape((-1, 6)) }"
    program = load(Source("m.nr", text))
    assert result_of(program) == "(batch, S_by_3 * 2, 6) f32"


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("Reshape((5, 5))", "(4, 6)", "the 24 values of (batch, 4, 6) make no (5, 5)"),
        ("Reshape((5, -1))", "(4, 6)", "the 24 values of (batch, 4, 6) make no (5, -1)"),
        ("Reshape((-1, -1))", "(4, 6)", "one size may be left open, (-1, -1) leaves 2"),
        ("Reshape((-1, 4))", "(S, 3)", "the S * 3 values of (batch, S, 3) make no (-1, 4)"),
        ("Reshape((4, 0))", "(4, 6)", "is a size of at least 1, or -1 for the one that is left, not 0"),
        ("Permute((1, 1))", "(4, 6)", "`dims` (1, 1) is no order of the axes 1, 2 of its input (batch, 4, 6)"),
        ("Permute((2, 1))", "(4, 6, 2)", "`dims` (2, 1) is no order of the axes 1, 2, 3"),
        ("RepeatVector(2)", "(4, 6)", "it takes vectors (batch, features), its input is (batch, 4, 6)"),
        ("RepeatVector(0)", "(4,)", "a whole number of at least 1, not 0"),
        ("Dense(3)", "(4, S)", "the last axis must be a number, it is S"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, shape: str, message: str) -> None:
    assert message in refusal(text, shape)


# --- weights by themselves -------------------------------------------------------------------------------------------
class Shifted(layers.Layer):
    """x * 2 + a weight of its own."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.table = self.add_weight(shape=shape[1:], initializer="ones")

    def call(self, x: Any) -> Any:
        return x * 2 + self.table


@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_a_weight_is_what_add_weight_makes(shape: tuple[int, ...]) -> None:
    sizes = ", ".join(map(str, shape))
    agrees(f't = Weight(({sizes}), "ones") Lambda("x, t: x * 2 + t")(x, t)', shape, Shifted())


# --- tokens ----------------------------------------------------------------------------------------------------------
TOKENS = np.array([[3, 0, 5, 6], [0, 0, 2, 1]])


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int8", "float64", "uint32", "bool"])
def test_embedding(dtype: str) -> None:
    data = (TOKENS + (0.75 if dtype == "float64" else 0)).astype(dtype)
    agrees("Embedding(7, 3)", (4,), lambda x: layers.Embedding(7, 3)(x), data={"x": data})


def test_embedding_of_tokens_in_a_grid() -> None:
    grid = TOKENS.reshape(2, 2, 2).astype("int32")
    agrees("Embedding(7, 3)", (2, 2), layers.Embedding(7, 3), data={"x": grid})


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("", {}),
        (", tie_weights=false", {"tie_weights": False}),
        (", logit_soft_cap=0.5", {"logit_soft_cap": 0.5}),
    ],
)
def test_reversible_embedding(arguments: str, options: dict[str, Any]) -> None:
    def build(x: Any) -> Any:
        tokens = layers.ReversibleEmbedding(7, 3, **options)
        return tokens(layers.Dense(3)(tokens(x)), reverse=True)

    text = f"tokens = ReversibleEmbedding(7, 3{arguments}) tokens(x) Dense(3) tokens()"
    agrees(text, (4,), build, data={"x": TOKENS.astype("int32")}, order=ORDERS.get(arguments))


ORDERS = {", tie_weights=false": (0, 3, 1, 2)}
"""Of weights, where Keras has made all of a layer's before those of the next."""


def test_reversible_embedding_masks_padding_one_way_alone() -> None:
    text = "tokens = ReversibleEmbedding(7, 3, mask_zero=true) tokens(x) GlobalAveragePooling1D() tokens()"
    assert result_of(program_of(text, {"x": "(4,) int32"})) == "(batch, 7) f32"
    assert "starts from vectors of 3, its input is (batch, 4, 5)" in refusal("ReversibleEmbedding(7, 3)", "(4, 5)")
    with pytest.raises(NeuralcError, match="write `int32` behind the shape of an input of tokens"):
        program_of("ReversibleEmbedding(7, 3)", {"x": "(4,)"})


def test_a_token_outside_of_the_table_is_an_error_of_the_run() -> None:
    program = program_of("Embedding(7, 3)", {"x": "(2,) int32"})
    store, tokens = random_store(program), np.array([[1, 7]], "int32")
    with pytest.raises(NeuralcError, match="E0910"):
        run_module(program.module, [tokens], store)
    with pytest.raises(ModelError, match="E0910"):
        compile_native(program.module, store, 2, Target.host())(tokens)


def test_padding_is_masked_as_far_as_layers_keep_it() -> None:
    """The mask of an embedding passes a dense map and an activation, and reaches the softmax over the steps."""
    text = 'Embedding(7, 3, mask_zero=true) Dense(1) Activation("tanh") Permute((2, 1)) Softmax()'
    kept = program_of(text.replace("Permute((2, 1)) Softmax()", "Dropout(0.5)"), {"x": "(4,) int32"})
    dropped = program_of(text, {"x": "(4,) int32"})
    assert result_of(kept) == "(batch, 4, 1) f32"
    assert result_of(dropped) == "(batch, 1, 4) f32"


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_masking(value: float) -> None:
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    x[0, 1] = x[1, 3] = value
    x[1, 2, 0] = value
    agrees(f"Masking({value})", (4, 3), layers.Masking(value), data={"x": x})


def test_masking_of_integers() -> None:
    x = np.array([[[1, 2], [7, 7]], [[7, 1], [0, 7]]], "int32")
    program = program_of("Masking(7)", {"x": "(2, 2) int32"})
    (found,) = run_module(program.module, [x], random_store(program))
    np.testing.assert_array_equal(found, [[[1, 2], [0, 0]], [[7, 1], [0, 7]]])
    assert "`mask_value` is 0.5, and its input holds i32" in refusal("Masking(0.5)", "(2, 2) int32")


# --- positions -------------------------------------------------------------------------------------------------------
def waves(steps: int, depth: int, base: float = 10000.0) -> np.ndarray[Any, Any]:
    """Vaswani et al. 2017, section 3.5, one number after the other."""
    table = np.empty((steps, depth))
    for t in range(steps):
        for i in range(depth):
            angle = t / base ** (2 * (i // 2) / depth)
            table[t, i] = np.cos(angle) if i % 2 else np.sin(angle)
    return table


@pytest.mark.parametrize(("arguments", "base"), [("", 10000.0), ("max_wavelength=50", 50.0), ("max_length=7", 10000.0)])
@pytest.mark.parametrize("depth", [6, 5, 1])
def test_positions_are_waves(arguments: str, base: float, depth: int) -> None:
    text = f"PositionalEncoding({arguments})"
    nr_programs.agrees(text, {"x": (7, depth)}, lambda x, _: x + waves(7, depth, base))


def test_positions_of_long_sequences_of_any_length_are_exact() -> None:
    program = program_of("PositionalEncoding()", {"x": "(2, S, 4)"})
    model = compile_native(program.module, random_store(program), 2, Target.host())
    for steps in (1, 5, 4000):
        x = np.random.default_rng(steps).normal(size=(1, 2, steps, 4)).astype("float32")
        assert_close(model(x), x.astype("float64") + waves(steps, 4), 1e-6)


def test_positions_are_learned() -> None:
    program = program_of("PositionalEncoding(9, learned=true)", {"x": "(S, 4)"})
    (table,) = program.weights
    assert (table.name, table.shape) == ("positional_encoding.embeddings", (9, 4))
    store = random_store(program)
    x = np.random.default_rng(0).normal(size=(2, 6, 4))
    (found,) = run_module(program.module, [x], store)
    assert_close(found, x + np.asarray(store[table.name], "float64")[:6], 1e-12)
    assert_native_agrees(program.module, store, [{"x": x.astype("float32")}], 2)


@pytest.mark.parametrize("learned", ["false", "true"])
def test_positions_go_on_from_run_to_run(learned: str) -> None:
    text = f"PositionalEncoding(9, learned={learned}, stateful=true)"
    program, whole = (program_of(t, {"x": "(S, 4)"}) for t in (text, text.replace(", stateful=true", "")))
    store = random_store(program)
    x = np.random.default_rng(0).normal(size=(2, 9, 4)).astype("float32")
    (wanted,) = run_module(whole.module, [x], store)
    states: dict[str, Any] = {}
    found = [run_module(program.module, [piece], store, states=states)[0] for piece in np.split(x, (4, 5, 6), axis=1)]
    assert_close(np.concatenate(found, axis=1), wanted, 1e-12)
    model = compile_native(program.module, store, 2, Target.host())
    for _ in range(2):
        pieces = [model(piece) for piece in np.split(x, (4, 5, 6), axis=1)]
        assert_close(np.concatenate(pieces, axis=1), wanted, 1e-6)
        model.reset()


def test_learned_positions_end() -> None:
    program = program_of("PositionalEncoding(3, learned=true, stateful=true)", {"x": "(S, 4)"})
    store, states, x = random_store(program), dict[str, Any](), np.zeros((1, 2, 4), "float32")
    run_module(program.module, [x], store, states=states)
    with pytest.raises(NeuralcError, match="E0910"):
        run_module(program.module, [x], store, states=states)


def test_no_sequence_is_longer_than_its_positions() -> None:
    program = program_of("PositionalEncoding(9, learned=true)", {"x": "(S, 4)"})
    with pytest.raises(NeuralcError, match="`S` is from 1 to 9"):
        run_module(program.module, [np.zeros((2, 10, 4))], random_store(program))
    assert "its input has 10 steps, `max_length` is 9" in refusal("PositionalEncoding(9)", "(10, 4)")
    assert refusal("PositionalEncoding(learned=true)", "(10, 4)").startswith("E0301")
    assert "it takes sequences" in refusal("PositionalEncoding()", "(10,)")
