"""Layers over images, norms, quantized and recurrent layers, resampling and spectra, against ONNX itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from support.onnx_models import assert_near, node_model, run_neuralc, run_onnxruntime, run_reference
from support.tables import few_of

from neuralc.onnx_backend import BackendIsNotSupposedToImplementIt

Array = NDArray[Any]
RNG = np.random.default_rng(5)


def floats(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def bytes_of(*shape: int, dtype: type = np.uint8) -> Array:
    return RNG.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, shape).astype(dtype)


def check(
    op: str,
    inputs: Mapping[str, Array | None],
    outputs: Sequence[str] = ("y",),
    *,
    against: Callable[..., list[Array]] = run_onnxruntime,
    tolerance: float = 1e-5,
    **options: Any,
) -> onnx.ModelProto:
    """Interpreter and native code give what the other implementation gives."""
    model = node_model(op, inputs, outputs, **options)
    expected = against(model, inputs)
    for target in ("interp", "cpu"):
        assert_near(run_neuralc(model, inputs, target=target), expected, tolerance)
    return model


# --- convolution and pooling -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "attributes",
    [
        {"pads": [1, 0, 2, 1]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 3]},
        {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
        {"auto_pad": "VALID", "strides": [2, 1]},
    ],
    ids=str,
)
def test_conv_pads_as_it_is_told(attributes: dict[str, Any]) -> None:
    check("Conv", {"x": floats(2, 4, 9, 8), "w": floats(6, 4, 3, 2), "b": floats(6)}, weights=["w", "b"], **attributes)


def test_conv_of_a_symbolic_size_keeps_it() -> None:
    """Padding SAME with stride 1 is the same for all sizes."""
    shapes = {"x": ["N", 3, "H", "W"]}
    check(
        "Conv", {"x": floats(2, 3, 7, 5), "w": floats(4, 3, 3, 3)}, weights=["w"], shapes=shapes, auto_pad="SAME_UPPER"
    )


def test_conv_of_a_symbolic_size_with_padding_that_depends_on_it_is_refused() -> None:
    model = node_model(
        "Conv", {"x": floats(1, 3, 7, 5), "w": floats(4, 3, 3, 3)}, weights=["w"],
        shapes={"x": [1, 3, "H", 5]}, auto_pad="SAME_UPPER", strides=[2, 2],
    )  # fmt: skip
    with pytest.raises(BackendIsNotSupposedToImplementIt, match="auto_pad of a symbolic size"):
        run_neuralc(model, {"x": floats(1, 3, 7, 5)})


@pytest.mark.parametrize(
    "attributes",
    [
        {"strides": [2, 3], "pads": [1, 0, 1, 2], "output_padding": [1, 1]},
        {"strides": [2, 2], "output_shape": [10, 9]},
        {"strides": [2, 2], "output_shape": [10, 9], "auto_pad": "SAME_UPPER"},
        {"strides": [3, 2], "auto_pad": "SAME_LOWER"},
        {"group": 2, "dilations": [2, 1]},
    ],
    ids=str,
)
def test_conv_transpose_of_a_size(attributes: dict[str, Any]) -> None:
    check("ConvTranspose", {"x": floats(1, 4, 5, 4), "w": floats(4, 3, 3, 2)}, weights=["w"], **attributes)


@pytest.mark.parametrize("ceil_mode", [0, 1])
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pools_at_the_border(op: str, ceil_mode: int) -> None:
    check(op, {"x": floats(1, 3, 8, 7)}, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=ceil_mode)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_lp_pool_sums_powers(p: int) -> None:
    x = {"x": floats(2, 3, 6, 7)}
    check("LpPool", x, kernel_shape=[2, 3], strides=[2, 1], pads=[0, 1, 0, 1], p=p)
    model = node_model("GlobalLpPool", x, p=p)
    expected = (np.abs(x["x"].astype(np.float64)) ** p).sum(axis=(2, 3), keepdims=True) ** (1 / p)
    assert_near(run_neuralc(model, x), [expected.astype(np.float32)])


def test_max_unpool_is_the_inverse_of_its_pool() -> None:
    x = RNG.permutation(64).reshape(1, 1, 8, 8).astype(np.float32)
    pool = node_model("MaxPool", {"x": x}, ("y", "places"), kernel_shape=[2, 2], strides=[2, 2])
    y, places = run_neuralc(pool, {"x": x})
    assert_near([y, places], run_reference(pool, {"x": x}))
    model = check(
        "MaxUnpool", {"y": y, "places": places}, ("z",), against=run_reference, kernel_shape=[2, 2], strides=[2, 2]
    )
    (z,) = run_neuralc(model, {"y": y, "places": places})
    np.testing.assert_array_equal(z[z != 0], x[z != 0])


# --- norms -------------------------------------------------------------------------------------------------------
def test_group_norm_18_has_a_scale_for_each_group() -> None:
    inputs = {"x": floats(2, 6, 3, 4), "scale": floats(2), "bias": floats(2)}
    check("GroupNormalization", inputs, opset=18, num_groups=2, epsilon=1e-3)


def test_layer_norm_gives_its_statistics() -> None:
    inputs = {"x": floats(2, 3, 8), "scale": floats(8), "bias": floats(8)}
    check("LayerNormalization", inputs, ("y", "mean", "deviation"), against=run_reference, axis=-1)


def test_layer_norm_with_a_scale_over_more_than_the_normalized_dims() -> None:
    inputs = {"x": floats(2, 3, 8), "scale": floats(3, 8)}
    check("LayerNormalization", inputs, against=run_reference, axis=-1)


def test_lp_norm_of_nothing_is_nothing() -> None:
    x = floats(3, 4)
    x[1] = 0
    check("LpNormalization", {"x": x}, against=run_reference, axis=-1, p=2)


# --- quantization ------------------------------------------------------------------------------------------------
def test_qlinear_conv_has_a_scale_for_each_channel() -> None:
    scales = np.array([0.02, 0.01, 0.03], np.float32)
    inputs = {
        "x": bytes_of(1, 2, 6, 6), "xs": np.float32(0.05).reshape(()), "xz": np.array(120, np.uint8),
        # Weights of 7 bits: on processors without VNNI, onnxruntime adds two products of bytes in 16 bits.
        "w": bytes_of(3, 2, 3, 3, dtype=np.int8) // 2, "ws": scales, "wz": np.zeros(3, np.int8),
        "ys": np.array(0.2, np.float32), "yz": np.array(100, np.uint8), "b": np.array([10, -20, 30], np.int32),
    }  # fmt: skip
    check("QLinearConv", inputs, weights=[*inputs][1:], pads=[1, 1, 1, 1])


def test_ties_of_requantized_sums_are_rounded_to_even() -> None:
    """2,900 steps of 0.05 * 0.02 are 14.5 of 0.2: the three scales become one factor before they meet a sum."""
    sums = np.arange(-90, 91, 2, dtype=np.int32)[:, None] * 50
    one = {"x": np.ones((1, 1, 1, 1), np.uint8), "xs": np.float32(0.05).reshape(()), "xz": np.array(0, np.uint8)}
    kernel = {"w": np.zeros((91, 1, 1, 1), np.int8), "ws": np.float32(0.02).reshape(()), "wz": np.array(0, np.int8)}
    result = {"ys": np.array(0.2, np.float32), "yz": np.array(128, np.uint8), "b": sums[:, 0]}
    inputs = one | kernel | result
    check("QLinearConv", inputs, weights=[*inputs][1:])


def test_integer_matrices_have_zero_points_for_rows_and_columns() -> None:
    inputs = {"a": bytes_of(4, 5), "b": bytes_of(5, 3), "az": bytes_of(4), "bz": bytes_of(3)}
    model = node_model("MatMulInteger", inputs, opset=10)
    wide = {name: array.astype(np.int64) for name, array in inputs.items()}
    expected = (wide["a"] - wide["az"][:, None]) @ (wide["b"] - wide["bz"])
    for target in ("interp", "cpu"):
        assert_near(run_neuralc(model, inputs, target=target), [expected.astype(np.int32)])


@pytest.mark.parametrize("block_size", [0, 3])
def test_dequantize_by_axis_and_by_block(block_size: int) -> None:
    shape = (4, 2) if block_size else (4,)
    inputs = {"x": bytes_of(4, 6, dtype=np.int8), "s": np.abs(floats(*shape)), "z": bytes_of(*shape, dtype=np.int8)}
    check("DequantizeLinear", inputs, against=run_reference, axis=1 if block_size else 0, block_size=block_size)


# --- recurrent ---------------------------------------------------------------------------------------------------
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent_inputs(op: str, ways: int, lengths: bool = True) -> dict[str, Array | None]:
    """Times 5, batch 3, depth 2, units 4; sequences of several lengths."""
    width = GATES[op] * 4
    inputs: dict[str, Array | None] = {
        "x": floats(5, 3, 2), "w": floats(ways, width, 2), "r": floats(ways, width, 4), "b": floats(ways, 2 * width),
        "lengths": np.array([5, 2, 4], np.int32) if lengths else None, "h": floats(ways, 3, 4),
    }  # fmt: skip
    if op == "LSTM":
        inputs |= {"c": floats(ways, 3, 4), "p": floats(ways, 12)}
    return inputs


@pytest.mark.parametrize("direction", few_of(["bidirectional", "forward", "reverse"]))
@pytest.mark.parametrize("op", few_of(GATES))
@pytest.mark.thorough
def test_recurrent_layers_in_all_directions(op: str, direction: str) -> None:
    inputs = recurrent_inputs(op, 2 if direction == "bidirectional" else 1)
    outputs = ("y", "yh", "yc") if op == "LSTM" else ("y", "yh")
    names = [name for name in ("w", "r", "b") if name in inputs]
    check(op, inputs, outputs, weights=names, hidden_size=4, direction=direction)


@pytest.mark.thorough
def test_gru_resets_behind_the_product_where_asked() -> None:
    check("GRU", recurrent_inputs("GRU", 1), weights=["w", "r", "b"], hidden_size=4, linear_before_reset=1)


def test_alphas_go_to_the_activations_that_have_one() -> None:
    """Tanh has none: 0.3 is of LeakyRelu, 0.1 and 0.4 are of HardSigmoid."""
    inputs = {**recurrent_inputs("LSTM", 1), "p": None}
    check(
        "LSTM", inputs, weights=["w", "r", "b"], hidden_size=4,
        activations=["HardSigmoid", "Tanh", "LeakyRelu"], activation_alpha=[0.1, 0.3], activation_beta=[0.4],
    )  # fmt: skip


def test_a_layer_of_a_symbolic_length_without_states() -> None:
    inputs = {"x": floats(5, 3, 2), "w": floats(1, 16, 2), "r": floats(1, 16, 4)}
    check("LSTM", inputs, ("y", "yh", "yc"), weights=["w", "r"], shapes={"x": ["time", "batch", 2]}, hidden_size=4)


# --- resampling --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", few_of(["linear", "nearest", "cubic"]))
@pytest.mark.parametrize("transform", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
def test_resize_by_scales(mode: str, transform: str) -> None:
    inputs = {"x": floats(1, 2, 5, 6), "roi": None, "scales": np.array([1, 1, 1.5, 2.25], np.float32)}
    check(
        "Resize", inputs, weights=["scales"], mode=mode, coordinate_transformation_mode=transform,
        nearest_mode="floor", opset=19, against=run_reference,
    )  # fmt: skip


@pytest.mark.thorough
def test_resize_of_symbolic_sizes() -> None:
    inputs = {"x": floats(1, 2, 4, 6), "roi": None, "scales": np.array([1, 1, 2, 1.5], np.float32)}
    check("Resize", inputs, weights=["scales"], mode="linear", shapes={"x": [1, 2, "H", "W"]}, opset=19)


@pytest.mark.parametrize("align_corners", [0, 1])
def test_affine_grid_of_symbolic_batch(align_corners: int) -> None:
    inputs = {"theta": floats(3, 2, 3), "size": np.array([3, 1, 4, 5], np.int64)}
    check("AffineGrid", inputs, against=run_reference, weights=["size"], align_corners=align_corners, opset=20)


# --- spectra -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("length", [None, 5, 12])
def test_a_transform_and_its_inverse(length: int | None) -> None:
    whole = None if length is None else np.array(length, np.int64)
    forward = {"x": floats(2, 8, 3, 1), "length": whole, "axis": np.array(1, np.int64)}
    model = check("DFT", forward, against=run_reference, weights=["length", "axis"], onesided=1, opset=20)
    (spectrum,) = run_neuralc(model, forward)
    back = {"x": spectrum, "length": np.array(length or 8, np.int64), "axis": np.array(1, np.int64)}
    inverse = node_model("DFT", back, weights=["length", "axis"], onesided=1, inverse=1, opset=20)
    (signal,) = run_neuralc(inverse, back)
    kept = min(8, length or 8)
    np.testing.assert_allclose(signal[:, :kept], forward["x"][:, :kept], atol=1e-5)  # type: ignore[index]


@pytest.mark.parametrize("onesided", [0, 1])
def test_frames_of_a_signal_of_symbolic_length(onesided: int) -> None:
    inputs = {"x": floats(2, 20, 1), "step": np.array(3, np.int64), "window": np.hanning(6).astype(np.float32)}
    check(
        "STFT", inputs, against=run_reference, weights=["step"], shapes={"x": [2, "T", 1]}, onesided=onesided, opset=17
    )
