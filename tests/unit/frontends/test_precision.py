"""`dtype=` of a layer: the type it computes in, that of its weights, and what comes behind it."""

from __future__ import annotations

import numpy as np
import pytest

from neuralc.dialects.graph import CastOp, the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.passes.verifier import verify_module
from neuralc.weights_file import initial_weights


def loaded(layers: str, input: str = "(5)", *, before: str = "") -> LoadedProgram:
    program = load(Source("m.nr", f"{before} network M {{ input: {input} layers: {layers} }}"))
    verify_module(program.module)
    return program


def weights(program: LoadedProgram) -> dict[str, str]:
    return {weight.name: str(element_of(weight.type)) for weight in program.weights}


def result(program: LoadedProgram) -> str:
    (type_,) = the_model(program.module).returns
    return str(element_of(type_))


def casts(program: LoadedProgram) -> list[str]:
    return [
        f"{element_of(op.x.type)} to {element_of(op.result.type)}"
        for op in the_model(program.module).block.ops
        if isinstance(op, CastOp)
    ]


@pytest.mark.parametrize(
    ("dtype", "kept", "computed"),
    [
        ("float16", "f16", "f16"),
        ("bfloat16", "bf16", "bf16"),
        ("float64", "f64", "f64"),
        ("float32", "f32", "f32"),
        ("mixed_float16", "f32", "f16"),
        ("mixed_bfloat16", "f32", "bf16"),
    ],
)
def test_a_layer_computes_in_its_type(dtype: str, kept: str, computed: str) -> None:
    program = loaded(f'Dense(4, "relu", dtype="{dtype}")')
    assert weights(program) == {"dense.kernel": kept, "dense.bias": kept}
    assert result(program) == computed


def test_a_layer_behind_it_computes_in_the_type_of_the_model() -> None:
    program = loaded('Dense(4, dtype="float16") ReLU() Dense(3)')
    assert weights(program) == {
        "dense.kernel": "f16", "dense.bias": "f16", "dense_1.kernel": "f32", "dense_1.bias": "f32"
    }  # fmt: skip
    assert casts(program) == ["f32 to f16", "f16 to f32"]


def test_a_cast_changes_the_type_of_the_model() -> None:
    program = loaded('Cast("float16") Dense(4) Dense(4, dtype="float32") Dense(3)')
    assert [weights(program)[f"dense{suffix}.kernel"] for suffix in ("", "_1", "_2")] == ["f16", "f32", "f16"]
    assert result(program) == "f16"


def test_values_of_different_layers_meet_in_the_type_of_the_model() -> None:
    program = loaded('a = Dense(4, dtype="float16")(x) b = Dense(4)(x) Add(a, b)', "x: (5)")
    assert result(program) == "f32"
    assert casts(program) == ["f32 to f16", "f16 to f32"]


def test_layers_of_one_type_need_no_casts_between_them() -> None:
    program = loaded('Dense(4, dtype="float16") Dense(3, dtype="float16") BatchNormalization(dtype="float16")')
    assert casts(program) == ["f32 to f16"]
    assert set(weights(program).values()) == {"f16"}


def test_the_type_of_the_model_is_that_of_its_inputs() -> None:
    program = loaded('Dense(4) Dense(3, dtype="float32") Dense(2)', "(5) float64")
    assert [weights(program)[f"dense{suffix}.kernel"] for suffix in ("", "_1", "_2")] == ["f64", "f32", "f64"]


def test_a_table_of_tokens_has_the_type_that_is_asked_for() -> None:
    program = loaded('Embedding(10, 4, dtype="float16") Dense(3)', "(5) int32")
    assert weights(program) == {"embedding.embeddings": "f16", "dense.kernel": "f32", "dense.bias": "f32"}
    assert weights(loaded("Embedding(10, 4)", "(5) int32")) == {"embedding.embeddings": "f32"}


@pytest.mark.parametrize("use", ["Half()", "Half() * 2", "a = Half() Dense(3)(a)"])
def test_what_a_macro_makes_in_another_type_is_cast_behind_it(use: str) -> None:
    program = loaded(f"{use} Dense(3)", before='define Half { Dense(5, dtype="float16") }')
    assert result(program) == "f32"
    found = weights(program)
    outside = [type_ for name, type_ in found.items() if not name.startswith("half")]
    assert outside == ["f32"] * (4 if "a =" in use else 2)
    assert {type_ for name, type_ in found.items() if name.startswith("half")} == {"f16"}


def test_blocks_that_repeat_get_values_in_the_type_of_the_model() -> None:
    program = loaded('Dense(5, dtype="float16") ResidualConnection { Dense(5) } * 2')
    assert {type_ for name, type_ in weights(program).items() if name.startswith("residual")} == {"f32"}


def test_masks_pass_a_cast() -> None:
    text = 'Embedding(9, 4, mask_zero=true) Dense(3, dtype="float16") Softmax()'
    with pytest.raises(NeuralcError, match=r"its mask \(batch, 5\) does not broadcast to \(batch, 5, 3\)"):
        loaded(text, "(5) int32")


def test_rounding_happens_where_the_type_says() -> None:
    program = loaded('Dense(4, use_bias=false, dtype="float16")')
    store = initial_weights(program.weights, 3)
    x = np.random.default_rng(0).normal(size=(2, 5)).astype("float32")
    (found,) = run_module(program.module, [x], store, numerics="rounded")
    exact = x.astype("float16").astype("float64") @ np.asarray(store["dense.kernel"], "float64")
    np.testing.assert_array_equal(found, exact.astype("float16"))


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(NeuralcError, match=r'`dtype` is "float16" or "bfloat16" or .*, not "int8"'):
        loaded('Dense(4, dtype="int8")')
