"""roi_align, max_roi_pool, deform_conv and fold are ONNX's, as its reference and onnxruntime compute them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from support.compare import assert_close
from support.layer_cases import evaluate
from support.onnx_nodes import run_node
from support.sampling_cases import BATCH_INDICES, DEFORMED, FOLDS, ROIS, deformed_operands, fold_properties, patches_of
from support.tables import few_of

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError
from neuralc.grammar.diagnostics import NeuralcError

torch = pytest.importorskip("torch")
TOLERANCE = 1e-10
SINGLE = 1e-5
"""onnxruntime has these ops in single precision only."""


def onnxruntime_node(op: str, *operands: Any, opset: int = 16, **attributes: Any) -> Any:
    """The first result of an op in onnxruntime, in single precision."""
    arrays = [np.asarray(x, np.float32) if np.asarray(x).dtype == np.float64 else np.asarray(x) for x in operands]
    names = [f"x{i}" for i in range(len(arrays))]
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in zip(names, arrays, strict=True)
    ]
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    node = onnx.helper.make_node(op, names, ["y"], **attributes)
    opsets = [onnx.helper.make_opsetid("", opset)]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", inputs, [output]), opset_imports=opsets, ir_version=10
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip(names, arrays, strict=True)))[0]


def image(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("half_pixel", [True, False])
@pytest.mark.parametrize("ratio", [0, 1, 2, 3])
@pytest.mark.parametrize("mode", ["average", "maximum"])
def test_roi_align(mode: str, ratio: int, half_pixel: bool) -> None:
    x = image(2, 3, 8, 10)
    expected = onnxruntime_node(
        "RoiAlign", x, ROIS, BATCH_INDICES, output_height=3, output_width=2, sampling_ratio=ratio, spatial_scale=0.7,
        mode={"average": "avg", "maximum": "max"}[mode],
        coordinate_transformation_mode="half_pixel" if half_pixel else "output_half_pixel",
    )  # fmt: skip
    found = evaluate(
        graph.RoiAlignOp, x, ROIS, BATCH_INDICES, sizes=(3, 2), sampling_ratio=ratio, spatial_scale=0.7, mode=mode,
        half_pixel=half_pixel,
    )  # fmt: skip
    assert_close(found, expected, SINGLE)


def test_regions_of_an_image_that_is_not_there_are_an_error_of_the_run() -> None:
    with pytest.raises(NeuralcError, match="E0910"):
        evaluate(graph.RoiAlignOp, image(1, 1, 4, 4), ROIS[:1], np.array([1]), sizes=(2, 2))


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
def test_max_roi_pool(scale: float) -> None:
    x = image(2, 3, 8, 10)
    rois = np.concatenate([BATCH_INDICES[:, None], np.round(ROIS)], axis=1)
    expected = onnxruntime_node("MaxRoiPool", x, rois, pooled_shape=[3, 2], spatial_scale=scale)
    assert_close(evaluate(graph.MaxRoiPoolOp, x, rois, sizes=(3, 2), spatial_scale=scale), expected, SINGLE)


@pytest.mark.parametrize("extra", few_of(["both", "plain", "bias", "mask"]))
@pytest.mark.parametrize("geometry", DEFORMED, ids=str)
def test_deform_conv(geometry: dict[str, Any], extra: str) -> None:
    (x, offset, kernel, mask, bias), properties = deformed_operands(geometry, "float64")
    kh, kw = kernel.shape[:2]
    named = {"strides": "strides", "pads": "pads", "dilations": "dilations", "groups": "group"}
    attributes = {theirs: properties[ours] for ours, theirs in named.items() if ours in properties}
    expected = run_node(
        "DeformConv", x, kernel.transpose(3, 2, 0, 1), offset, bias if extra in ("bias", "both") else None,
        mask if extra in ("mask", "both") else None, opset=22, kernel_shape=[kh, kw],
        offset_group=properties.get("offset_groups", 1),
        **{name: list(value) if isinstance(value, tuple) else value for name, value in attributes.items()},
    )  # fmt: skip
    rest = [mask] * (extra in ("mask", "both")) + [bias] * (extra in ("bias", "both"))
    # ONNX's reference makes its sampling grid in single precision.
    assert_close(evaluate(graph.DeformConvOp, x, offset, kernel, *rest, **properties), expected, SINGLE)


def test_deform_conv_without_offsets_is_a_convolution() -> None:
    x, kernel, lists = image(2, 4, 6, 7), image(3, 3, 2, 6), {"strides": (2, 1), "pads": (1, 0, 1, 0), "groups": 2}
    expected = evaluate(graph.ConvOp, x, kernel, **lists, data_format="NCHW")
    offset = np.zeros((2, 18, *expected.shape[2:]))
    assert_close(evaluate(graph.DeformConvOp, x, offset, kernel, **lists), expected, TOLERANCE)


def test_a_deformed_tap_reads_between_pixels() -> None:
    x, offset = image(1, 1, 5, 6), image(1, 2, 5, 6) * 3
    ys, xs = np.arange(5)[:, None] + offset[0, 0], np.arange(6) + offset[0, 1]
    grid = torch.from_numpy(np.stack([xs / 2.5 - 1, ys / 2 - 1], axis=-1)[None])
    expected = torch.nn.functional.grid_sample(torch.from_numpy(x), grid, align_corners=True)
    assert_close(evaluate(graph.DeformConvOp, x, offset, np.ones((1, 1, 1, 1))), expected.numpy(), TOLERANCE)


@pytest.mark.parametrize("geometry", [each for each in FOLDS if len(each["window"]) == 2], ids=str)
def test_fold(geometry: dict[str, Any]) -> None:
    lists = (geometry["window"], geometry["dilations"], geometry["pads"], geometry["strides"])
    x = patches_of(geometry, "float64")
    expected = torch.nn.functional.fold(torch.from_numpy(x), geometry["sizes"], *lists)
    assert_close(evaluate(graph.FoldOp, x, **fold_properties(geometry)), expected.numpy(), TOLERANCE)


def test_fold_adds_up_along_one_dim_and_three() -> None:
    x = np.ones((1, 2, 4))
    line = {"sizes": (5,), "window": (2,), "strides": (1,), "dilations": (1,), "pads": (0,)}
    np.testing.assert_array_equal(evaluate(graph.FoldOp, x, **fold_properties(line))[0, 0], [1, 2, 2, 2, 1])
    cube = {"sizes": (2, 2, 3), "window": (2,) * 3, "strides": (1,) * 3, "dilations": (1,) * 3, "pads": (0,) * 3}
    found = evaluate(graph.FoldOp, np.ones((1, 8, 2)), **fold_properties(cube))
    np.testing.assert_array_equal(found[0, 0], np.broadcast_to([1, 2, 1], (2, 2, 3)))


def test_fold_refuses_patches_that_are_not_those_of_its_windows() -> None:
    with pytest.raises(ShapeError, match=r"patches are \[N, C \* 6, 16\], got \(1, 6, 15\)"):
        evaluate(graph.FoldOp, np.ones((1, 6, 15)), **fold_properties(FOLDS[0]))
