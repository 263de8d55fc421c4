"""Pooling against Keras."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.keras_reference import agrees, keras, layers

pytestmark = pytest.mark.thorough

SHAPES = {1: (9, 4), 2: (7, 8, 4), 3: (5, 6, 4, 4)}
FIRST = {1: (4, 9), 2: (4, 7, 8), 3: (4, 5, 6, 4)}
NAMED = {1: "(S, 4)", 2: "(S, T, 4)", 3: "(S, T, U, 4)"}

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
KINDS = pytest.mark.parametrize("kind", ["Max", "Average"])


def check(text: str, name: str, shape: tuple[int, ...], *given: Any, sizes: str | None = None, **options: Any) -> None:
    layer = getattr(layers, name)(*given, **options)
    agrees(f"{name}{text}", shape, layer, sizes={} if sizes is None else {"x": sizes})


# --- windows ---------------------------------------------------------------------------------------------------------
@RANKS
@KINDS
def test_pooling(kind: str, rank: int) -> None:
    name = f"{kind}Pooling{rank}D"
    check("()", name, SHAPES[rank], 2)
    check("(3, 2)", name, SHAPES[rank], 3, 2)
    check('(2, data_format="channels_first")', name, FIRST[rank], 2, data_format="channels_first")
    check("(2, 1)", name, SHAPES[rank], 2, 1, sizes=NAMED[rank])
    check("(3)", name, SHAPES[rank], 3, sizes=NAMED[rank])


@RANKS
@pytest.mark.parametrize("sizes", [None, NAMED])
@pytest.mark.parametrize("strides", [None, 1, 2, 3])
def test_the_largest_value_with_same_padding(rank: int, strides: int | None, sizes: dict[int, str] | None) -> None:
    for size in (2, 3):
        check(
            f'({size}, {strides}, "same")',
            f"MaxPooling{rank}D",
            SHAPES[rank],
            size,
            strides,
            "same",
            sizes=None if sizes is None else sizes[rank],
        )


@pytest.mark.parametrize("sizes", [None, "(S, T, 3)", "(S, 8, 3)"])
@pytest.mark.parametrize(("size", "strides"), [(2, 2), (3, 2), (3, 1), (2, 3), (4, 3)])
def test_what_same_padding_adds_does_not_count_for_a_mean(size: int, strides: int, sizes: str | None) -> None:
    """TensorFlow's definition; Keras on PyTorch counts border values twice where the padding is uneven."""

    def pooled(x: Any) -> Any:
        padded, ones = (_same(value, size, strides) for value in (x, torch.ones_like(x)))
        mean = F.avg_pool2d(padded, size, strides) / F.avg_pool2d(ones, size, strides)
        return mean.permute(0, 2, 3, 1)

    text = f'AveragePooling2D({size}, {strides}, "same")'
    agrees(text, (7, 8, 3), Written(pooled), sizes={} if sizes is None else {"x": sizes})


def _same(x: Any, size: int, stride: int) -> Any:
    """Channels first, with the padding of TensorFlow."""
    x = x.permute(0, 3, 1, 2)
    pads: list[int] = []
    for places in (x.shape[3], x.shape[2]):
        total = max((-(-places // stride) - 1) * stride + size - places, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


class Written(layers.Layer):
    """A function of torch tensors as a layer of Keras."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)


# --- everything ------------------------------------------------------------------------------------------------------
@RANKS
def test_the_largest_value_of_all(rank: int) -> None:
    name = f"GlobalMaxPooling{rank}D"
    check("()", name, SHAPES[rank])
    check("(keepdims=true)", name, SHAPES[rank], keepdims=True, sizes=NAMED[rank])
    check('("channels_first")', name, FIRST[rank], "channels_first")


@RANKS
def test_the_mean_of_all(rank: int) -> None:
    """In float64, where Keras on PyTorch takes the mean in single precision."""
    last, first = tuple(range(1, rank + 1)), tuple(range(2, rank + 2))
    name, named = f"GlobalAveragePooling{rank}D", {"x": NAMED[rank]}
    agrees(f"{name}()", SHAPES[rank], Written(lambda x: x.mean(last)))
    agrees(f"{name}(keepdims=true)", SHAPES[rank], Written(lambda x: x.mean(last, keepdim=True)), sizes=named)
    agrees(f'{name}("channels_first")', FIRST[rank], Written(lambda x: x.mean(first)))


@pytest.mark.parametrize("sizes", [None, "(S, 4)"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_steps_that_are_masked_do_not_count(keepdims: bool, sizes: str | None) -> None:
    x = np.random.default_rng(0).normal(size=(2, 9, 4))
    x[0, 3:] = x[1, :2] = 0.0
    agrees(
        f"Masking() GlobalAveragePooling1D(keepdims={keepdims})",
        (9, 4),
        lambda x: layers.GlobalAveragePooling1D(keepdims=keepdims)(layers.Masking()(x)),
        data={"x": x},
        sizes={} if sizes is None else {"x": sizes},
    )


# --- bins ------------------------------------------------------------------------------------------------------------
@RANKS
@KINDS
@pytest.mark.parametrize("size", [1, 3, 5, 11])
def test_adaptive_pooling(kind: str, rank: int, size: int) -> None:
    name = f"Adaptive{kind}Pooling{rank}D"
    check(f"({size})", name, SHAPES[rank], size)
    check(f"({size})", name, SHAPES[rank], size, sizes=NAMED[rank])


@KINDS
def test_adaptive_pooling_of_images(kind: str) -> None:
    name = f"Adaptive{kind}Pooling2D"
    check("((7, 3))", name, SHAPES[2], (7, 3))
    check("((3, 4), data_format=channels_first)", name, FIRST[2], (3, 4), data_format="channels_first")
    check("((7, 4))", name, (14, 8, 2), (7, 4))
    check("(3)", name, SHAPES[2], 3, sizes="(S, 8, 4)")


def test_bins_of_one_length_that_is_symbolic() -> None:
    """Twice as many places as bins, whatever S is."""
    model = "UpSampling1D(4) AdaptiveMaxPooling1D(2)"
    agrees(model, (5, 3), lambda x: layers.AdaptiveMaxPooling1D(2)(layers.UpSampling1D(4)(x)), sizes={"x": "(S, 3)"})


def test_integers_have_a_largest_value() -> None:
    data = np.random.default_rng(0).integers(-100, 100, (2, 7, 8, 2)).astype("int32")
    agrees(
        'MaxPooling2D(3, 2, "same")',
        (7, 8, 2),
        lambda x: keras.ops.cast(layers.MaxPooling2D(3, 2, "same")(keras.ops.cast(x, "float64")), "int32"),
        data={"x": data},
        sizes={"x": "(S, 8, 2)"},
    )
