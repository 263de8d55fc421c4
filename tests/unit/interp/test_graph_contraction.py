"""matmul, einsum and det agree with torch in float64, to 1e-10 * max(1, max|y|); integers exactly with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import GraphModule, tensor
from support.layer_cases import CONTRACTIONS, Case, evaluate
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, shape_of

torch = pytest.importorskip("torch")
TOLERANCE = 1e-10


@pytest.mark.parametrize("case", CONTRACTIONS, ids=str)
def test_contractions(case: Case) -> None:
    operands = case.operands()
    found = evaluate(case.op, *operands, **case.properties)
    values = [torch.from_numpy(x) for x in operands]
    match case.op:
        case graph.MatmulOp:
            expected = torch.matmul(*values)
        case graph.EinsumOp:
            expected = torch.einsum(case.properties["spec"], *values)
        case _:
            expected = values[0] @ values[1] + values[2]
    assert_close(found, expected.numpy(), TOLERANCE)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint64", "int64"])
def test_products_of_integers_wrap_around_in_their_own_type(dtype: str) -> None:
    a = np.full((2, 3), np.iinfo(dtype).max, dtype)
    expected = np.full((2, 2), 3, dtype)  # (-1 mod 2**n)**2 three times; for signed types the largest is 2**(n-1) - 1
    if np.issubdtype(np.dtype(dtype), np.signedinteger):
        expected = np.full((2, 2), 3, dtype)
    assert evaluate(graph.MatmulOp, a, a.T.copy()).dtype == np.dtype(dtype)
    np.testing.assert_array_equal(evaluate(graph.MatmulOp, a, a.T.copy()), expected)
    np.testing.assert_array_equal(evaluate(graph.EinsumOp, a, a, spec="ij,kj->ik"), expected)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 3), (5, 5), (2, 3, 4, 4), (2, 0, 0)], ids=str)
def test_det(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    assert_close(evaluate(graph.DetOp, x), torch.linalg.det(torch.from_numpy(x)).numpy(), TOLERANCE)


def _type(op: type[graph.MatmulOp] | type[graph.EinsumOp], *shapes: tuple[int | str, ...], **properties: str) -> object:
    def body(*values: SSAValue) -> SSAValue:
        return op.of(*values, **properties).result

    module = GraphModule().model({f"x{i}": tensor(*shape) for i, shape in enumerate(shapes)}, body)
    return shape_of(graph.the_model(module).terminator.operands[0].type)


def test_symbols_that_meet_are_equal() -> None:
    batch, length = tensor("batch"), tensor("length")
    b, s = shape_of(batch)[0], shape_of(length)[0]
    assert _type(graph.MatmulOp, ("batch", 4, "length"), ("length", 3)) == (b, 4, 3)
    assert _type(graph.MatmulOp, (1, "length", 4), ("batch", 4, "length")) == (b, s, s)
    assert _type(graph.EinsumOp, ("batch", "length"), ("length", "batch"), spec="ij,jk->ik") == (b, b)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(3, 4), (3, 4)], r"\(3, 4\) and \(3, 4\) have no matrix product"),
        ([(), (3,)], "have no matrix product"),
        ([("batch", 4, 5), (2, 5, 6)], "do not broadcast"),
    ],
    ids=str,
)
def test_matmul_refuses(shapes: list[tuple[int | str, ...]], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        _type(graph.MatmulOp, *shapes)


@pytest.mark.parametrize(
    ("spec", "shapes", "message"),
    [
        ("ij,jk", [(3, 4), (4, 5)], "an einsum is written"),
        ("...j,jk->...k", [(3, 4), (4, 5)], "an einsum is written"),
        ("ij,jk->ik", [(3, 4), (5, 5)], "letter `j` has sizes 4 and 5"),
        ("ij,jk->il", [(3, 4), (4, 5)], r"letters \['l'\] of the result stand in no operand"),
        ("ij->ii", [(3, 3)], "each letter stands once in the result"),
        ("ij,jk->ik", [(3, 4)], "has 2 operands, got 1"),
        ("ijk->ik", [(3, 4)], '"ijk" does not fit shape'),
        ("ii->i", [(3, 4)], "letter `i` has sizes 3 and 4"),
    ],
    ids=str,
)
def test_einsum_refuses(spec: str, shapes: list[tuple[int | str, ...]], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        _type(graph.EinsumOp, *shapes, spec=spec)
