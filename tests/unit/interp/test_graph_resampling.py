"""resize agrees with onnx.reference and torch, grid_sample with torch, in float64 to 1e-10 * max(1, max|y|)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference.ops import op_resize
from support.compare import assert_close
from support.graph_modules import single_op
from xdsl.dialects.builtin import f64
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects import graph
from neuralc.dialects.graph.resampling import COORDINATES, ROUNDINGS
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import tensor_type
from neuralc.dialects.weights import WeightStore

torch = pytest.importorskip("torch")
functional = torch.nn.functional
TOLERANCE = 1e-10
ONNX_COORDINATES = [name for name in COORDINATES if name != "tf_half_pixel_for_nn"]
"""The reference does not have the mode that only opset 11 had."""


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def resize(x: Any, shape: tuple[int, ...], **properties: Any) -> Any:
    module = single_op(graph.ResizeOp, x, result=tensor_type(shape, f64), **properties)
    module.verify()
    return run_module(module, [x], WeightStore())[0]


def onnx_resize(x: Any, shape: tuple[int, ...], **properties: Any) -> Any:
    """The functions of onnx.reference themselves: its evaluator passes the cubic coefficient on in float32."""
    antialias, mode = properties.get("antialias", False), properties["mode"]
    if mode == "nearest":
        rounding = properties.get("nearest_mode", "round_prefer_floor")
        weights = lambda ratio, scale: op_resize._nearest_coeffs(ratio, rounding)  # noqa: E731
    else:
        weights = getattr(op_resize, f"_{mode}_coeffs" + ("_antialias" if antialias else ""))
    scales = properties.get("scales")
    return op_resize._interpolate_nd(
        x,
        weights,
        output_size=None if scales else list(shape),
        scale_factors=None if scales is None else list(scales),
        roi=properties.get("roi"),
        exclude_outside=properties.get("exclude_outside", False),
        coordinate_transformation_mode=properties["coordinates"],
        extrapolation_value=properties.get("extrapolation_value", 0.0),
    )


@st.composite
def resizings(draw: st.DrawFn) -> dict[str, Any]:
    """A size before and after, and properties of a resize of one dim."""
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    case: dict[str, Any] = {"n": draw(st.integers(1, 7)), "mode": mode}
    case["coordinates"] = draw(st.sampled_from(ONNX_COORDINATES))
    case["nearest_mode"] = draw(st.sampled_from(ROUNDINGS))
    case["exclude_outside"] = mode == "cubic" and draw(st.booleans())
    case["antialias"] = mode != "nearest" and draw(st.booleans())
    if case["coordinates"] == "tf_crop_and_resize":
        case["roi"] = (draw(st.sampled_from([0.0, 0.25, -0.2])), draw(st.sampled_from([1.0, 0.6, 1.3])))
        case["extrapolation_value"] = 7.5
    if draw(st.booleans()):
        case["scales"] = (draw(st.sampled_from([0.5, 0.75, 1.25, 1.5, 2.0, 2.625, 3.0])),)
        case["out"] = int(case["n"] * case["scales"][0])
    else:
        case["out"] = draw(st.integers(1, 15))
    return case


@given(resizings())
def test_resize_of_one_dim_is_onnx(case: dict[str, Any]) -> None:
    n, out = case.pop("n"), case.pop("out")
    if out == 0 or (out == 1 and case["coordinates"] == "pytorch_half_pixel" and case["mode"] == "cubic"):
        return  # the reference reads at -0.5 where the specification says 0
    if case["coordinates"] == "half_pixel_symmetric" and case["mode"] == "nearest" and "scales" in case:
        return  # coordinates a rounding error beside an integer, for which the reference takes a place too low
    x = normal(n)
    assert_close(resize(x, (out,), **case), onnx_resize(x, (out,), **case), TOLERANCE)


@pytest.mark.parametrize("coordinates", ONNX_COORDINATES)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_resize_of_several_dims_is_onnx(mode: str, coordinates: str) -> None:
    x, shape = normal(2, 3, 5, 4), (2, 3, 3, 9)
    roi = (0.0, 0.0, 0.1, -0.2, 1.0, 1.0, 0.8, 1.2)
    properties = {"roi": roi, "extrapolation_value": 2.0} if coordinates == "tf_crop_and_resize" else {}
    properties |= {"mode": mode, "coordinates": coordinates}
    assert_close(resize(x, shape, **properties), onnx_resize(x, shape, **properties), TOLERANCE)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("size", [(3, 9), (10, 2), (5, 6)])
def test_resize_is_torch_interpolate(mode: str, align: bool, antialias: bool, size: tuple[int, int]) -> None:
    x = normal(1, 2, 5, 6)
    expected = functional.interpolate(
        torch.from_numpy(x), size, mode=f"bi{mode}", align_corners=align, antialias=antialias
    ).numpy()
    properties: dict[str, Any] = {"mode": mode, "coordinates": "align_corners" if align else "half_pixel"}
    if antialias:  # torch leaves out what is outside, and uses the coefficient of Catmull and Rom
        properties |= {"antialias": True, "exclude_outside": True, "cubic_coeff_a": -0.5}
    if antialias and align:
        return  # torch narrows the filter by (n - 1) / (out - 1), ONNX by n / out
    assert_close(resize(x, (1, 2, *size), **properties), expected, TOLERANCE)


def test_tf_half_pixel_for_nn_does_not_move_back() -> None:
    """Opset 11: x = (i + 0.5) / s."""
    found = resize(np.arange(4.0), (2,), coordinates="tf_half_pixel_for_nn", nearest_mode="floor")
    np.testing.assert_array_equal(found, [1, 3])


def test_upsample_repeats_values() -> None:
    x = normal(1, 2, 3, 2)
    found = resize(x, (1, 2, 6, 6), coordinates="asymmetric", nearest_mode="floor", scales=(1.0, 1.0, 2.0, 3.0))
    np.testing.assert_array_equal(found, x.repeat(2, axis=2).repeat(3, axis=3))


def test_nearest_takes_integers() -> None:
    x = np.array([3, 1, 2], np.int8)
    module = single_op(graph.ResizeOp, x, result=tensor_type((6,), graph_type(x)), coordinates="asymmetric")
    found = run_module(module, [x], WeightStore())[0]
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, [3, 3, 1, 1, 2, 2])


def graph_type(x: Any) -> Any:
    from neuralc.dialects.types import element_type_of

    return element_type_of(x.dtype)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"mode": "area"}, "mode is one of nearest, linear, cubic"),
        ({"antialias": True}, "antialias weighs several"),
        ({"scales": (2.0, 2.0)}, "one positive entry for each of 1 dims"),
        ({"roi": (0.0, 1.0)}, "roi is given for tf_crop_and_resize"),
        ({"coordinates": "tf_crop_and_resize"}, "roi is given for tf_crop_and_resize"),
    ],
)
def test_resize_that_means_nothing_is_refused(properties: dict[str, Any], message: str) -> None:
    with pytest.raises(VerifyException, match=message):
        resize(np.zeros(4), (8,), **properties)


# -- grid_sample -----------------------------------------------------------------------------------------------------

MODES = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}


def grid_sample(x: Any, grid: Any, **properties: Any) -> Any:
    return run_module(single_op(graph.GridSampleOp, x, grid, **properties), [x, grid], WeightStore())[0]


@given(
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    mode=st.sampled_from(sorted(MODES)),
    padding=st.sampled_from(["zeros", "border", "reflection"]),
    align=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_grid_sample_is_torch(sizes: tuple[int, int], mode: str, padding: str, align: bool, seed: int) -> None:
    x, grid = normal(2, 3, *sizes, seed=seed), normal(2, 4, 3, 2, seed=seed + 1) * 1.5
    found = grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=align)
    expected = functional.grid_sample(
        torch.from_numpy(x), torch.from_numpy(grid), mode=MODES[mode], padding_mode=padding, align_corners=align
    )
    assert_close(found, expected.numpy(), TOLERANCE)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_grid_sample_of_volumes_is_torch(mode: str, padding: str, align: bool) -> None:
    x, grid = normal(2, 2, 3, 4, 5), normal(2, 2, 3, 2, 3, seed=1) * 1.5
    found = grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=align)
    expected = functional.grid_sample(
        torch.from_numpy(x), torch.from_numpy(grid), mode=MODES[mode], padding_mode=padding, align_corners=align
    )
    assert_close(found, expected.numpy(), TOLERANCE)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_grid_sample_of_lines_is_that_of_images_of_height_one(mode: str) -> None:
    x, grid = normal(1, 2, 6), normal(1, 5, 1, seed=1)
    image, places = x[:, :, None], np.stack([grid[:, None, :, 0], np.zeros((1, 1, 5))], axis=-1)
    found = grid_sample(x, grid, mode=mode, padding_mode="border")
    np.testing.assert_allclose(found, grid_sample(image, places, mode=mode, padding_mode="border")[:, :, 0])


def test_coordinates_far_outside_and_nan_read_nothing_outside() -> None:
    x, grid = normal(1, 1, 4, 4), np.full((1, 1, 3, 2), 0.0)
    grid[0, 0, 0], grid[0, 0, 1], grid[0, 0, 2, 0] = 1e300, -np.inf, np.nan
    found = grid_sample(x, grid, mode="linear")
    np.testing.assert_array_equal(found[0, 0, 0], [0.0, 0.0, np.nan])
