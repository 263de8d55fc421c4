"""Graphs by names on the graph level: branches, shared weights, networks as layers, outputs, independent errors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from support.compare import assert_close
from support.pipelines import assert_native_agrees
from xdsl.dialects.builtin import StringAttr

from neuralc.dialects.graph import DimOp, FuncOp, the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source, UsageError
from neuralc.passes.verifier import verify_module

Arrays = Mapping[str, np.ndarray[Any, Any]]


def loaded(layers: str, clause: str, *, before: str = "", after: str = "", dims: Mapping[str, int] | None = None
           ) -> LoadedProgram:  # fmt: skip
    text = f"{before} network M {{ input: {clause} layers: {layers} {after} }}"
    program = load(Source("m.nr", text), network="M", dims=dims)
    verify_module(program.module)
    return program


def errors_of(
    layers: str, clause: str, *, before: str = "", dims: Mapping[str, int] | None = None
) -> tuple[Diagnostic, ...]:
    with pytest.raises(NeuralcError) as caught:
        loaded(layers, clause, before=before, dims=dims)
    return caught.value.diagnostics


def store_of(program: LoadedProgram) -> WeightStore:
    rng = np.random.default_rng(3)
    return WeightStore({w.name: rng.normal(size=w.shape).astype("float32") for w in program.weights})


def run(program: LoadedProgram, store: WeightStore, *inputs: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Results of the reference; native code gives the same."""
    names = the_model(program.module).inputs
    single = {name: x.astype("float32") for name, x in zip(names, inputs, strict=True)}
    results = [np.asarray(result) for result in run_module(program.module, list(inputs), store)]
    assert_native_agrees(program.module, store, [single], 2)
    return results


