"""Convolution and pooling agree with torch in float64, and with ONNX where it goes further, to 1e-10."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.bounds import bounded
from support.compare import assert_close
from support.graph_modules import GraphModule, tensor
from support.layer_cases import CONVOLUTIONS, POOLS, TRANSPOSED, Case, evaluate, formats, laid_out, pool_case
from support.onnx_nodes import run_node
from xdsl.dialects.builtin import f64

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.shapes import window_extent
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import shape_of

torch = pytest.importorskip("torch")
functional = torch.nn.functional
TOLERANCE = 1e-10


def both_formats(case: Case, expected: Any) -> None:
    """The op gives `expected`, which is channels first, in either data format."""
    x, *rest = case.operands()
    for data_format in formats(x):
        found = evaluate(case.op, laid_out(x, data_format), *rest, **case.properties, data_format=data_format)
        assert_close(found, laid_out(expected.numpy(), data_format), TOLERANCE)


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_conv(case: Case) -> None:
    x, kernel, *bias = map(torch.from_numpy, case.operands())
    rank = x.ndim - 2
    pads = case.properties.get("pads", (0,) * 2 * rank)
    around = [side for low, high in zip(pads[:rank][::-1], pads[rank:][::-1], strict=True) for side in (low, high)]
    convolve = getattr(functional, f"conv{rank}d")
    options = {"strides": "stride", "dilations": "dilation", "groups": "groups"}
    expected = convolve(
        functional.pad(x, around),
        kernel.permute(-1, -2, *range(rank)).contiguous(),
        *bias,
        **{name: case.properties[ours] for ours, name in options.items() if ours in case.properties},
    )
    both_formats(case, expected)


@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_conv_transpose(case: Case) -> None:
    x, kernel, *bias = map(torch.from_numpy, case.operands())
    rank = x.ndim - 2
    options = {"strides": "stride", "dilations": "dilation", "groups": "groups", "output_padding": "output_padding"}
    chosen = {name: case.properties[ours] for ours, name in options.items() if ours in case.properties}
    pads = case.properties.get("pads", (0,) * 2 * rank)
    weight = kernel.permute(-2, -1, *range(rank)).double()  # torch has no transposed convolution of integers
    wide = getattr(functional, f"conv_transpose{rank}d")(x.double(), weight, **chosen).to(x.dtype)
    expected = wide[(..., *(slice(pads[i], wide.shape[2 + i] - pads[i + rank]) for i in range(rank)))]
    if bias:
        expected = expected + bias[0].reshape(-1, *[1] * rank)
    both_formats(case, expected)


def test_conv_transpose_adds_any_output_padding() -> None:
    x, kernel = np.ones((1, 1, 2)), np.ones((2, 1, 1))
    found = evaluate(graph.ConvTransposeOp, x, kernel, strides=(3,), output_padding=(4,), data_format="NCW")
    np.testing.assert_array_equal(found[0, 0], [1, 1, 0, 1, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("dtype", [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)])
@pytest.mark.parametrize("op", [graph.ConvOp, graph.ConvTransposeOp])
def test_integers_wrap_around(op: type[Any], dtype: str) -> None:
    """Where three taps meet there are 3 * 2**n / 2, which leaves the highest bit."""
    half = 1 << 8 * np.dtype(dtype).itemsize - 2
    found = evaluate(op, np.full((1, 3, 1), half, dtype), np.full((3, 1, 1), 2, dtype))
    assert found.dtype == dtype
    assert found[0, found.shape[1] // 2, 0].view(f"u{dtype.removeprefix('u')}") == 2 * half


@pytest.mark.parametrize("geometry", POOLS, ids=str)
def test_max_pool(geometry: dict[str, Any]) -> None:
    case = pool_case(graph.MaxPoolOp, geometry)
    (x,) = case.operands()
    both_formats(case, _torch_pool("max_pool", x, geometry, dilation=geometry.get("dilations", 1)))


@pytest.mark.parametrize("include", [False, True], ids=["inside", "padded"])
@pytest.mark.parametrize("geometry", [each for each in POOLS if "dilations" not in each], ids=str)
def test_average_pool(geometry: dict[str, Any], include: bool) -> None:
    case = pool_case(graph.AveragePoolOp, geometry, count_include_pad=include)
    (x,) = case.operands()
    both_formats(case, _torch_pool("avg_pool", x, geometry, count_include_pad=include))


def _torch_pool(name: str, x: Any, geometry: dict[str, Any], **options: Any) -> Any:
    function = getattr(functional, f"{name}{x.ndim - 2}d")
    ceil_mode = geometry.get("ceil_mode", False)
    lists = (geometry["window"], geometry["strides"], geometry.get("pads", 0))
    return function(torch.from_numpy(x), *lists, ceil_mode=ceil_mode, **options)


@pytest.mark.parametrize("include", [0, 1])
@pytest.mark.parametrize("ceil_mode", [0, 1])
def test_average_pool_is_that_of_onnx_with_dilations_and_uneven_padding(ceil_mode: int, include: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 8))
    lists = {"strides": (2, 3), "dilations": (2, 1), "pads": (1, 0, 2, 1)}
    wanted = run_node(
        "AveragePool", x, opset=22, kernel_shape=[3, 3], count_include_pad=include, ceil_mode=ceil_mode,
        **{name: list(values) for name, values in lists.items()},
    )  # fmt: skip
    found = evaluate(
        graph.AveragePoolOp, x, window=(3, 3), **lists, ceil_mode=bool(ceil_mode), count_include_pad=bool(include),
        data_format="NCHW",
    )  # fmt: skip
    assert_close(found, wanted, TOLERANCE)


def test_windows_far_larger_than_the_image_take_no_more_memory() -> None:
    """All windows together would be 24 GB; each of them holds the whole image."""
    x = np.random.default_rng(0).standard_normal((2, 3, 40, 50))
    geometry = {"window": (511, 511), "strides": (1, 1), "pads": (255, 255, 255, 255), "data_format": "NCHW"}
    with bounded(seconds=10):
        mean = evaluate(graph.AveragePoolOp, x, **geometry, count_include_pad=True)
        inside = evaluate(graph.AveragePoolOp, x, **geometry, count_include_pad=False)
        largest = evaluate(graph.MaxPoolOp, x, **geometry)
    over = np.ones_like(x)
    assert_close(mean, over * x.sum((2, 3), keepdims=True) / 511**2, TOLERANCE)
    assert_close(inside, over * x.mean((2, 3), keepdims=True), TOLERANCE)
    np.testing.assert_array_equal(largest, over * x.max((2, 3), keepdims=True))


@pytest.mark.parametrize("geometry", POOLS, ids=str)
def test_arg_max_pool_finds_what_max_pool_gives(geometry: dict[str, Any]) -> None:
    case = pool_case(graph.ArgMaxPoolOp, geometry)
    (x,) = case.operands()
    for data_format in formats(x):
        image = laid_out(x, data_format)
        places = evaluate(graph.ArgMaxPoolOp, image, **case.properties, data_format=data_format)
        values = evaluate(graph.MaxPoolOp, image, **case.properties, data_format=data_format)
        np.testing.assert_array_equal(image.reshape(-1)[places], values)


@pytest.mark.parametrize("geometry", [each for each in POOLS if not each.get("ceil_mode")], ids=str)
def test_arg_max_pool_counts_as_torch_does_within_each_plane(geometry: dict[str, Any]) -> None:
    case = pool_case(graph.ArgMaxPoolOp, geometry)
    (x,) = case.operands()
    function = getattr(functional, f"max_pool{x.ndim - 2}d")
    lists = (geometry["window"], geometry["strides"], geometry.get("pads", 0), geometry.get("dilations", 1))
    _, wanted = function(torch.from_numpy(x), *lists, return_indices=True)
    found = evaluate(graph.ArgMaxPoolOp, x, **case.properties, data_format=formats(x)[0])
    planes = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *[1] * (x.ndim - 2))
    np.testing.assert_array_equal(found, wanted.numpy() + planes * np.prod(x.shape[2:]))


def test_arg_max_pool_takes_the_first_of_equals_a_nan_and_the_first_lowest() -> None:
    x = np.array([[[1.0, 3.0, 3.0, -np.inf, -np.inf, 5.0, np.nan, np.nan]]])
    found = evaluate(graph.ArgMaxPoolOp, x, window=(2,), strides=(1,), pads=(1, 1), data_format="NCW")
    np.testing.assert_array_equal(found[0, 0], [0, 1, 1, 2, 3, 5, 6, 6, 7])


def test_column_major_places_count_rows_first() -> None:
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    found = evaluate(graph.ArgMaxPoolOp, x, window=(2, 2), strides=(1, 2), data_format="NCHW", column_major=True)
    # The largest is the lower right one of each window, (row, column): rows count fastest, planes as before.
    plane = np.array([[row + 3 * column for column in (1, 3)] for row in (1, 2)])
    np.testing.assert_array_equal(found[0], [plane, plane + 12])


def test_max_pool_of_integers_pads_with_nothing() -> None:
    x = np.arange(16, dtype=np.uint8).reshape(1, 1, 16)
    found = evaluate(graph.MaxPoolOp, x, window=(3,), strides=(5,), pads=(1, 1), ceil_mode=True, data_format="NCW")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[0, 0], [1, 6, 11, 15])


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("window", "stride", "dilation", "low", "high"), [
    (3, 2, 1, 0, 0), (3, 2, 1, 1, 1), (2, 3, 1, 1, 1), (2, 4, 1, 0, 1), (3, 2, 2, 2, 1), (2, 5, 1, 1, 1),
])  # fmt: skip
def test_a_symbolic_extent_is_that_of_each_size(
    window: int, stride: int, dilation: int, low: int, high: int, ceil_mode: bool
) -> None:
    symbolic = window_extent(Dim.symbol("S"), window, stride, dilation, low, high, ceil_mode=ceil_mode)
    assert isinstance(symbolic, Dim)
    for size in range(dilation * (window - 1) + 1, 30):
        static = window_extent(size, window, stride, dilation, low, high, ceil_mode=ceil_mode)
        assert symbolic.evaluate({"S": size}) == static


def test_symbolic_sizes_go_through_every_layer() -> None:
    build = GraphModule()

    def body(x: Any) -> Any:
        y = graph.ConvTransposeOp.of(x, build.weight("up", np.ones((3, 3, 2, 3))), strides=(2, 2)).result
        y = graph.ConvOp.of(y, build.weight("kernel", np.ones((3, 2, 3, 4))), strides=(2, 3), pads=(1, 0, 1, 0)).result
        return graph.MaxPoolOp.of(y, window=(2, 2), strides=(2, 2), ceil_mode=True).result

    module = build.model({"x": tensor("batch", "H", "W", 2, element=f64)}, body)
    (result,) = (value for value in graph.the_model(module).terminator.operands)
    shape = shape_of(result.type)
    x = np.ones((2, 5, 7, 2))
    (found,) = run_module(module, [x], build.weights)
    assert found.shape == tuple(
        size if isinstance(size, int) else size.evaluate({"batch": 2, "H": 5, "W": 7}) for size in shape
    )


def test_ceil_mode_never_starts_a_window_in_the_high_padding() -> None:
    x = np.arange(4.0).reshape(1, 1, 4)
    run = {"window": (2,), "strides": (3,), "pads": (1, 1), "ceil_mode": True, "data_format": "NCW"}
    wanted = functional.max_pool1d(torch.from_numpy(x), 2, 3, 1, ceil_mode=True)
    assert_close(evaluate(graph.MaxPoolOp, x, **run), wanted.numpy(), TOLERANCE)
