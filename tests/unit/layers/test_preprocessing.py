"""Preprocessing layers against Keras: numbers, images of floats and of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support import nr_programs
from support.compare import assert_close
from support.keras_reference import agrees, keras, layers, program_of, random_store
from support.pipelines import assert_native_agrees, compile_native

from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of, format_shape, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.target import Target

pytestmark = pytest.mark.thorough


def pixels(*shape: int, dtype: str = "uint8") -> np.ndarray[Any, Any]:
    return np.random.default_rng(4).integers(0, 256, size=shape).astype(dtype)


def refusal(text: str, shape: str) -> str:
    with pytest.raises(NeuralcError) as caught:
        program_of(text, {"x": shape})
    (found,) = caught.value.diagnostics
    return f"{found.code}: {found.message}"


# --- numbers ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("Rescaling(0.5)", lambda: layers.Rescaling(0.5)),
        ("Rescaling(2, offset=-1)", lambda: layers.Rescaling(2, offset=-1)),
        ("Rescaling((1, 2, 2), (0.5, 0.5, -1))", lambda: layers.Rescaling([1.0, 2.0, 2.0], [0.5, 0.5, -1.0])),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "uint8"])
def test_rescaling(text: str, build: Any, dtype: str) -> None:
    data = {} if dtype == "float64" else {"x": pixels(2, 4, 5, 3)}
    agrees(text, (4, 5, 3), build(), data=data)


@pytest.mark.parametrize(
    ("arguments", "keywords", "shape"),
    [
        ("mean=(1, 2, 3), variance=(4, 0.25, 4)", {"mean": [1.0, 2.0, 3.0], "variance": [4.0, 0.25, 4.0]}, (4, 3)),
        ("mean=3, variance=2", {"mean": 3.0, "variance": 2.0}, (4, 3)),
        ("axis=None, mean=3, variance=2", {"axis": None, "mean": 3.0, "variance": 2.0}, (4, 3)),
        (
            "1, (1, 2, 0, 1), (1, 1, 9, 1)",
            {"axis": 1, "mean": [1.0, 2.0, 0.0, 1.0], "variance": [1.0, 1, 9, 1]},
            (4, 3),
        ),
        (
            "[1, 2], mean=((1, 2), (3, 4)), variance=((1, 2), (3, 4)), invert=true",
            {"axis": [1, 2], "mean": [[1.0, 2], [3, 4]], "variance": [[1.0, 2], [3, 4]], "invert": True},
            (2, 2, 3),
        ),
        (
            "[1, -1], mean=(1, 2, 3), variance=(1, 4, 9)",
            {"axis": [1, -1], "mean": [1.0, 2, 3], "variance": [1.0, 4, 9]},
            (2, 2, 3),
        ),
        ("mean=(1, 2, 3), variance=(0, 0, 1)", {"mean": [1.0, 2, 3], "variance": [0.0, 0, 1]}, (3,)),
    ],
)
def test_normalization_by_numbers(arguments: str, keywords: dict[str, Any], shape: tuple[int, ...]) -> None:
    agrees(f"Normalization({arguments})", shape, layers.Normalization(**keywords))


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(("axis", "sizes"), [(-1, (3,)), (1, (4,)), ([1, 2], (4, 3))])
def test_normalization_by_what_keras_has_counted(axis: Any, sizes: tuple[int, ...], invert: bool) -> None:
    x = np.random.default_rng(0).normal(2.0, 3.0, size=(8, 4, 3))
    reference = layers.Normalization(axis=axis, invert=invert)
    reference.adapt(x)
    program = program_of(f"Normalization({axis}, invert={invert})", {"x": "(4, 3)"})
    assert [(weight.name, weight.shape, weight.trainable) for weight in program.weights] == [
        ("normalization.mean", sizes, False), ("normalization.variance", sizes, False)
    ]  # fmt: skip
    mean, variance, _ = (weight.numpy() for weight in reference.weights)
    store = WeightStore({"normalization.mean": mean, "normalization.variance": variance})
    (found,) = run_module(program.module, [x], store)
    assert_close(found, np.asarray(reference(x)), 1e-10)
    single = WeightStore({name: store[name].astype("float32") for name in store})
    assert_native_agrees(program.module, single, [{"x": x.astype("float32")}], 2)


# --- images ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("size", [(4, 5), (11, 3), (6, 8), (1, 20)])
def test_resizing(interpolation: str, size: tuple[int, int]) -> None:
    agrees(
        f'Resizing({size[0]}, {size[1]}, "{interpolation}")',
        (6, 8, 3),
        layers.Resizing(*size, interpolation=interpolation),
    )


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        ("crop_to_aspect_ratio=true", {"crop_to_aspect_ratio": True}),
        ("pad_to_aspect_ratio=true", {"pad_to_aspect_ratio": True}),
        ("pad_to_aspect_ratio=true, fill_value=0.5", {"pad_to_aspect_ratio": True, "fill_value": 0.5}),
        ('data_format="channels_first"', {"data_format": "channels_first"}),
        (
            'interpolation="bicubic", crop_to_aspect_ratio=true',
            {"interpolation": "bicubic", "crop_to_aspect_ratio": True},
        ),
    ],
)
@pytest.mark.parametrize("size", [(4, 9), (9, 4), (12, 5)])
def test_resizing_keeps_the_aspect_ratio(arguments: str, keywords: dict[str, Any], size: tuple[int, int]) -> None:
    shape = (3, 6, 11) if "data_format" in keywords else (6, 11, 3)
    agrees(f"Resizing({size[0]}, {size[1]}, {arguments})", shape, layers.Resizing(*size, **keywords))


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("size", [(3, 4), (12, 5), (5, 17)])
def test_resizing_with_a_wider_filter(interpolation: str, size: tuple[int, int]) -> None:
    agrees(
        f'Resizing({size[0]}, {size[1]}, "{interpolation}", antialias=true)',
        (7, 12, 2),
        layers.Resizing(*size, interpolation=interpolation, antialias=True),
    )


def lanczos(size: int, out: int, reach: int, *, antialias: bool) -> Any:
    """[out, size]: the weights of the pixels inside, of the sum 1."""
    narrowed = min(out / size, 1.0) if antialias else 1.0
    distance = (((np.arange(out) + 0.5) * size / out - 0.5)[:, None] - np.arange(size)) * narrowed
    weights = np.where(np.abs(distance) < reach, np.sinc(distance) * np.sinc(distance / reach), 0.0)
    return keras.ops.convert_to_tensor(weights / weights.sum(1, keepdims=True))


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("reach", [3, 5])
@pytest.mark.parametrize("size", [(3, 4), (12, 17)])
def test_resizing_by_lanczos_windows(size: tuple[int, int], reach: int, antialias: bool) -> None:
    """Keras has them, but not on PyTorch."""
    rows, columns = (lanczos(n, out, reach, antialias=antialias) for n, out in zip((7, 12), size, strict=True))

    def build(x: Any) -> Any:
        return keras.ops.einsum("ah,bw,nhwc->nabc", rows, columns, x)

    agrees(f'Resizing({size[0]}, {size[1]}, "lanczos{reach}", antialias={antialias})', (7, 12, 2), build)


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
def test_images_of_integers_stay_so(interpolation: str, dtype: str) -> None:
    """Rounded; where a value that is half way goes is up to the rounding before, which is in single precision."""
    x, text = pixels(2, 6, 9, 3, dtype=dtype), f'Resizing(5, 7, "{interpolation}")'
    of_floats, of_integers = program_of(text, {"x": "(6, 9, 3)"}), program_of(text, {"x": f"(6, 9, 3) {dtype}"})
    (exact,) = run_module(of_floats.module, [x.astype("float64")], WeightStore())
    (found,) = run_module(of_integers.module, [x], WeightStore())
    np.testing.assert_array_equal(found, np.rint(exact).astype(dtype))
    clear = np.abs(exact - np.floor(exact) - 0.5) > 1e-4
    assert clear.mean() > 0.9
    native = compile_native(of_integers.module, WeightStore(), 2, Target.host())(x)
    for other in (np.asarray(layers.Resizing(5, 7, interpolation=interpolation)(x)), native):
        assert other.dtype == dtype
        np.testing.assert_array_equal(other[clear], found[clear])


def test_what_overshoots_is_the_largest_integer() -> None:
    x = np.zeros((1, 2, 2, 1), "uint8")
    x[0, 0, 0, 0] = 255
    agrees(
        'Resizing(5, 5, "bicubic")', (2, 2, 1), layers.Resizing(5, 5, interpolation="bicubic"), data={"x": x}, batch=1
    )


@pytest.mark.parametrize("size", [(4, 5), (3, 8), (6, 8), (7, 4), (9, 9), (2, 11)])
@pytest.mark.parametrize("dtype", ["float64", "uint8"])
def test_center_crop(size: tuple[int, int], dtype: str) -> None:
    data = {} if dtype == "float64" else {"x": pixels(2, 6, 8, 3)}
    agrees(f"CenterCrop({size[0]}, {size[1]})", (6, 8, 3), layers.CenterCrop(*size), data=data)


def test_center_crop_of_channels_first() -> None:
    agrees('CenterCrop(4, 5, "channels_first")', (3, 6, 8), layers.CenterCrop(4, 5, data_format="channels_first"))


def test_images_of_any_size_are_resized() -> None:
    program = program_of("Resizing(4, 6)", {"x": "(H, W, 3)"})
    model = compile_native(program.module, random_store(program), 2, Target.host())
    for height, width in ((3, 9), (12, 5)):
        x = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype("float32")
        assert_close(model(x), np.asarray(layers.Resizing(4, 6)(x.astype("float64"))), 1e-5)


# --- types -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("int8", [-2, 0, 0, 127, -128, 0]),
        ("uint8", [0, 0, 0, 255, 0, 0]),
        ("int64", [-2, 0, 0, 300, -(10**6), 0]),
        ("bool", [True, False, True, True, True, True]),
        ("float16", [-2.5, 0, 0.75, 300, -np.inf, np.nan]),
    ],
)
def test_cast(to: str, expected: list[Any]) -> None:
    program = program_of(f'Cast("{to}")', {"x": "(6,)"})
    x = np.array([[-2.5, 0, 0.75, 300, -1e6, np.nan]], "float32")
    (found,) = run_module(program.module, [x], WeightStore(), numerics="rounded")
    assert found.dtype == to
    np.testing.assert_array_equal(found[0], np.array(expected, to))
    np.testing.assert_array_equal(compile_native(program.module, WeightStore(), 2, Target.host())(x), found)


@pytest.mark.parametrize("to", ["int32", "int8", "float32", "bool"])
def test_cast_goes_toward_zero(to: str) -> None:
    x = np.array([[-2.5, -1, -0.25, 0], [0.25, 0.75, 99.5, 100]])
    nr_programs.agrees(f'Cast("{to}")', {"x": (4,)}, lambda x, _: x.astype(to), data={"x": x})


def test_a_model_takes_pixels() -> None:
    text = "Resizing(4, 4) Rescaling(0.00392156862745098, -0.5) Conv2D(2, 3) Flatten() Dense(3)"
    program = program_of(text, {"x": "(6, 9, 3) uint8"})
    (result,) = the_model(program.module).returns
    assert (format_shape(shape_of(result)), str(element_of(result))) == ("(batch, 3)", "f32")
    assert_native_agrees(program.module, random_store(program), [{"x": pixels(2, 6, 9, 3)}], 2)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("Rescaling((1, 2))", "(4, 3)", "E0401: `Rescaling`: `scale` has the shape (2,), which does not broadcast"),
        (
            "Rescaling(((1, 2), (3)))",
            "(4, 3)",
            "E0305: `Rescaling`: `scale` is a number, or a list of numbers, lists of",
        ),
        ('Rescaling("x")', "(4, 3)", "E0305"),
        ("Normalization(mean=(1, 2, 3))", "(4, 3)", "`mean` and `variance` are given together, and have one shape"),
        (
            "Normalization(mean=(1, 2), variance=(1, 2))",
            "(4, 3)",
            "`mean` is of shape (2,), the axes that are kept are (3,)",
        ),
        ("Normalization(1)", "(S, 3)", "the size of axis 1 must be a number, it is S"),
        ('Resizing(4, 4, "area")', "(8, 8, 3)", 'E0702: `Resizing`: `interpolation="area"` has no meaning'),
        ("Resizing(4, 4, crop_to_aspect_ratio=true, pad_to_aspect_ratio=true)", "(8, 8, 3)", "exclude each other"),
        ("Resizing(4, 4, crop_to_aspect_ratio=true)", "(H, 8, 3)", "the height must be a number, it is H"),
        ("Resizing(4, 0)", "(8, 8, 3)", "a whole number of at least 1, not 0"),
        ("Resizing(4, 4)", "(8, 8)", "it takes images (batch, height, width, channels), its input is (batch, 8, 8)"),
        ("CenterCrop(4, 4)", "(8, W, 3)", "the width must be a number, it is W"),
        ('Cast("float8")', "(8,)", "E0307"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, shape: str, message: str) -> None:
    assert message in refusal(text, shape)
