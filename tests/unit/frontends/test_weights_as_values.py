"""Weights by themselves, names with dots, names of macros, shapes without a batch, functions of the graph level."""

from __future__ import annotations

import numpy as np
import pytest

from neuralc.dialects.graph import the_model
from neuralc.dialects.interp.run import run_module
from neuralc.dialects.types import element_of, format_shape, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source


def program(text: str) -> LoadedProgram:
    return load(Source("m.nr", text))


def refusal(text: str) -> str:
    with pytest.raises(NeuralcError) as caught:
        program(text)
    return f"{caught.value.diagnostics[0].code}: {caught.value.diagnostics[0].message}"


def weights_of(text: str) -> list[str]:
    return [weight.name for weight in program(text).weights]


# --- weights ---------------------------------------------------------------------------------------------------------
def test_a_weight_is_a_value_under_its_own_name() -> None:
    text = """network M { input: x: (3, 4) layers:
        table = Weight((3, 4), name="tables.first")
        Lambda("x, t: x * 2 + t")(x, table)
    }"""
    found = program(text)
    assert [(weight.name, weight.shape, weight.trainable) for weight in found.weights] == [
        ("tables.first", (3, 4), True)
    ]
    x, table = np.arange(24.0).reshape(2, 3, 4), np.full((3, 4), 5.0, np.float32)
    (y,) = run_module(found.module, [x], WeightStore({"tables.first": table}))
    assert np.array_equal(y, x * 2 + 5)


def test_a_weight_of_integers_is_data_and_not_trained() -> None:
    text = """network M { input: x: (3) layers:
        places = Weight(2, type="int64")
        Lambda("x, p: x[:, p]")(x, places)
    }"""
    (weight,) = program(text).weights
    assert (str(element_of(weight.type)), weight.trainable) == ("i64", False)


def test_a_weight_keeps_its_type_for_what_follows() -> None:
    text = 'network M { input: x: (3) layers: Weight((2, 3), type="float64") Dense(4) }'
    (result,) = the_model(program(text).module).returns
    assert f"{format_shape(shape_of(result))} {element_of(result)}" == "(2, 4) f64"


def test_a_weight_is_applied_to_nothing() -> None:
    assert refusal("network M { input: x: (3) layers: Weight(2)(x) }") == "E0405: `Weight`: it takes no value"


# --- names -----------------------------------------------------------------------------------------------------------
def test_names_with_dots_are_the_fronts_of_names_of_weights() -> None:
    text = """network M { input: (4) layers:
        Dense(4, name="encoder.0.query") Dense(4, name="encoder.1.query") Dense(4)
    }"""
    assert weights_of(text)[::2] == ["encoder.0.query.kernel", "encoder.1.query.kernel", "dense.kernel"]


@pytest.mark.parametrize(
    ("first", "second"), [("a", "a"), ("a", "a.b"), ("a.b", "a"), ("a.b.c", "a.b"), ("a.b", "a.b.c")]
)
def test_no_layer_is_named_as_if_it_stood_within_another_one(first: str, second: str) -> None:
    text = f'network M {{ input: (4) layers: Dense(4, name="{first}") Dense(4, name="{second}") }}'
    assert refusal(text) == f"E0208: another layer here is already named `{second}`"


def test_a_layer_without_a_name_goes_around_those_that_have_one() -> None:
    text = 'network M { input: (4) layers: Dense(4, name="dense.inner") Dense(4) }'
    assert weights_of(text)[::2] == ["dense.inner.kernel", "dense_1.kernel"]


def test_a_use_of_a_macro_and_of_a_network_may_have_a_name() -> None:
    text = """define Two(units) { Dense(units) Dense(units) }
    network Inner { input: (4) layers: Dense(4) }
    network M { input: (4) layers: Two(4, name="stem") Inner(name="body.blocks") * 2 twin = Inner(name="twin") twin() }
    """
    assert [weight.name for weight in load(Source("m.nr", text), network="M").weights][::2] == [
        "stem.dense.kernel",
        "stem.dense_1.kernel",
        "body.blocks.0.dense.kernel",
        "body.blocks.1.dense.kernel",
        "twin.dense.kernel",
    ]


def test_a_parameter_that_is_called_name_is_that_of_the_macro() -> None:
    text = 'define Named(name) { Dense(4, name=name) } network M { input: (4) layers: Named("inner") }'
    assert weights_of(text)[::2] == ["named.inner.kernel"]


# --- shapes without a batch ------------------------------------------------------------------------------------------
def test_a_shape_in_brackets_is_all_of_a_shape() -> None:
    text = """network M { input: { table: [N, 3], scale: [] } where N <= 9
        layers: Lambda("x, s: x * s")(table, scale) }"""
    module = program(text).module
    assert [format_shape(shape_of(argument.type)) for argument in the_model(module).arguments] == ["(N, 3)", "()"]
    (y,) = run_module(module, [np.ones((2, 3)), np.array(4.0)], WeightStore())
    assert np.array_equal(y, np.full((2, 3), 4.0))


def test_inputs_with_and_without_a_batch_stand_side_by_side() -> None:
    text = 'network M { input: { x: (3), t: [3, batch] } layers: Lambda("x, t: x @ t")(x, t) }'
    (result,) = the_model(program(text).module).returns
    assert format_shape(shape_of(result)) == "(batch, batch)"


# --- functions of the graph level ------------------------------------------------------------------------------------
def test_an_op_is_a_function_of_its_operands() -> None:
    text = """network M { input: (5) layers:
        largest, _places = Lambda("x: top_k(x, k=2, axis=1)")
    }"""
    (y,) = run_module(program(text).module, [np.array([[3.0, 9.0, 1.0, 7.0, 2.0]])], WeightStore())
    assert np.array_equal(y, [[9.0, 7.0]])


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("top_k(x, 2, k=1)", "an operand is computed from a value of the model, not from 2"),
        ("top_k(x)", "`top_k` is called as `top_k(*operands, k, axis=-1, largest=True)`"),
        ("top_k(x, x, k=2)", "`top_k` is of 1 values, not of 2"),
        ("top_k(x, k=9, axis=1)", "the 9 first of 5 values"),
        ("top_k(x, k=2, largest=3)", "`largest` is not 3"),
        ("lrn(x, size='a')", '`size` is not "a"'),
        ("resize(x, sizes=(2, 2), mode='best')", "mode is one of nearest, linear, cubic, lanczos3, lanczos5, not best"),
        ("bitcast(x, type=3)", "`type` is a type such as float32, not 3"),
    ],
)
def test_what_an_op_does_not_take_is_told(expression: str, message: str) -> None:
    assert refusal(f'network M {{ input: (5) layers: Lambda("x: {expression}") }}') == f"E0412: {message}"