def random(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(sum(shape)).normal(size=shape)


# --- values ----------------------------------------------------------------------------------------------------------
def test_branches_run_side_by_side_and_a_merge_takes_their_results() -> None:
    program = loaded("a: { Dense(3) } b: { Dense(2) } Concatenate()", "{ a: (4), b: (5) }")
    store = store_of(program)
    a, b = random(2, 4), random(2, 5)
    (y,) = run(program, store, a, b)
    wide = [x @ store[f"{n}.dense.kernel"] + store[f"{n}.dense.bias"] for n, x in (("a", a), ("b", b))]
    assert_close(y, np.concatenate(wide, 1), 1e-10)


def test_branches_of_new_names_start_from_one_value() -> None:
    program = loaded("left: { Dense(3) } right: { Dense(3) } Add() Add(left, right)", "(4)")
    (result,) = run(program, store_of(program), x := random(2, 4))
    left, right = (x @ store_of(program)[f"{n}.dense.kernel"] + store_of(program)[f"{n}.dense.bias"]
                   for n in ("left", "right"))  # fmt: skip
    assert_close(result, left + right, 1e-10)


def test_outputs_have_the_names_and_order_of_the_clause() -> None:
    program = loaded("x = Dense(3) y = Dense(2)", "(4)", after="outputs: (y, x)")
    assert the_model(program.module).outputs == ("y", "x")
    y, x = run(program, store_of(program), random(2, 4))
    assert (y.shape, x.shape) == ((2, 2), (2, 3))


def test_a_network_that_ends_in_branches_gives_all_of_them() -> None:
    program = loaded("Dense(4) left: { Dense(3) } right: { Dense(2) }", "(4)")
    assert the_model(program.module).outputs == ("left", "right")
    left, right = run(program, store_of(program), random(2, 4))
    assert (left.shape, right.shape) == ((2, 3), (2, 2))
    assert the_model(loaded("left: { Dense(3) } Dense(4)", "(4)").module).outputs == ("dense",)


def test_an_output_may_be_an_input() -> None:
    program = loaded("x = Dense(3)", "a: (4)", after="outputs: (a, x)")
    a, _ = run(program, store_of(program), given := random(2, 4))
    assert_close(a, given, 1e-10)


def test_several_running_values_need_a_merge() -> None:
    (found,) = errors_of("Dense(3)", "{ a: (4), b: (4) }")
    assert (found.code, found.message) == ("E0405", "`Dense`: it takes one value, and 2 values come here")


@pytest.mark.parametrize(
    ("layers", "message", "help"),
    [
        ("Dense(3)(foo=x)", "`Dense`: it takes no value `foo`", None),
        ("MultiHeadAttention(2, 4)(x, valu=x)", "`MultiHeadAttention`: it takes no value `valu`",
         "did you mean `value`?"),
        ("d = LSTM(4) d(x, foo=x)", "`LSTM`: it takes no value `foo`", None),
        ("Add()(x, y=x)", "`Add`: it takes no value `y`", None),
        ("Block()(a=x)", "`Block`: it takes no value `a`", None),
        ("Inner()(y=x)", "`Inner`: it takes no value `y`", "did you mean `x`?"),
    ],
)  # fmt: skip
def test_a_value_by_a_name_that_nothing_has_is_refused(layers: str, message: str, help: str | None) -> None:
    before = "define Block { Dense(3) } network Inner { input: x: (5, 8) layers: Dense(3) }"
    (found,) = errors_of(layers, "x: (5, 8)", before=before)
    assert (found.code, found.message, found.help) == ("E0302", message, help)


def test_the_one_value_of_a_layer_may_be_named() -> None:
    named, plain = (loaded(f"Dense(3)({value})", "x: (8)") for value in ("x=x", "x"))
    assert str(named.module) == str(plain.module)


def test_names_have_to_be_as_many_as_results() -> None:
    (found,) = errors_of("x, y = Dense(3) Add(x, y)", "(4)")
    assert (found.code, found.message) == ("E0212", "this layer gives 1 value, and 2 names stand before it")


# --- shared layers ---------------------------------------------------------------------------------------------------
def test_a_layer_applied_twice_has_one_set_of_weights_under_its_name() -> None:
    program = loaded("enc = Dense(3) x = enc(a) y = enc(b) Subtract(x, y)", "{ a: (4), b: (4) }")
    assert [weight.name for weight in program.weights] == ["enc.kernel", "enc.bias"]
    a, b = random(2, 4), random(3, 4)[:2]
    (result,) = run(program, store := store_of(program), a, b)
    assert_close(result, (a - b) @ store["enc.kernel"], 1e-10)


def test_a_result_has_the_name_that_the_layer_was_given() -> None:
    for layers, name in (("enc = Dense(4) enc(a) Dense(4) enc()", "enc"), ("Dense(4) odds = Dense(3)", "odds")):
        assert the_model(loaded(layers, "a: (4)").module).outputs == (name,)


def test_a_shared_network_has_one_set_of_weights_and_one_function() -> None:
    inner = "network Enc { input: p: (4) layers: Dense(6, relu) Dense(3) }"
    program = loaded("enc = Enc() x = enc(a) y = enc(b) Subtract(x, y)", "{ a: (4), b: (4) }", before=inner)
    assert [weight.name for weight in program.weights] == [
        "enc.dense.kernel", "enc.dense.bias", "enc.dense_1.kernel", "enc.dense_1.bias",
    ]  # fmt: skip
    assert len([op for op in program.module.body.block.ops if isinstance(op, FuncOp)]) == 1
    (same,) = run(program, store_of(program), x := random(2, 4), x)
    assert_close(same, np.zeros((2, 3)), 1e-10)


def test_a_shared_repetition_repeats_its_weights_each_time() -> None:
    program = loaded("enc = Dense(4) * 2 x = enc(a) y = enc(x) Add(x, y)", "a: (4)")
    assert [weight.name for weight in program.weights] == ["enc.0.kernel", "enc.0.bias", "enc.1.kernel", "enc.1.bias"]


def test_a_shared_layer_fits_one_shape_only() -> None:
    (found,) = errors_of("enc = Dense(3) x = enc(a) y = enc(b) Add(x, y)", "{ a: (4), b: (5) }")
    assert found.code == "E0401"
    assert "its shared weight `enc.kernel` has the shape (4, 3), and would need (5, 3) here" in found.message


# --- networks --------------------------------------------------------------------------------------------------------
PAIR = "network Pair(n=3) { input: { p: (4), q: (5) } layers: x = Dense(n)(p) y = Dense(n)(q) outputs: (x, y) }"


def test_a_network_takes_values_by_position_and_name_and_gives_its_outputs() -> None:
    program = loaded("x, y = Pair()(a, q=b) Subtract(x, y)", "{ a: (4), b: (5) }", before=PAIR)
    a, b = random(2, 4), random(2, 5)
    (result,) = run(program, store := store_of(program), a, b)
    wanted = (
        a @ store["pair.dense.kernel"]
        + store["pair.dense.bias"]
        - (b @ store["pair.dense_1.kernel"] + store["pair.dense_1.bias"])
    )
    assert_close(result, wanted, 1e-10)


@pytest.mark.parametrize(
    ("inner", "clause", "words"),
    [
        ("(4)", "(5)", "its input `input` is (batch, 4), and gets (batch, 5)"),
        ("(4, 4)", "(5)", "its input `input` is (batch, 4, 4), and gets (batch, 5)"),
        ("(S, S)", "(5, 4)", "its input `input` is (batch, S, S), and gets (batch, 5, 4)"),
        ("(4) int64", "(4)", "its input `input` is int64, and gets f32"),
    ],
)
def test_what_a_network_gets_is_what_its_inputs_say(inner: str, clause: str, words: str) -> None:
    before = f"network N {{ input: {inner} layers: Flatten() }}"
    (found,) = errors_of("N()", clause, before=before)
    assert found.code == "E0406"
    assert words in found.message


# --- sizes -----------------------------------------------------------------------------------------------------------
def test_sizes_that_a_layer_needs_equal_become_one_and_it_is_told() -> None:
    program = loaded("Add(a, b)", "{ a: (S, 4), b: (T, 4) }")
    (told,) = [message for message in program.warnings if message.code == "W0402"]
    assert told.message.startswith("`S` and `T` have to be equal here")
    run(program, WeightStore(), random(2, 3, 4), random(2, 3, 4))


@pytest.mark.parametrize(
    ("where", "sizes"),
    [
        ("T == 2 * S + 1", "batch, S * 2 + 1"),
        ("T % 4 == 0", "batch, T_by_4 * 4"),
        ("S + 1 == T", "batch, S + 1"),
    ],
)
def test_constraints_are_solved(where: str, sizes: str) -> None:
    program = loaded("Flatten()(b) Add(a, a)", f"{{ a: (S, 4), b: (T, 4) }} where {where}")
    _, b = the_model(program.module).arguments
    assert f"#graph.dims<{sizes}>" in str(b.type)


@pytest.mark.parametrize(
    ("where", "bounds"),
    [
        ("S <= 9, T == 2 * S + 1", {"S": (1, 9)}),
        ("T == 2 * S + 1, T >= 6, T <= 20", {"S": (3, 9)}),
        ("T % 4 == 0, T >= 10, T <= 30", {"S": (1, None), "T_by_4": (3, 7)}),
        ("T == 9 - S", {"S": (1, 8)}),
        ("T == 5", {"S": (1, None)}),
    ],
)
def test_bounds_follow_what_a_size_becomes(where: str, bounds: dict[str, tuple[int, int | None]]) -> None:
    program = loaded("Flatten()(b) Add(a, a)", f"{{ a: (S, 4), b: (T, 4) }} where {where}")
    dims = {op.sym_name.data: op for op in program.module.ops if isinstance(op, DimOp)}
    del dims["batch"]
    found = {
        name: (op.minimum.data.value, None if op.maximum is None else op.maximum.data.value)
        for name, op in dims.items()
    }
    assert found == bounds


def test_a_size_of_one_value_is_a_number() -> None:
    program = loaded("Flatten() Dense(3)", "(S, 4) where S == 6")
    assert [weight.shape for weight in program.weights] == [(24, 3), (3,)]


def test_bounds_that_an_equation_hides_are_an_error() -> None:
    inputs = "{ a: (S, 4), b: (T, 4), c: (U, 4) } where U == S + T, U <= 20"
    (found,) = errors_of("x = Concatenate(a, b, axis=1) Add(x, c)", inputs)
    assert found.code == "E0407"
    assert found.message == "`U <= 20` does not follow from `U == S + T`, and is not checked beside it"
    program = loaded("x = Concatenate(a, b, axis=1) Add(x, c)", f"{inputs}, S <= 10, T <= 10")
    assert "#graph.dims<batch, S + T>" in str(the_model(program.module).arguments[2].type)


@pytest.mark.parametrize(
    ("where", "size", "told"),
    [("S <= 4", 8, "from 1 to 4"), ("S >= 4", 3, "at least 4"), ("S == 4", 5, "4")],
)
def test_a_size_is_fixed_within_its_bounds(where: str, size: int, told: str) -> None:
    with pytest.raises(UsageError, match=f"`S` is {told}") as caught:
        loaded("Dense(3)", f"(S, 8) where {where}", dims={"S": size})
    assert caught.value.diagnostics[0].code == "E0813"


ENCODER = "network Encoder { input: (S, 4) where S <= 16, S % 4 == 0 layers: Dense(4) }"


@pytest.mark.parametrize(
    ("size", "told"),
    [("30", "its `S` is 30, it takes 1 to 16"), ("14", "`S % 4 == 0` cannot hold: 14 leaves 2"), ("12", None)],
)
def test_what_a_network_says_of_its_sizes_is_checked_where_it_is_a_layer(size: str, told: str | None) -> None:
    if told is None:
        assert loaded("Encoder()", f"({size}, 4)", before=ENCODER)
        return
    (found,) = errors_of("Encoder()", f"({size}, 4)", before=ENCODER)
    assert (found.code, found.message) == ("E0407", f"`Encoder`: {told}")


def test_a_size_gets_the_bounds_of_the_network_it_is_given_to() -> None:
    program = loaded("Encoder()", "(T, 4)", before=ENCODER)
    (value,) = the_model(program.module).arguments
    assert "#graph.dims<batch, T_by_4 * 4>" in str(value.type)
    (dim,) = [op for op in program.module.ops if isinstance(op, DimOp) and op.sym_name.data == "T_by_4"]
    assert dim.maximum is not None
    assert (dim.minimum.data.value, dim.maximum.data.value) == (1, 4)


@pytest.mark.parametrize("where", ["S % 4 == 0, S % 6 == 0, S >= 20", "S % 6 == 0, S >= 20, S % 4 == 0"])
def test_all_that_a_network_says_of_a_size_holds_together(where: str) -> None:
    """As where the network itself is compiled: a multiple of 12, from 24 on."""
    before = f"network Encoder {{ input: (S, 4) where {where} layers: Dense(4) }}"
    for program in (loaded("Encoder()", "(S, 4)", before=before), loaded("Dense(4)", f"(S, 4) where {where}")):
        (value,) = the_model(program.module).arguments
        (dim,) = [op for op in program.module.ops if isinstance(op, DimOp) and op.sym_name.data != "batch"]
        assert f"#graph.dims<batch, {dim.sym_name.data} * 12>" in str(value.type)
        assert dim.minimum.data.value == 2


def test_equations_of_a_network_relate_the_sizes_it_is_given() -> None:
    before = "network Pair { input: { a: (S, 4), b: (T, 4) } where T == 2 * S layers: Concatenate(a, b, axis=1) }"
    program = loaded("Pair()(x, y)", "{ x: (A, 4), y: (B, 4) }", before=before)
    assert "#graph.dims<batch, A * 2>" in str(the_model(program.module).arguments[1].type)
    (found,) = errors_of("Pair()(x, y)", "{ x: (3, 4), y: (4, 4) }", before=before)
    assert found.code == "E0407"


def test_an_equation_of_sizes_is_solved() -> None:
    layers = "x = Concatenate(a, a, axis=1) y = Concatenate(b, c, axis=1) Add(x, y)"
    program = loaded(layers, "{ a: (S, 4), b: (T, 4), c: (3, 4) }")
    _, b, _ = the_model(program.module).arguments
    assert "#graph.dims<batch, S * 2 - 3>" in str(b.type)
    run(program, WeightStore(), random(2, 4, 4), random(2, 5, 4), random(2, 3, 4))


def test_sizes_that_cannot_be_equal_are_an_error() -> None:
    (found,) = errors_of("x = Concatenate(a, a, axis=1) Add(x, b)", "{ a: (S, 4), b: (3, 4) }")
    assert found.code == "E0401"
    assert found.message == "`Add`: the sizes of axis 1 differ: (batch, S * 2, 4) and (batch, 3, 4)"


def test_places_that_a_window_took_away_have_a_remedy() -> None:
    (found,) = errors_of("y = Conv2D(3, 3) Add(x, y)", "x: (8, 8, 3)")
    assert found.help == 'a window takes places away at the borders, with `padding="same"` it does not'
    (found,) = errors_of('y = Conv2D(3, 3, strides=2, padding="same") Add(x, y)', "x: (8, 8, 3)")
    assert found.help is None


def test_remainders_are_checked() -> None:
    (found,) = errors_of("Dense(3)", "(S, 8) where S % 4 == 0", dims={"S": 6})
    assert found.message == "`S % 4 == 0` cannot hold: 6 leaves 2"


def test_a_size_outside_its_bounds_is_an_error() -> None:
    (found,) = errors_of("Add(a, b)", "{ a: (S, 4), b: (9, 4) } where S <= 8")
    assert "the sizes of axis 1 differ" in found.message


def test_pinned_sizes_are_numbers_from_the_start() -> None:
    program = loaded("Flatten() Dense(3)", "(S, 4)", dims={"S": 6})
    assert [weight.shape for weight in program.weights] == [(24, 3), (3,)]


# --- errors ----------------------------------------------------------------------------------------------------------
def test_independent_errors_come_in_one_run_and_what_depends_on_them_is_silent() -> None:
    layers = "x = Conv2D(3, 3)(a) Dense(4) Dense(-1) y = Dens(3)(b) z = Conv2D(3, 3)(b) Add(x, y, z)"
    found = errors_of(layers, "{ a: (4), b: (5) }")
    assert [each.code for each in found] == ["E0401", "E0306", "E0201", "E0401"]


def test_an_error_inside_a_macro_is_told_once() -> None:
    found = errors_of("A() A() * 3", "(4)", before="define A { Dense(4) Conv2D(3, 3) }")
    assert [each.code for each in found] == ["E0401"]
    assert found[0].notes[-1] == "in `a`, used in line 1"


def test_a_message_tells_the_path_of_a_shape() -> None:
    (found,) = errors_of("Conv2D(4, 3) Flatten() Dropout(0.5) Conv2D(3, 3)", "image: (8, 8, 1)")
    assert found.notes == (
        "its input (batch, 144) comes from `Dropout` in line 1",
        "`Flatten` in line 1 made it of (batch, 6, 6, 4), which comes from `Conv2D` in line 1",
        "`Conv2D` in line 1 made it of (batch, 8, 8, 1), which is the input `image` in line 1",
    )


@pytest.mark.thorough
def test_functions_in_functions_end_in_bodies_at_the_place_of_use() -> None:
    macros = "".join(f"define A{i} {{ A{i + 1}() Dense(2) }} " for i in range(40)) + "define A40 { Dense(2) }"
    program = loaded("A0()", "(2)", before=macros)
    functions = [op.sym_name.data for op in program.module.body.block.ops if isinstance(op, FuncOp)]
    assert len(functions) == 32
    assert len(program.weights) == 82
    names = [op.properties["sym_name"] for op in program.module.body.block.ops if "sym_name" in op.properties]
    assert len({name.data for name in names if isinstance(name, StringAttr)}) == len(names)
    run(program, store_of(program), random(3, 2))
