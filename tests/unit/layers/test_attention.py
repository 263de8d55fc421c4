"""Attention layers against Keras."""

from typing import Any

import numpy as np
import pytest
from support.keras_reference import agrees, layers

pytestmark = pytest.mark.thorough

PAIR = {"q": (5, 6), "v": (7, 6)}
TRIPLE = {**PAIR, "k": (7, 6)}
SELF = (5, 6)


def masks(*shapes: tuple[int, ...], seed: int = 3) -> list[Any]:
    """Masks in which every row sees something."""
    generator = np.random.default_rng(seed)
    found = [generator.random(size=shape) < 0.6 for shape in shapes]
    for mask in found:
        mask[..., 0] = True
    return found


# --- Attention, AdditiveAttention ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("Attention", "", {}),
        ("Attention", ", use_scale=true", {"use_scale": True}),
        ("Attention", ', score_mode="concat"', {"score_mode": "concat"}),
        ("Attention", ', score_mode="concat", use_scale=true', {"score_mode": "concat", "use_scale": True}),
        ("Attention", ", dropout=0.3, seed=1", {"dropout": 0.3, "seed": 1}),
        ("AdditiveAttention", "", {}),
        ("AdditiveAttention", ", use_scale=false", {"use_scale": False}),
    ],
)
def test_attention(name: str, text: str, options: dict[str, Any]) -> None:
    agrees(f"{name}(q, v, k{text})", TRIPLE, lambda q, v, k: getattr(layers, name)(**options)([q, v, k]))


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_attention_of_one_value_is_self_attention(name: str) -> None:
    agrees(f"{name}()", SELF, lambda x: getattr(layers, name)()([x, x]))


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_attention_with_masks(name: str) -> None:
    query_mask, value_mask = masks((2, 5), (2, 7))
    agrees(
        f"{name}(q, v, mask=(a, b), use_causal_mask=true)",
        {**PAIR, "a": (5,), "b": (7,)},
        lambda q, v, a, b: getattr(layers, name)()([q, v], mask=[a, b], use_causal_mask=True),
        data={"a": query_mask, "b": value_mask},
    )


def test_attention_gives_the_weights_of_the_keys_too() -> None:
    agrees(
        "Attention(q, v, return_attention_scores=true)",
        PAIR,
        lambda q, v: layers.Attention()([q, v], return_attention_scores=True),
    )


def test_attention_over_several_batch_axes() -> None:
    agrees("Attention(q, v)", {"q": (3, 5, 6), "v": (3, 7, 6)}, lambda q, v: layers.Attention()([q, v]))


# --- MultiHeadAttention ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", {}),
        ("value_dim=5", {"value_dim": 5}),
        ("use_bias=false", {"use_bias": False}),
        ("output_shape=3", {"output_shape": 3}),
        ("output_shape=(3, 4)", {"output_shape": (3, 4)}),
        ("sliding_window=2", {"sliding_window": 2}),
        ("use_gate=true, value_dim=3", {"use_gate": True, "value_dim": 3}),
        ("dropout=0.3", {"dropout": 0.3}),
    ],
)
def test_multi_head_attention(text: str, options: dict[str, Any]) -> None:
    agrees(
        f"MultiHeadAttention(q, v, k, num_heads=2, key_dim=4, {text or 'use_bias=true'})",
        {"q": (5, 6), "v": (7, 8), "k": (7, 4)},
        lambda q, v, k: layers.MultiHeadAttention(2, 4, **options)(q, v, k),
    )


@pytest.mark.parametrize("batch", [1, 3])
def test_multi_head_self_attention(batch: int) -> None:
    agrees("MultiHeadAttention(3, 4)", SELF, lambda x: layers.MultiHeadAttention(3, 4)(x, x), batch=batch)


@pytest.mark.parametrize("scores", [False, True])
def test_multi_head_attention_causal(scores: bool) -> None:
    agrees(
        f"MultiHeadAttention(q, v, num_heads=2, key_dim=4, use_causal_mask=true, return_attention_scores={scores})",
        PAIR,
        lambda q, v: layers.MultiHeadAttention(2, 4)(q, v, use_causal_mask=True, return_attention_scores=scores),
    )


@pytest.mark.parametrize("shape", [(5, 7), (2, 5, 7)])
def test_multi_head_attention_with_a_mask_of_pairs(shape: tuple[int, ...]) -> None:
    (mask,) = masks((3, *shape))
    agrees(
        "MultiHeadAttention(q, v, num_heads=2, key_dim=4, attention_mask=m, use_causal_mask=true)",
        {**PAIR, "m": shape},
        lambda q, v, m: layers.MultiHeadAttention(2, 4)(q, v, attention_mask=m, use_causal_mask=True),
        data={"m": mask},
        batch=3,
    )


