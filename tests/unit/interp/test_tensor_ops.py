"""Every tensor op agrees with an independent definition: torch's where it has one, a few lines of numpy otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.compare import assert_close

from neuralc.dialects import tensor
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.tensor import SEMANTICS
from neuralc.dialects.weights import WeightStore
from neuralc.passes.parsing import parse_module
from neuralc.passes.verifier import verify_module

TOLERANCE = 1e-10


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def evaluate(body: str, result: str, *operands: Any, numerics: str = "exact") -> Any:
    """Run `body`, which defines %y, on %x0, %x1, .. of the operands' shapes, as f32 unless they are integers."""
    element = {"f": "f32", "i": "i32", "b": "i1"}
    types = ["tensor<" + "".join(f"{n}x" for n in x.shape) + element[x.dtype.kind] + ">" for x in operands]
    arguments = ", ".join(f"%x{i}: {type_}" for i, type_ in enumerate(types))
    names = ", ".join(f'"x{i}"' for i in range(len(operands)))
    module = parse_module(
        f"""builtin.module {{
          graph.model @m({arguments}) -> ({result}) inputs [{names}] outputs ["y"] {{
            {body}
            graph.return %y
          }}
        }}"""
    )
    verify_module(module)
    (found,) = run_module(module, list(operands), WeightStore(), numerics=numerics)
    return found


def test_map_broadcasts_and_transposes_by_its_subscripts() -> None:
    x, bias, scale = normal(2, 3, 4), normal(4, seed=1), normal(3, 1, 2, seed=2)
    body = """%y = tensor.map "abc,c,b1a->abc" %x0, %x1, %x2 -> tensor<2x3x4xf32> {
      ^bb0(%0: f32, %1: f32, %2: f32):
        %3 = tensor.number 0.1 -> f32
        %4 = tensor.scalar fma %0, %2, %1 -> f32
        %5 = tensor.scalar add %4, %3 -> f32
        tensor.yield %5
      }"""
    expected = x * scale[:, 0, :].T[:, :, None] + bias + 0.1
    assert_close(evaluate(body, "tensor<2x3x4xf32>", x, bias, scale), expected, TOLERANCE)


def test_map_that_yields_less_than_its_result_is_broadcast() -> None:
    body = """%y = tensor.map "b->ab" %x0 -> tensor<3x2xf32> {
      ^bb0(%0: f32):
        tensor.yield %0
      }"""
    x = normal(2)
    assert_close(evaluate(body, "tensor<3x2xf32>", x), np.stack([x, x, x]), TOLERANCE)


def test_map_compares_selects_and_converts() -> None:
    body = """%y = tensor.map "a,a->a" %x0, %x1 -> tensor<4xi32> {
      ^bb0(%0: f32, %1: f32):
        %2 = tensor.scalar lt %0, %1 -> i1
        %3 = tensor.scalar select %2, %0, %1 -> f32
        %4 = tensor.scalar convert %3 -> i32
        tensor.yield %4
      }"""
    a, b = np.array([1.9, -5.5, np.nan, 1e20]), np.array([3.0, -7.5, np.nan, 1e30])
    np.testing.assert_array_equal(evaluate(body, "tensor<4xi32>", a, b), [1, -7, 0, 2**31 - 1])


def test_map_rounds_each_scalar_op() -> None:
    body = """%y = tensor.map "a,a->a" %x0, %x1 -> tensor<1xf32> {
      ^bb0(%0: f32, %1: f32):
        %2 = tensor.scalar add %0, %1 -> f32
        %3 = tensor.scalar sub %2, %0 -> f32
        tensor.yield %3
      }"""
    big, small = np.array([2.0**24], np.float32), np.array([1.0], np.float32)
    assert evaluate(body, "tensor<1xf32>", big, small, numerics="rounded")[0] == 0.0
    assert evaluate(body, "tensor<1xf32>", big, small)[0] == 1.0


