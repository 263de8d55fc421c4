"""Random expressions mean what numpy makes of them: the interpreter in double precision, native code in single."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.compare import assert_close
from support.nr_programs import program_of
from support.pipelines import compile_native

from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.passes.target import Target

Array = np.ndarray[Any, Any]
SHAPES = {"x": (2, 3, 4), "y": (2, 3, 4), "z": (2, 1, 4)}

# Values stay moderate, so that a difference is a fault and not amplified noise; what jumps is asked of inputs only.
TENSORS = ("x", "y", "z", "x[:, :1]", "y[..., ::-1]", "x[:, -2:-1]", "z[:, 0, None]", "x.mT.mT")
NUMBERS = ("0.5", "3", "-2", "pi", "x.shape[1]", "2 ** 3 % 5", "sqrt(2)")
CONDITIONS = ("x > y", "x < 0", "(x > 0) & (z < 1)", "~(y >= z)", "0 < x", "logical_or(x > 1, y < -1)", "x != y")
OF_ONE = (
    "tanh({0})", "sin({0})", "cos({0})", "arctan({0})", "-{0}", "abs({0})", "sqrt(abs({0}) + 1)", "exp(-abs({0}))",
    "square(tanh({0}))", "log1p(abs({0}))", "tanh({0}) ** 2", "expm1(-abs({0}))", "arcsinh({0})", "cbrt(abs({0}) + 3)",
    "sum({0}, axis=1, keepdims=True) / 3", "mean({0}, axis=-1, keepdims=True)", "max({0}, axis=(1, 2), keepdims=True)",
    "std({0}, axis=1, keepdims=True)", "cumsum({0}, axis=-1) / 4", "flip({0}, axis=-1)", "roll({0}, 1, axis=2)",
    "linalg.norm({0}, axis=-1, keepdims=True)", "concatenate(({0}[:, 1:], {0}[:, :1]), axis=1)", "stack(({0}, {0}))[1]",
    "sort({0}, axis=-1)", "{0}.reshape({0}.shape[0], -1).reshape({0}.shape)",
    "({0} @ {0}.mT).mean(axis=-1, keepdims=True) / 8",
)  # fmt: skip
OF_TWO = (
    "({0} + {1})", "({0} - {1})", "({1} - {0})", "tanh({0}) * {1}", "{1} / (abs({0}) + 2)", "maximum({0}, {1})",
    "minimum({1}, {0})", "hypot({0}, {1})", "logaddexp({0}, {1})", "arctan2({1}, abs({0}) + 1)",
    "(abs({0}) + 1) ** 0.5 * {1}",
)  # fmt: skip


def expressions() -> st.SearchStrategy[str]:
    """Expressions of x, y and z that are tensors."""

    def larger(tensors: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        values = tensors | st.sampled_from(NUMBERS)
        return st.one_of(
            st.builds(str.format, st.sampled_from(OF_ONE), tensors.map("({})".format)),
            st.builds(str.format, st.sampled_from(OF_TWO), tensors.map("({})".format), values.map("({})".format)),
            st.builds("where({}, {}, {})".format, st.sampled_from(CONDITIONS), tensors, values),
        )

    return st.recursive(st.sampled_from(TENSORS), larger, max_leaves=8)


def inputs(seed: int, dtype: str) -> dict[str, Array]:
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=shape).astype(dtype) for name, shape in SHAPES.items()}


def evaluated(text: str, arrays: dict[str, Array]) -> Array:
    """What Python and numpy make of an expression of this file; a root of a number is a number."""
    names = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")}
    function = eval(f"lambda x, y, z: {text}", {**names, "sqrt": lambda v: v**0.5})
    return np.asarray(function(*arrays.values()))


def compiled(text: str, dtype: str) -> Any:
    shapes = {name: f"{shape[1:]} {dtype}" for name, shape in SHAPES.items()}
    return program_of(f'Lambda("x, y, z: {text}")(x, y, z)', shapes).module


@settings(deadline=None, max_examples=30)
@given(expressions(), st.integers(0, 99))
def test_the_reference_is_numpy(text: str, seed: int) -> None:
    arrays = inputs(seed, "float64")
    (found,) = run_module(compiled(text, "float64"), list(arrays.values()), WeightStore())
    assert_close(found, evaluated(text, arrays), 1e-10)


@pytest.mark.thorough
@settings(deadline=None, max_examples=30, derandomize=True)
@given(expressions())
def test_native_code_is_numpy(text: str) -> None:
    module, wide = compiled(text, "float32"), inputs(3, "float32")
    model = compile_native(module, WeightStore(), 2, Target.host())
    assert_close(model(**wide), evaluated(text, {name: array.astype("float64") for name, array in wide.items()}), 1e-5)
