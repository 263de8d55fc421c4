"""Convolutions against Keras."""

from typing import Any

import numpy as np
import pytest
from support.compare import assert_close
from support.keras_reference import agrees, layers, program_of, random_store

from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore

pytestmark = pytest.mark.thorough

SHAPES = {1: (9, 4), 2: (7, 8, 4), 3: (5, 6, 5, 4)}
FIRST = {1: (4, 9), 2: (4, 7, 8), 3: (4, 5, 6, 5)}
NAMED = {1: "(S, 4)", 2: "(S, T, 4)", 3: "(S, T, U, 4)"}

CONVOLUTIONS = [
    *((f"Conv{rank}D", rank, (6, 3)) for rank in (1, 2, 3)),
    *((f"Conv{rank}DTranspose", rank, (6, 3)) for rank in (1, 2, 3)),
    *((f"SeparableConv{rank}D", rank, (6, 3)) for rank in (1, 2)),
    *((f"DepthwiseConv{rank}D", rank, (3,)) for rank in (1, 2)),
]
EVERY = pytest.mark.parametrize(("name", "rank", "given"), CONVOLUTIONS, ids=[name for name, _, _ in CONVOLUTIONS])


def written(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def check(name: str, shape: tuple[int, ...], given: tuple[Any, ...], sizes: str | None = None, **options: Any) -> None:
    """A layer of the language is the layer of Keras with the same name and arguments."""
    arguments = [*map(written, given), *(f"{key}={written(value)}" for key, value in options.items())]
    layer = getattr(layers, name)(*given, **options)
    agrees(f"{name}({', '.join(arguments)})", shape, layer, sizes={} if sizes is None else {"x": sizes})


@EVERY
def test_defaults(name: str, rank: int, given: tuple[int, ...]) -> None:
    check(name, SHAPES[rank], given)


@EVERY
@pytest.mark.parametrize(
    "options",
    [
        {"padding": "same"},
        {"padding": "same", "strides": 2},
        {"strides": 2},
        {"strides": 3, "activation": "relu"},
        {"dilation_rate": 2},
        {"padding": "same", "dilation_rate": 2},
        {"use_bias": False},
    ],
    ids=str,
)
def test_each_parameter(name: str, rank: int, given: tuple[int, ...], options: dict[str, Any]) -> None:
    check(name, SHAPES[rank], given, **options)


@EVERY
@pytest.mark.parametrize("window", [1, 2, 4])
def test_windows_of_other_sizes(name: str, rank: int, given: tuple[int, ...], window: int) -> None:
    for padding in ("valid", "same"):
        check(name, SHAPES[rank], (*given[:-1], window), padding=padding, strides=2)


@EVERY
def test_channels_first(name: str, rank: int, given: tuple[int, ...]) -> None:
    check(name, FIRST[rank], given, data_format="channels_first", padding="same", strides=2)


@EVERY
def test_symbolic_sizes(name: str, rank: int, given: tuple[int, ...]) -> None:
    for options in ({}, {"padding": "same"}, {"padding": "same", "strides": 2}, {"padding": "same", "strides": 4}):
        check(name, SHAPES[rank], given, NAMED[rank], **options)


# --- what only some have ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("steps", [5, 6, 7, 8, 9])
def test_same_padding_of_every_remainder(steps: int) -> None:
    for window in (2, 3, 6):
        check("Conv1D", (steps, 2), (3, window), "(S, 2)", padding="same", strides=3)


@pytest.mark.parametrize("options", [{}, {"strides": 2}, {"dilation_rate": 3}], ids=str)
@pytest.mark.parametrize("sizes", [None, "(S, 4)"])
def test_causal_padding(options: dict[str, int], sizes: str | None) -> None:
    check("Conv1D", SHAPES[1], (6, 3), sizes, padding="causal", **options)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_groups(rank: int) -> None:
    check(f"Conv{rank}D", SHAPES[rank], (6, 3), groups=2)


@pytest.mark.parametrize("rank", [1, 2])
def test_a_depth_multiplier(rank: int) -> None:
    check(f"DepthwiseConv{rank}D", SHAPES[rank], (3,), depth_multiplier=2)
    check(f"SeparableConv{rank}D", SHAPES[rank], (6, 3), depth_multiplier=3, activation="tanh")


@pytest.mark.parametrize("more", [0, 1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_output_padding(padding: str, more: int) -> None:
    for window in (1, 2, 3, 4, 5):
        check("Conv1DTranspose", SHAPES[1], (6, window), padding=padding, output_padding=more, strides=3)
    check("Conv2DTranspose", SHAPES[2], (6, (2, 5)), padding=padding, output_padding=(more, 0), strides=(3, 2))


def test_a_window_with_an_entry_for_each_axis() -> None:
    check("Conv2D", SHAPES[2], (6, (2, 5)), strides=(1, 3), padding="same")
    check("Conv3D", SHAPES[3], (6, (1, 2, 3)), strides=(1, 2, 1))


def test_sizes_that_are_known_in_part() -> None:
    check("Conv2D", SHAPES[2], (6, 3), "(S, 8, 4)", strides=2, padding="same")


def test_the_activation_is_the_third_argument() -> None:
    agrees('Conv1D(6, 3, "relu")', SHAPES[1], layers.Conv1D(6, 3, activation="relu"), batch=1)


@pytest.mark.parametrize(("options", "factor"), [("", 1.0), (", groups=2", 1.0), (", lora_alpha=6", 3.0)])
def test_an_adapted_kernel_is_the_kernel_and_a_product(options: str, factor: float) -> None:
    """Keras keeps the product in single precision, so this one is written out."""
    adapted = program_of(f"Conv2D(6, 3, lora_rank=2{options})", {"x": "(7, 8, 4) float32"})
    plain = program_of("Conv2D(6, 3{})".format(options if "groups" in options else ""), {"x": "(7, 8, 4) float32"})
    store = random_store(adapted)
    wide = {name.removeprefix("conv2d."): np.asarray(array, "float64") for name, array in store.items()}
    assert list(wide) == ["kernel", "bias", "lora_kernel_a", "lora_kernel_b"]
    assert [weight.trainable for weight in adapted.weights] == [False, True, True, True]
    kernel = wide["kernel"] + factor * (wide["lora_kernel_a"] @ wide["lora_kernel_b"])
    x = np.random.default_rng(0).normal(size=(2, 7, 8, 4))
    whole = WeightStore({"conv2d.kernel": kernel, "conv2d.bias": wide["bias"]})
    assert_close(run_module(adapted.module, [x], store)[0], run_module(plain.module, [x], whole)[0], 1e-10)