@pytest.mark.parametrize(
    ("spec", "shapes", "result"),
    [
        ("mk,kn->mn", [(3, 4), (4, 5)], (3, 5)),
        ("bmk,bkn->bmn", [(2, 3, 4), (2, 4, 5)], (2, 3, 5)),
        ("km,kn->nm", [(4, 3), (4, 5)], (5, 3)),
        ("m1k,1kn->mn", [(3, 1, 4), (1, 4, 5)], (3, 5)),
        ("mk,k->m", [(3, 4), (4,)], (3,)),
        ("mkl,lkn->mn", [(3, 2, 4), (4, 2, 5)], (3, 5)),
        ("nhwijgc,ijcgo->nhwgo", [(1, 2, 3, 2, 2, 3, 2), (2, 2, 2, 3, 4)], (1, 2, 3, 3, 4)),
    ],
)
def test_contract_sums_products(spec: str, shapes: list[tuple[int, ...]], result: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    a, b = normal(*shapes[0]), normal(*shapes[1], seed=1)
    type_ = "tensor<" + "".join(f"{n}x" for n in result) + "f32>"
    expected = torch.einsum(
        spec.replace("1", ""), *(torch.from_numpy(x.squeeze()) if "1" in spec else torch.from_numpy(x) for x in (a, b))
    )
    assert_close(evaluate(f'%y = tensor.contract "{spec}" %x0, %x1 -> {type_}', type_, a, b), expected, TOLERANCE)


def test_contract_accumulates_wider_than_its_type() -> None:
    a = np.full((1, 2**12), 0.1, np.float32)
    found = evaluate('%y = tensor.contract "mk,nk->mn" %x0, %x0 -> tensor<1x1xf32>', "tensor<1x1xf32>", a)
    rounded = evaluate(
        '%y = tensor.contract "mk,nk->mn" %x0, %x0 -> tensor<1x1xf32>', "tensor<1x1xf32>", a, numerics="rounded"
    )
    assert rounded[0, 0] == np.float32(found[0, 0])


@pytest.mark.parametrize(
    ("kind", "reference"), [("add", np.sum), ("mul", np.prod), ("maximum", np.max), ("minimum", np.min)]
)
@pytest.mark.parametrize("dims", [(0,), (1, 2), (0, 1, 2)], ids=str)
def test_reduce(kind: str, reference: Any, dims: tuple[int, ...]) -> None:
    x = normal(3, 4, 5)
    x[1, 2, 3] = np.nan
    expected = reference(x, axis=dims)
    type_ = "tensor<" + "".join(f"{n}x" for n in expected.shape) + "f32>"
    found = evaluate(f"%y = tensor.reduce {kind} %x0 {{dims = {list(dims)}}} -> {type_}", type_, x)
    assert_close(found, expected, TOLERANCE)


def test_reduce_of_truth_values() -> None:
    x = np.array([[True, False], [True, True]])
    found = evaluate("%y = tensor.reduce and %x0 {dims = [1]} -> tensor<2xi1>", "tensor<2xi1>", x)
    np.testing.assert_array_equal(found, [False, True])


@pytest.mark.parametrize(
    ("strides", "dilations", "height", "width"),
    [((1, 1), (1, 1), 5, 6), ((2, 1), (1, 3), 3, 4), ((2, 3), (2, 1), 2, 2)],
)
def test_window_is_torch_unfold(strides: Any, dilations: Any, height: int, width: int) -> None:
    torch = pytest.importorskip("torch")
    x = normal(2, 7, 7, 3)
    type_ = f"tensor<2x{height}x{width}x3x2x3xf32>"
    body = (
        f"%y = tensor.window %x0 {{dims = [1, 2], sizes = [3, 2], strides = {list(strides)}, "
        f"dilations = {list(dilations)}}} -> {type_}"
    )
    columns = torch.nn.functional.unfold(torch.from_numpy(x).permute(0, 3, 1, 2), (3, 2), dilations, 0, strides)
    expected = columns.reshape(2, 3, 3, 2, height, width).permute(0, 4, 5, 2, 3, 1)
    assert_close(evaluate(body, type_, x), expected, TOLERANCE)


def test_a_window_over_one_dim_stands_behind_it() -> None:
    x = normal(2, 5, 3)
    body = "%y = tensor.window %x0 {dims = [1], sizes = [2], strides = [2], dilations = [2]} -> tensor<2x2x2x3xf32>"
    expected = np.stack([x[:, [0, 2]], x[:, [2, 4]]], axis=1)
    assert_close(evaluate(body, "tensor<2x2x2x3xf32>", x), expected, TOLERANCE)


def test_pad_fill_reshape_and_transpose() -> None:
    x = normal(2, 3)
    body = """%0 = tensor.pad %x0 {low = [1, 0], high = [0, 2], value = -1.5} -> tensor<3x5xf32>
      %1 = tensor.transpose %0 {perm = [1, 0]} -> tensor<5x3xf32>
      %2 = tensor.reshape %1 -> tensor<15xf32>
      %3 = tensor.fill 0.1 -> tensor<15xf32>
      %y = tensor.map "a,a->a" %2, %3 -> tensor<15xf32> {
      ^bb0(%4: f32, %5: f32):
        %6 = tensor.scalar add %4, %5 -> f32
        tensor.yield %6
      }"""
    expected = np.pad(x, ((1, 0), (0, 2)), constant_values=-1.5).T.reshape(15) + 0.1
    assert_close(evaluate(body, "tensor<15xf32>", x), expected, TOLERANCE)


def test_pack_puts_panels_outermost_and_unpack_takes_them_back() -> None:
    x = normal(2, 3, 5)
    found = evaluate("%y = tensor.pack %x0 {panel = 4} -> tensor<2x2x3x4xf32>", "tensor<2x2x3x4xf32>", x)
    assert_close(found[0], x[..., :4], 0)
    assert_close(found[1, ..., 0], x[..., 4], 0)
    assert (found[1, ..., 1:] == 0).all()
    body = """%0 = tensor.pack %x0 {panel = 4} -> tensor<2x2x3x4xf32>
      %y = tensor.unpack %0 -> tensor<2x3x5xf32>"""
    assert_close(evaluate(body, "tensor<2x3x5xf32>", x), x, 0)


def test_group_hands_out_what_its_region_yields() -> None:
    body = """%0, %y = tensor.group "pair"(%a = %x0, %b = %x1) -> (tensor<2xf32>, tensor<2xf32>) {
        tensor.yield %b, %a
      }"""
    a, b = normal(2), normal(2, seed=1)
    assert_close(evaluate(body, "tensor<2xf32>", a, b), a, 0)


def test_every_tensor_op_has_semantics() -> None:
    inside_a_map = {tensor.ScalarOp, tensor.NumberOp, tensor.PositionOp, tensor.SizeOp, tensor.AtOp, tensor.YieldOp}
    assert set(SEMANTICS) == set(tensor.Tensor.operations) - inside_a_map
