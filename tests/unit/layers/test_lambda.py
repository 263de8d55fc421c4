"""What a `Lambda` computes, against numpy: the same text is evaluated by Python with numpy's functions.

Types are numpy's as well, but for functions of numbers alone: `sqrt(2)` takes the type of what it meets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from support import nr_programs
from support.nr_programs import program_of
from support.pipelines import compile_native

from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of, numpy_dtype
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.passes.target import Target

pytestmark = pytest.mark.thorough

Array = np.ndarray[Any, Any]
PRECISION = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-10}


def evaluated(text: str, arrays: Mapping[str, Array]) -> list[Array]:
    """What Python and numpy make of the text."""
    names = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")}
    function = eval(f"lambda {text.removeprefix('lambda ')}", {**names, "np": np})  # text of this file
    with np.errstate(all="ignore"):
        found = function(*arrays.values())
    return [np.asarray(each) for each in (found if isinstance(found, tuple) else (found,))]


def lambda_of(text: str, arrays: Mapping[str, Array], sizes: Mapping[str, str] | None = None) -> LoadedProgram:
    shapes = {
        name: f"{(sizes or {}).get(name) or tuple(array.shape[1:])} {array.dtype}" for name, array in arrays.items()
    }
    quote = "'" if '"' in text else '"'
    return program_of(f"Lambda({quote}{text}{quote})({', '.join(arrays)})", shapes)


def agrees(
    text: str, arrays: Mapping[str, Array], *, native: bool = True, sizes: Mapping[str, str] | None = None
) -> None:
    expected = evaluated(text, arrays)
    program = lambda_of(text, arrays, sizes)
    results = the_model(program.module).returns
    assert [numpy_dtype(element_of(type_)) for type_ in results] == [array.dtype for array in expected], text
    found = run_module(program.module, list(arrays.values()), WeightStore(), numerics="rounded")
    close(text, found, expected)
    if native:
        model = compile_native(program.module, WeightStore(), 2, Target.host())
        results = model(**arrays)
        close(text, results if isinstance(results, tuple) else (results,), expected)


def test_floats_are_as_near_as_those_of_layers() -> None:
    """Above each type has its own tolerance; this holds a formula to that of all layers."""
    nr_programs.agrees(
        'Lambda("x: np.sqrt(np.abs(x)) * 2 - x.mean(axis=-1, keepdims=True)")',
        {"x": (5, 4)},
        lambda x, _: np.sqrt(np.abs(x)) * 2 - x.mean(axis=-1, keepdims=True),
    )


def close(text: str, found: Sequence[Array], expected: Sequence[Array]) -> None:
    assert len(found) == len(expected)
    for actual, wanted in zip(found, expected, strict=True):
        assert actual.shape == wanted.shape, text
        if wanted.dtype.kind != "f":
            np.testing.assert_array_equal(actual, wanted, err_msg=text)
            continue
        finite = np.isfinite(wanted)
        np.testing.assert_array_equal(np.where(finite, 0, actual), np.where(finite, 0, wanted), err_msg=text)
        scale = max(1.0, float(np.abs(wanted[finite].astype("float64")).max(initial=0.0)))
        distance = np.abs(actual[finite].astype("float64") - wanted[finite].astype("float64"))
        assert distance.max(initial=0.0) <= PRECISION[wanted.dtype.name] * scale, text


def floats(*shape: int, dtype: str = "float32", seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def whole(*shape: int, dtype: str = "int32", low: int = -9, high: int = 10) -> Array:
    return np.random.default_rng(7).integers(low if not dtype.startswith("u") else 0, high, size=shape).astype(dtype)


X = floats(2, 3, 4)
Y = floats(2, 3, 4, seed=1)
POSITIVE = np.abs(X) + np.float32(0.25)
INSIDE = np.tanh(X).astype("float32") * np.float32(0.9)


# --- functions of each value -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name",
    [
        "negative", "positive", "abs", "absolute", "fabs", "sign", "floor", "ceil", "rint", "trunc", "square", "cbrt",
        "exp", "exp2", "expm1", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "arcsinh", "deg2rad", "radians",
        "rad2deg", "degrees", "isnan", "isinf", "isfinite", "logical_not", "reciprocal", "atan", "asinh",
    ],
)  # fmt: skip
def test_a_function_of_one_value(name: str) -> None:
    agrees(f"x: {name}(x)", {"x": X})


@pytest.mark.parametrize("name", ["log", "log2", "log10", "log1p", "sqrt"])
def test_a_function_of_positive_values(name: str) -> None:
    agrees(f"x: {name}(x)", {"x": POSITIVE})


@pytest.mark.parametrize("name", ["arcsin", "arccos", "arctanh", "asin", "acos", "atanh"])
def test_a_function_of_values_within_one(name: str) -> None:
    agrees(f"x: {name}(x)", {"x": INSIDE})
    agrees("x: arccosh(x)", {"x": POSITIVE + 1})


@pytest.mark.parametrize(
    "name",
    [
        "add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "mod", "remainder", "fmod", "maximum",
        "minimum", "fmax", "fmin", "arctan2", "atan2", "hypot", "logaddexp", "equal", "not_equal", "less", "less_equal",
        "greater", "greater_equal", "logical_and", "logical_or", "logical_xor",
    ],
)  # fmt: skip
def test_a_function_of_two_values(name: str) -> None:
    agrees(f"x, y: {name}(x, y)", {"x": X, "y": Y})


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "float16", "float64", "bool"])
@pytest.mark.parametrize(
    "text",
    [
        "x: x + 1", "x: x * x", "x: x / 2", "x: x // 3", "x: x % 3", "x: x ** 2", "x: abs(x)", "x: exp(x / 4)",
        "x: x > 1", "x: x == 0", "x: floor(x)", "x: square(x)", "x: sum(x, axis=1)", "x: mean(x, axis=-1)",
        "x: x.max(axis=1)", "x: prod(x, axis=2)", "x: cumsum(x, axis=1)", "x: any(x, axis=1)",
        "x: std(x, axis=(1, 2))", "x: sign(x)", "x: where(x > 0, x, 0)", "x: where(x > 0, 1, 0)",
        "x: where(x > 0, 1.0, 0.0)", "x: logical_and(x, x > 1)", "x: argmax(x, axis=1)",
        "x: count_nonzero(x, axis=1)", "x: clip(x, 1, 3)", "x: maximum(x, 2)", "x: astype(x, float32)", "x: -x",
        "x: x.ravel()", "x: isfinite(x)", "x: rint(x)", "x: round(x)",
    ],
)  # fmt: skip
def test_types_are_those_of_numpy(text: str, dtype: str) -> None:
    x = whole(2, 3, 4, dtype="int32").astype(dtype) if dtype != "uint8" else whole(2, 3, 4, dtype=dtype)
    try:
        evaluated(text, {"x": x})
    except TypeError:
        with pytest.raises(NeuralcError, match="does not take bool"):
            lambda_of(text, {"x": x})
        return
    agrees(text, {"x": x}, native=dtype in ("int32", "float16"))


@pytest.mark.parametrize(
    ("left", "right"),
    [("int32", "float32"), ("int64", "float32"), ("int8", "int16"), ("uint8", "int8"), ("float16", "float32"),
     ("bool", "int8"), ("float32", "float64"), ("uint64", "int32"), ("float16", "int16")],
)  # fmt: skip
@pytest.mark.parametrize("text", ["x, y: x + y", "x, y: where(x > 1, x, y)", "x, y: concatenate((x, y), 1)"])
def test_types_meet_as_in_numpy(text: str, left: str, right: str) -> None:
    agrees(text, {"x": whole(2, 3).astype(left), "y": whole(2, 3, low=0).astype(right)}, native=False)


@pytest.mark.parametrize(
    "text", ["x: x & 6", "x: x | 1", "x: x ^ 3", "x: ~x", "x: x << 2", "x: x >> 1", "x: invert(x)"]
)
@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64"])
def test_bits(text: str, dtype: str) -> None:
    agrees(text, {"x": whole(2, 5, dtype=dtype)})


@pytest.mark.parametrize("operator", ["&", "|", "^", "+", "*", "<", "=="])
def test_truth_values(operator: str) -> None:
    agrees(f"x, y: x {operator} ~y", {"x": X > 0, "y": Y > 0})


def test_integers_that_have_no_common_type_are_not_compared() -> None:
    with pytest.raises(NeuralcError, match="`less` does not take uint64 and int64 together"):
        lambda_of("x, y: x < y", {"x": whole(2, 3, dtype="uint64"), "y": whole(2, 3, dtype="int64")})


def test_words_of_logic_are_of_each_value() -> None:
    program = lambda_of("x, y: x > 0 and not y > 0 or x < -1", {"x": X, "y": Y})
    (found,) = run_module(program.module, [X, Y], WeightStore())
    np.testing.assert_array_equal(found, (X > 0) & ~(Y > 0) | (X < -1))
    program = lambda_of("x: 0 < x <= 1", {"x": X})
    np.testing.assert_array_equal(run_module(program.module, [X], WeightStore())[0], (X > 0) & (X <= 1))


@pytest.mark.parametrize("text", ["x, y: x // y", "x, y: x % y", "x, y: x ** y", "x, y: x / y"])
def test_operators_bind_and_compute_as_in_python(text: str) -> None:
    agrees(text, {"x": POSITIVE * 3, "y": Y})


@pytest.mark.parametrize(
    "text",
    [
        "x: -x ** 2", "x: 2 ** -x", "x: 1 - x - 2", "x: 8 / x / 2", "x: x * 2 + 3 % 2", "x: +x - -x",
        "x: (x + 1) * (x - 1)", "x: x if 2 > 3 else -x", "lambda x: x", "x: x * pi + e", "x: x + 2 ** 3 ** 0",
    ],
)  # fmt: skip
def test_operators_bind_as_in_python(text: str) -> None:
    agrees(text, {"x": X})


# --- along axes ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("arguments", ["", ", axis=1", ", axis=-1, keepdims=True", ", axis=(1, 2)", ", (0, 2)"])
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "amax", "var", "std", "ptp"])
def test_a_reduction(name: str, arguments: str) -> None:
    agrees(f"x: {name}(x{arguments})", {"x": X})


@pytest.mark.parametrize(
    "text",
    [
        "x: var(x, axis=1, ddof=1)", "x: x.std(axis=2, ddof=1, keepdims=True)",
        "x: linalg.norm(x, axis=-1, keepdims=True)", "x: np.linalg.norm(x)", "x: argmax(x)", "x: argmin(x, axis=2)",
        "x: argmax(x, axis=1, keepdims=True)", "x: cumsum(x)", "x: cumprod(x, axis=-1)", "x: sort(x)",
        "x: sort(x, axis=1)", "x: diff(x)", "x: diff(x, 2, axis=1)", "x: nan_to_num(log(x))",
        "x: all(x > 0, axis=1)", "x: (x > 0).sum(axis=1)", "x: x.mean()", "x: x - x.mean(axis=1, keepdims=True)",
        "x: x / linalg.norm(x, axis=-1, keepdims=True)", "x: exp(x) / exp(x).sum(axis=-1, keepdims=True)",
    ],
)  # fmt: skip
def test_what_goes_along_an_axis(text: str) -> None:
    agrees(text, {"x": X})


# --- shapes and places -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "x: reshape(x, (x.shape[0], 12))", "x: x.reshape(2, -1)", "x: x.reshape((-1, 2, 6))", "x: x.ravel()",
        "x: x.flatten()", "x: expand_dims(x, 1)", "x: expand_dims(x, (0, -1))", "x: squeeze(x[:, :1])",
        "x: squeeze(x[:, :1], axis=1)", "x: transpose(x)", "x: transpose(x, (0, 2, 1))", "x: x.transpose(0, 2, 1)",
        "x: x.T", "x: x.mT", "x: swapaxes(x, 1, -1)", "x: moveaxis(x, 1, -1)", "x: moveaxis(x, (0, 1), (2, 0))",
        "x: flip(x, axis=1)", "x: flip(x)", "x: concatenate((x, x * 2), axis=-1)", "x: stack((x, -x), axis=1)",
        "x: stack([x, x, x])", "x: split(x, 2, axis=2)[1]", "x: split(x, (1, 3), axis=2)[1]",
        "x: broadcast_to(x[:, :1], x.shape)", "x: repeat(x, 3, axis=1)", "x: tile(x, (1, 2, 1))", "x: tile(x, 2)",
        "x: roll(x, 1, axis=2)", "x: roll(x, -5, axis=1)", "x: pad(x, ((0, 0), (1, 2), (0, 1)))",
        "x: pad(x, 1, mode='edge')", "x: pad(x, (1, 2), constant_values=7)",
        "x: pad(x, ((0, 0), (2, 2), (0, 0)), 'reflect')", "x: tril(x)", "x: triu(x, 1)", "x: tril(x, -1)",
        "x: zeros_like(x)", "x: ones_like(x) * 2", "x: full_like(x, 3)", "x: x + zeros((3, 1))", "x: x * ones(4)",
        "x: x + full((3, 4), 2.5)", "x: x + arange(4)", "x: x * arange(1, 8, 2)",
        "x: x + arange(x.shape[-1]).astype(float32)", "x: astype(x, int32)", "x: x.astype('float64')",
        "x: float32(x > 0)", "x: x.astype(int8).astype(x.dtype)",
    ],
)  # fmt: skip
def test_values_are_moved_as_by_numpy(text: str) -> None:
    agrees(text, {"x": X})


@pytest.mark.parametrize(
    "index",
    [
        "[:, 0]", "[:, -1]", "[:, 1:]", "[:, :-1]", "[:, ::2]", "[..., 0]", "[..., ::-1]", "[:, None]",
        "[:, :, newaxis, 1]", "[..., None]", "[:, 1:1]", "[:, 5:]", "[:, -2:, 1:3]", "[:, 2:0:-1]", "[0]",
        "[:, 1][:, 2]", "[1:, ..., 3]", "[:, (0)]", "[:, x.shape[1] // 2]", "[:, :x.shape[1] - 1]", "[:, -5:2]",
    ],
)  # fmt: skip
def test_indexing(index: str) -> None:
    agrees(f"x: x{index}", {"x": X})


def test_indexing_by_a_tensor_of_places() -> None:
    places = np.array([2, 0, -1, 2])
    for result in ("x[:, i]", "x[..., i]", "take(x, i, axis=1)", "x[:, i, 1:]", "take(x, i)"):
        agrees(f"x, i: {result}", {"x": floats(4, 3, 4), "i": places})
    along = np.array([[[2, 1], [0, 3], [1, 1]], [[0, 0], [3, 2], [2, 1]]])
    agrees("x, i: take_along_axis(x, i, axis=2)", {"x": X, "i": along})


@pytest.mark.parametrize(
    "text",
    [
        "x, y: x @ y.transpose(0, 2, 1)", "x, y: matmul(x, swapaxes(y, 1, 2))", "x, y: x[:, 0] @ y[0, 1]",
        "x, y: einsum('bij,bkj->bik', x, y)", "x, y: einsum('...ij,...ij->...i', x, y)",
        "x, y: einsum('bij,bij', x, y)", "x, y: dot(x, y[0].T)", "x, y: dot(x, y[0, 0])", "x, y: dot(x[0], y.mT)",
        "x, y: einsum('bii->b', x @ y.mT)",
    ],
)  # fmt: skip
def test_products(text: str) -> None:
    agrees(text, {"x": X, "y": Y})


# --- sizes -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "x: x[:, 1:]", "x: x[:, -1]", "x: x[:, :-1] + x[:, 1:]", "x: x[:, ::-1]", "x: x[:, :x.shape[1] // 2]",
        "x: x.reshape(x.shape[0], -1)", "x: x.reshape(x.shape[0], x.shape[1] * 2, 2)",
        "x: x.sum(axis=1) / x.shape[1]", "x: x * arange(x.shape[1])[:, None]",
        "x: concatenate((x, x[:, :1]), axis=1)", "x: tril(x @ x.mT)", "x: x if x.shape[2] == 4 else x * 2",
        "x: x + zeros(x.shape)", "x: x[:, x.shape[1] - 1]", "x: x - x.mean(axis=1, keepdims=True)", "x: x * x.size",
        "x: x / x.shape[1] ** 2", "x: flip(x, 1)", "x: x.var(axis=1, ddof=1)",
    ],
)  # fmt: skip
def test_sizes_that_have_names(text: str) -> None:
    x = floats(2, 6, 4)
    agrees(text, {"x": x}, sizes={"x": "(S, 4)"})


def test_a_function_of_a_size() -> None:
    program = lambda_of("x: x / sqrt(x.shape[1])", {"x": X}, {"x": "(S, 4)"})
    (type_,) = the_model(program.module).returns
    assert str(element_of(type_)) == "f32"
    np.testing.assert_allclose(run_module(program.module, [X], WeightStore())[0], X / np.sqrt(3), rtol=1e-6)


def test_equal_sizes_become_one() -> None:
    program = program_of("Lambda('x, y: x + y')(x, y)", {"x": "(S, 4)", "y": "(T, 4)"})
    assert [found.code for found in program.warnings] == ["W0402"]


# --- as a layer ------------------------------------------------------------------------------------------------------
def test_numbers_alone_are_numbers() -> None:
    program = lambda_of("x: x / sqrt(2) * exp(1)", {"x": X})
    (type_,) = the_model(program.module).returns
    assert str(element_of(type_)) == "f32"
    np.testing.assert_allclose(run_module(program.module, [X], WeightStore())[0], X / 2**0.5 * math.e, rtol=1e-6)


def test_several_results() -> None:
    text = "network M { input: x: (3, 4) layers: a, b = Lambda('x: (x.sum(axis=1), x[:, 0])') Add(a, b) }"
    program = load(Source("m.nr", text))
    x = floats(2, 3, 4)
    np.testing.assert_allclose(run_module(program.module, [x], WeightStore())[0], x.sum(axis=1) + x[:, 0], rtol=1e-6)


def test_functions_of_keras() -> None:
    program = lambda_of(
        "x: relu(x) ** 2 + softmax(x, axis=1) * sigmoid(x) + gelu(x) + leaky_relu(x, 0.5) + erf(x)", {"x": X}
    )
    (found,) = run_module(program.module, [X], WeightStore())
    wide = X.astype("float64")
    powers = np.exp(wide)
    erf = np.vectorize(math.erf)
    expected = np.maximum(wide, 0) ** 2 + powers / powers.sum(axis=1, keepdims=True) / (1 + np.exp(-wide))
    expected += wide * (1 + erf(wide / 2**0.5)) / 2 + np.where(wide > 0, wide, wide / 2) + erf(wide)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_a_layer_behind_computes_in_the_type_of_the_model() -> None:
    program = program_of("Lambda('x: x / 255') Dense(3)", {"x": "(4,) uint8"})
    assert {str(element_of(weight.type)) for weight in program.weights} == {"f32"}


def test_the_shape_of_the_result_may_be_said() -> None:
    assert program_of("Lambda('x: x[:, 0]', output_shape=(4,))", {"x": "(3, 4)"})
    with pytest.raises(NeuralcError, match=r"its result is \(batch, 4\), `output_shape` says \(5,\)"):
        program_of("Lambda('x: x[:, 0]', output_shape=5)", {"x": "(3, 4)"})


# --- what is wrong, and where ----------------------------------------------------------------------------------------
def problem(text: str, shapes: Mapping[str, str] | None = None) -> Diagnostic:
    with pytest.raises(NeuralcError) as caught:
        program_of(text, shapes or {"x": "(3, 4)"})
    (found,) = caught.value.diagnostics
    return found


@pytest.mark.parametrize(
    ("text", "code", "place", "message"),
    [
        ("x: x +", "E0114", "'", "the expression ends too early"),
        ("x * 2", "E0114", "*", "`*` is not expected here"),
        ("x: x ? 2", "E0114", "?", "`?` does not belong into an expression"),
        ("x: sum(axis=1, x)", "E0114", "x", "arguments without a name come first"),
        ("x, x: x", "E0114", "x", "two parameters are called `x`"),
        ("x: xx * 2", "E0411", "xx", "`xx` is not known"),
        ("x: exq(x)", "E0411", "exq", "there is no function `exq`"),
        ("x: tf.exp(x)", "E0411", "tf.exp", "there is no function `tf.exp`"),
        ("x: x.foo", "E0411", "x.foo", "a value has no `foo`"),
        ("x: x.mean", "E0411", "x.mean", "a value has no `mean`"),
        ("x: x.foo()", "E0411", "x.foo", "a value has no method `foo`"),
        ("x: exp", "E0411", "exp", "`exp` is a function"),
        ("x: 1 + x[:, 3]", "E0412", "x[:, 3]", "index 3 is outside of axis 1 of size 3"),
        ("x: x[:, 0, 0, 0]", "E0412", "x[:, 0, 0, 0]", "4 indices for 3 axes"),
        ("x: 2 * sum(x, axis=3)", "E0412", "sum(x, axis=3)", "`axis` 3 is outside of 3 axes"),
        ("x: sum(x, 1, True)", "E0412", "sum(x, 1, True)", "`sum` is called as `sum(x, axis=None, keepdims=False)`"),
        ("x: sum(x, axes=1)", "E0412", "sum(x, axes=1)", "`sum` is called as `sum(x, axis=None, keepdims=False)`"),
        ("x: x.reshape(2, 5)", "E0412", "x.reshape(2, 5)", "the batch * 12 values of (batch, 3, 4) make no (2, 5)"),
        ("x: x + x[:, :2]", "E0412", "x + x[:, :2]", "the shapes (batch, 3, 4) and (batch, 2, 4) do not broadcast"),
        ("x: x @ x", "E0412", "x @ x", "the shapes (batch, 3, 4) and (batch, 3, 4) have no product of matrices"),
        ("x: concatenate((x, x.mT))", "E0412", "concatenate((x, x.mT))", "axis 1 has the sizes 3 and 4"),
        (
            "x: einsum('bij,bjk->bik', x, x)",
            "E0412",
            "einsum('bij,bjk->bik', x, x)",
            "the letter `j` has the sizes 4 and 3",
        ),
        ("x: x & 1", "E0412", "x & 1", "`bitwise_and` does not take float32 and 1"),
        ("x: 1.0", "E0412", "1.0", "1.0 is no value of the model"),
        ("x: 1 if x > 0 else 0", "E0412", "1 if x > 0 else 0", "`if` decides when the model is compiled"),
        ("x: x[:, x.shape[0]]", "E0412", "x[:, x.shape[0]]", "index batch may be outside of axis 1 of size 3"),
        ("x, y: x", "E0412", "x, y: x", "this expression is of 2 values, and 1 value come here"),
    ],
)
def test_an_error_points_to_the_part(text: str, code: str, place: str, message: str) -> None:
    quote = '"' if "'" in text else "'"
    found = problem(f"Lambda({quote}{text}{quote})")
    assert (found.code, found.span.text if found.span else "") == (code, place)
    assert message in found.message


def test_an_expression_that_comes_through_a_macro_is_told_where_it_is_used() -> None:
    text = "define F(f) { Lambda(f) } network M { input: (3, 4) layers: F('x: x[:, 9]') }"
    with pytest.raises(NeuralcError, match="index 9 is outside of axis 1 of size 3"):
        load(Source("m.nr", text))


def test_a_product_is_of_values() -> None:
    assert problem("Lambda('x: einsum(\"ij\")')").message == "a product is of values, and none is given"


def test_nesting_has_a_bound() -> None:
    found = problem(f"Lambda('x: {'-' * 200}x')")
    assert found.message == "parts of this expression nest more than 100 deep"


def test_shapes_are_shown_with_errors() -> None:
    found = problem("Lambda('x: x[9]')")
    assert found.notes == ("`x` is (batch, 3, 4) float32",)
