"""RotaryEmbedding against the equations of Su et al. 2021."""

from collections.abc import Mapping

import numpy as np
import pytest
from support.compare import Array
from support.nr_programs import Weights, agrees, refusal


def rotated(x: Array, places: Array, *, wavelength: float = 10000.0, interleaved: bool = False) -> Array:
    """Equation 34, pair by pair; x is (batch, steps, .., features), places (batch, steps)."""
    half = x.shape[-1] // 2
    result = np.empty_like(x)
    for i in range(half):
        first, second = (2 * i, 2 * i + 1) if interleaved else (i, i + half)
        angle = places * wavelength ** (-2 * i / x.shape[-1])
        cosine, sine = (f(angle).reshape(*places.shape, *[1] * (x.ndim - 3)) for f in (np.cos, np.sin))
        result[..., first] = x[..., first] * cosine - x[..., second] * sine
        result[..., second] = x[..., second] * cosine + x[..., first] * sine
    return result


def steps(x: Array, start: float = 0) -> Array:
    return np.broadcast_to(start + np.arange(x.shape[1], dtype="float64"), x.shape[:2])


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("shape", [(7, 6), (5, 3, 8)])
def test_pairs_turn(shape: tuple[int, ...], interleaved: bool) -> None:
    agrees(
        f"RotaryEmbedding(interleaved={interleaved})",
        {"x": shape},
        lambda x, w: rotated(x, steps(x), interleaved=interleaved),
    )


def test_wavelength_scaling_and_start() -> None:
    agrees(
        "RotaryEmbedding(max_wavelength=500.0, scaling_factor=4, start_index=9)",
        {"x": (7, 6)},
        lambda x, w: rotated(x, steps(x, 9) / 4, wavelength=500.0),
    )


@pytest.mark.thorough
def test_other_axes() -> None:
    """Keras Hub takes any axes: here (batch, features, heads, steps)."""
    agrees(
        "RotaryEmbedding(sequence_axis=-1, feature_axis=1)",
        {"x": (6, 2, 5)},
        lambda x, w: rotated(x.transpose(0, 3, 2, 1), steps(x.transpose(0, 3, 2, 1))).transpose(0, 3, 2, 1),
    )


def test_places_that_are_given() -> None:
    places = np.array([[4, 0, 9], [2, 2, 100000]])
    agrees(
        "RotaryEmbedding(x, positions=p)",
        {"x": (3, 2, 4), "p": (3,)},
        lambda x, p, w: rotated(x, p),
        data={"p": places},
    )


def test_each_sequence_starts_at_its_own_place() -> None:
    agrees(
        "RotaryEmbedding(x, start=s)",
        {"x": ("S", 4), "s": ()},
        lambda x, s, w: rotated(x, steps(x) + s[:, None]),
        data={"s": np.array([3, 8])},
        sizes={"S": 5},
    )


def test_a_long_sequence_of_a_named_length_is_as_exact_as_a_short_one() -> None:
    """Angles of thousands of turns are not rounded before whole turns are left out."""
    agrees("RotaryEmbedding()", {"x": ("S", 8)}, lambda x, w: rotated(x, steps(x)), sizes={"S": 20000}, batch=1)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("layer", "groups"),
    [("MultiHeadAttention(num_heads=4, key_dim=6, {})", 4), ("GroupedQueryAttention(6, 4, 2, {})", 2)],
)
def test_queries_and_keys_of_attention_turn(layer: str, groups: int) -> None:
    """Scores depend on the distance of two places alone (equation 16)."""

    def reference(x: Array, w: Weights) -> Array:
        path = next(iter(w)).split(".")[0]
        q, k, v = (np.einsum("btd,dnh->btnh", x, w[f"{path}.{name}.kernel"]) for name in ("query", "key", "value"))
        k, v = (np.repeat(each, 4 // groups, axis=2) for each in (rotated(k, steps(x)), v))
        scores = np.einsum("bqnh,bknh->bnqk", rotated(q, steps(x)), k) / np.sqrt(6)
        weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        return np.einsum("bnqk,bknh,nhd->bqd", weights, v, w[f"{path}.attention_output.kernel"])

    agrees(layer.format("rotary=true, use_bias=false"), {"x": (5, 8)}, reference)


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        ("RotaryEmbedding()", {"x": "(5, 7)"}, "features turn in pairs, 7 of them leave one alone"),
        ("RotaryEmbedding()", {"x": "(6)"}, "it takes floats (batch, steps, .., features)"),
        ("RotaryEmbedding(sequence_axis=2)", {"x": "(5, 6)"}, "two axes behind the batch, not 2 and 2"),
        ("RotaryEmbedding(x, positions=p, start=s)", {"x": "(5, 6)", "p": "(5) int64", "s": "() int64"}, "have `pos"),
        ("RotaryEmbedding(x, positions=p)", {"x": "(5, 6)", "p": "(4) int64"}, "differ: 4 and 5"),
    ],
)
def test_refusals(layer: str, inputs: Mapping[str, str], message: str) -> None:
    code, found = refusal(layer, inputs)
    assert (code, message in found) == ("E0401", True), found
