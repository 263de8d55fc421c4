"""Products and sums where Keras, or TensorFlow below it, does less than the graph level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import Array, GraphModule, tensor
from support.keras_code import run_keras_code
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_type_of

pytestmark = pytest.mark.thorough


def check(body: Callable[..., SSAValue], first: str | int, *inputs: Array) -> None:
    """The same as the interpreter; `first` is the size of the first axis of the first input."""
    given = {f"x{index}": array for index, array in enumerate(inputs)}
    types = {name: tensor(*array.shape, element=element_type_of(array.dtype)) for name, array in given.items()}
    types["x0"] = tensor(first, *inputs[0].shape[1:], element=element_type_of(inputs[0].dtype))
    module = GraphModule().model(types, body)
    (found,), (expected,) = run_keras_code(module, given, {}), run_module(module, given, {})
    assert_close(found, expected, 1e-10)


@pytest.mark.parametrize(
    "product",
    [lambda x, y: graph.MatmulOp.of(x, y), lambda x, y: graph.EinsumOp.of(x, y, spec="ab,bc->ac")],
    ids=["matmul", "einsum"],
)
@pytest.mark.parametrize("name", ["int32", "uint32", "int64"])
def test_products_of_large_integers_wrap_around(product: Any, name: str) -> None:
    limits = np.iinfo(name)
    x = np.array([[limits.max, 3], [limits.max - 1, 5]], name)
    check(lambda a, b: product(a, b).result, 2, x, np.array([[3, limits.max], [7, 2]], name))


def test_a_dim_of_one_is_as_wide_as_it_has_to_be() -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(shape).astype(np.float32) for shape in ((1, 3, 4), (6, 4, 5)))
    check(lambda a, b: graph.EinsumOp.of(a, b, spec="bij,bjk->bik").result, 1, x, y)


def test_sums_of_what_lies_before_along_an_open_axis() -> None:
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    check(lambda a: graph.CumulateOp.of(a, kind="sum", axis=0, exclusive=True).result, "batch", x)


def test_the_sign_of_an_unsigned_number_is_never_negative() -> None:
    x = np.array([[0, 1, 2**31, 2**32 - 1]], np.uint32)
    check(lambda a: graph.SignOp.of(a).result, 1, x)