def test_multi_head_attention_with_masks_of_steps() -> None:
    value_mask, key_mask = masks((2, 7), (2, 7))
    agrees(
        "MultiHeadAttention(q, v, k, num_heads=2, key_dim=4, value_mask=a, key_mask=b)",
        {**TRIPLE, "a": (7,), "b": (7,)},
        lambda q, v, k, a, b: layers.MultiHeadAttention(2, 4)(q, v, k, value_mask=a, key_mask=b),
        data={"a": value_mask, "b": key_mask},
    )


@pytest.mark.parametrize(
    ("text", "axes"),
    [("", None), ("attention_axes=2", 2), ("attention_axes=(1, 2)", (1, 2)), ("attention_axes=-2", -2)],
)
def test_multi_head_attention_over_axes(text: str, axes: Any) -> None:
    agrees(
        f"MultiHeadAttention(2, 4, {text or 'use_bias=true'})",
        (3, 4, 6),
        lambda x: layers.MultiHeadAttention(2, 4, attention_axes=axes)(x, x),
    )


def test_multi_head_attention_causal_along_an_axis() -> None:
    agrees(
        "MultiHeadAttention(2, 4, attention_axes=2, use_causal_mask=true)",
        (4, 4, 6),
        lambda x: layers.MultiHeadAttention(2, 4, attention_axes=2)(x, x, use_causal_mask=True),
    )


# --- GroupedQueryAttention -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", {}),
        ("use_bias=false", {"use_bias": False}),
        ("sliding_window=3", {"sliding_window": 3}),
        ("use_gate=true", {"use_gate": True}),
        ("dropout=0.3", {"dropout": 0.3}),
    ],
)
def test_grouped_query_attention(text: str, options: dict[str, Any]) -> None:
    agrees(
        f"GroupedQueryAttention(q, v, k, head_dim=4, num_query_heads=6, num_key_value_heads=2, {text or 'seed=1'})",
        TRIPLE,
        lambda q, v, k: layers.GroupQueryAttention(4, 6, 2, **options)(q, v, k),
    )


@pytest.mark.parametrize("heads", [1, 4])
def test_grouped_query_attention_with_masks(heads: int) -> None:
    pairs, value_mask = masks((2, 5, 7), (2, 7))
    agrees(
        f"GroupQueryAttention(q, v, head_dim=3, num_query_heads=4, num_key_value_heads={heads}, attention_mask=m, "
        "value_mask=a, use_causal_mask=true, return_attention_scores=true)",
        {**PAIR, "m": (5, 7), "a": (7,)},
        lambda q, v, m, a: layers.GroupQueryAttention(3, 4, heads)(
            q, v, attention_mask=m, value_mask=a, use_causal_mask=True, return_attention_scores=True
        ),
        data={"m": pairs, "a": value_mask},
    )


# --- masks that values carry -----------------------------------------------------------------------------------------
TOKENS = np.array([[3, 1, 4, 0, 0], [2, 7, 0, 0, 0], [5, 6, 8, 9, 1]])


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("Attention()", lambda x: layers.Attention()([x, x])),
        ("AdditiveAttention()", lambda x: layers.AdditiveAttention()([x, x])),
        ("MultiHeadAttention(2, 4)", lambda x: layers.MultiHeadAttention(2, 4)(x, x)),
        (
            "MultiHeadAttention(2, 4, use_causal_mask=true)",
            lambda x: layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True),
        ),
        ("GroupedQueryAttention(4, 4, 2)", lambda x: layers.GroupQueryAttention(4, 4, 2)(x, x)),
    ],
)
def test_a_mask_goes_in_and_comes_out(text: str, build: Any) -> None:
    """The pooling behind counts the steps that the result still carries a mask for."""
    agrees(
        f"Embedding(10, 6, mask_zero=true) {text} GlobalAveragePooling1D()",
        {"x": (5,)},
        lambda x: layers.GlobalAveragePooling1D()(build(layers.Embedding(10, 6, mask_zero=True)(x))),
        data={"x": TOKENS},
        batch=3,
    )


def test_query_and_value_carry_masks_of_their_own() -> None:
    embed = "q = Embedding(10, 6, mask_zero=true)(a) v = Embedding(10, 6, mask_zero=true)(b)"
    agrees(
        f"{embed} MultiHeadAttention(q, v, num_heads=2, key_dim=4) GlobalAveragePooling1D()",
        {"a": (5,), "b": (4,)},
        lambda a, b: layers.GlobalAveragePooling1D()(
            layers.MultiHeadAttention(2, 4)(*(layers.Embedding(10, 6, mask_zero=True)(each) for each in (a, b)))
        ),
        data={"a": TOKENS, "b": TOKENS[::-1, :4]},
        batch=3,
    )
