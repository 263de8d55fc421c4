"""Layers that add or take away places against Keras."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from support.keras_reference import agrees, keras, layers

pytestmark = pytest.mark.thorough

ops = keras.ops

SHAPES = {1: (5, 3), 2: (4, 5, 3), 3: (3, 4, 5, 2)}
NAMED = {1: "(S, 3)", 2: "(S, T, 3)", 3: "(S, T, U, 2)"}


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_defaults(rank: int) -> None:
    for name in ("UpSampling", "ZeroPadding", "Cropping"):
        agrees(f"{name}{rank}D()", SHAPES[rank], getattr(layers, f"{name}{rank}D")())


# --- UpSampling ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "rank", "build"),
    [
        ("UpSampling1D(3)", 1, partial(layers.UpSampling1D, 3)),
        ("UpSampling2D((3, 1))", 2, partial(layers.UpSampling2D, (3, 1))),
        ('UpSampling2D((1, 2), "channels_first")', 2, partial(layers.UpSampling2D, (1, 2), "channels_first")),
        ("UpSampling3D((1, 2, 3))", 3, partial(layers.UpSampling3D, (1, 2, 3))),
        (
            'UpSampling3D(2, data_format="channels_first")',
            3,
            partial(layers.UpSampling3D, 2, data_format="channels_first"),
        ),
    ],
)
def test_up_sampling(text: str, rank: int, build: type) -> None:
    agrees(text, SHAPES[rank], build())


@pytest.mark.parametrize("format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_up_sampling_between_places(interpolation: str, format: str) -> None:
    options = {"interpolation": interpolation, "data_format": format}
    text = f'UpSampling2D((2, 3), interpolation="{interpolation}", data_format="{format}")'
    agrees(text, SHAPES[2], layers.UpSampling2D((2, 3), **options))


def lanczos(size: int, factor: int, reach: int) -> Any:
    """[size * factor, size]: the weights of the places inside, of the sum 1."""
    distance = ((np.arange(size * factor) + 0.5) / factor - 0.5)[:, None] - np.arange(size)
    weights = np.where(np.abs(distance) < reach, np.sinc(distance) * np.sinc(distance / reach), 0.0)
    return ops.convert_to_tensor(weights / weights.sum(1, keepdims=True))


@pytest.mark.parametrize("sizes", [{}, {"x": "(S, T, 3)"}])
@pytest.mark.parametrize("reach", [3, 5])
def test_up_sampling_by_lanczos_windows(reach: int, sizes: dict[str, str]) -> None:
    """Keras has them, but not on PyTorch."""
    rows, columns = lanczos(4, 2, reach), lanczos(5, 3, reach)

    def build(x: Any) -> Any:
        return ops.einsum("ah,bw,nhwc->nabc", rows, columns, x)

    agrees(f'UpSampling2D((2, 3), interpolation="lanczos{reach}")', SHAPES[2], build, sizes=sizes)


# --- borders ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rank", "written", "borders"),
    [
        (1, "2", 2),
        (1, "(0, 3)", (0, 3)),
        (2, "2", 2),
        (2, "(1, 2)", (1, 2)),
        (2, "((1, 0), (2, 1))", ((1, 0), (2, 1))),
        (3, "1", 1),
        (3, "(0, 1, 2)", (0, 1, 2)),
        (3, "((0, 1), (1, 0), (2, 1))", ((0, 1), (1, 0), (2, 1))),
    ],
)
def test_borders(rank: int, written: str, borders: object) -> None:
    agrees(f"ZeroPadding{rank}D({written})", SHAPES[rank], getattr(layers, f"ZeroPadding{rank}D")(borders))
    agrees(f"Cropping{rank}D({written})", (6, 6, 6, 6)[: rank + 1], getattr(layers, f"Cropping{rank}D")(borders))


@pytest.mark.parametrize("rank", [2, 3])
def test_borders_with_channels_first(rank: int) -> None:
    shape = (2, 6, 7, 8)[: rank + 1]
    for name in ("ZeroPadding", "Cropping"):
        layer = getattr(layers, f"{name}{rank}D")(1, data_format="channels_first")
        agrees(f'{name}{rank}D(1, data_format="channels_first")', shape, layer)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_symbolic_sizes(rank: int) -> None:
    for name in ("UpSampling", "ZeroPadding", "Cropping"):
        agrees(f"{name}{rank}D(1)", SHAPES[rank], getattr(layers, f"{name}{rank}D")(1), sizes={"x": NAMED[rank]})


def test_sizes_that_are_known_in_part() -> None:
    agrees("UpSampling2D(2) Cropping2D(1)", (4, 5, 3), lambda x: layers.Cropping2D(1)(layers.UpSampling2D(2)(x)),
           sizes={"x": "(S, 5, 3)"})  # fmt: skip
