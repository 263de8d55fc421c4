"""What attention takes: one sequence alone, named sizes, and what it refuses."""

from collections.abc import Mapping

import numpy as np
import pytest
from support.compare import Array
from support.nr_programs import Weights, agrees, program_of, refusal

from neuralc.dialects import graph

pytestmark = pytest.mark.thorough


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def heads(q: Array, v: Array, w: Weights) -> Array:
    """Vaswani et al. 2017, section 3.2.2, with the weights of `multi_head_attention`."""
    found = []
    projected = {}
    for name, x in (("query", q), ("key", v), ("value", v)):
        kernel, bias = (w[f"multi_head_attention.{name}.{kind}"] for kind in ("kernel", "bias"))
        projected[name] = np.einsum("...d,dnh->...nh", x, kernel) + bias
    for n in range(projected["query"].shape[-2]):
        query, key, value = (projected[name][..., n, :] for name in ("query", "key", "value"))
        found.append(softmax(query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1])) @ value)
    output = w["multi_head_attention.attention_output.kernel"]
    joined = np.concatenate(found, -1) @ output.reshape(-1, output.shape[-1])
    return joined + w["multi_head_attention.attention_output.bias"]


def attention(q: Array, v: Array, w: Weights) -> Array:
    return softmax(q @ v.swapaxes(-1, -2)) @ v


@pytest.mark.parametrize(
    ("layer", "reference"), [("MultiHeadAttention(num_heads=2, key_dim=3)", heads), ("Attention()", attention)]
)
def test_a_value_of_two_axes_is_one_sequence(layer: str, reference: object) -> None:
    assert callable(reference)
    agrees(layer, {"x": (6,)}, lambda x, w: reference(x, x, w), batch=5)
    (warning,) = (found for found in program_of(layer, {"x": "(6,)"}).warnings if found.code == "W0407")
    assert "(batch, 6)" in warning.message


def test_named_sizes() -> None:
    agrees(
        "MultiHeadAttention(q, v, num_heads=2, key_dim=4)",
        {"q": ("T", 6), "v": ("S", 6)},
        heads,
        sizes={"T": 5, "S": 9},
    )


def test_named_sizes_with_masks() -> None:
    """Every query sees the keys up to its own place, one window back, where the mask of pairs lets it."""
    pairs = np.random.default_rng(1).random((2, 6, 6)) < 0.8
    rows, columns = np.arange(6)[:, None], np.arange(6)
    seen = pairs & (columns <= rows) & (rows - columns < 3)

    def reference(x: Array, m: Array, w: Weights) -> Array:
        scores = np.where(seen[:, None], np.einsum("bqnh,bknh->bnqk", *_projected(x, w)) / 2, -1e9)
        value = np.einsum("btd,dnh->btnh", x, w["multi_head_attention.value.kernel"])
        joined = np.einsum("bnqk,bknh->bqnh", softmax(scores), value)
        return np.einsum("bqnh,nhd->bqd", joined, w["multi_head_attention.attention_output.kernel"])

    agrees(
        "MultiHeadAttention(x, attention_mask=m, num_heads=2, key_dim=4, use_bias=false, use_causal_mask=true, "
        "sliding_window=3)",
        {"x": ("S", 6), "m": ("S", "S")},
        reference,
        data={"m": pairs},
        sizes={"S": 6},
    )


def _projected(x: Array, w: Weights) -> tuple[Array, Array]:
    query, key = (np.einsum("btd,dnh->btnh", x, w[f"multi_head_attention.{n}.kernel"]) for n in ("query", "key"))
    return query, key


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        ("Attention(q, v)", {"q": "(5, 6)", "v": "(7, 4)"}, "the features of query and key differ: 6 and 4"),
        ("Attention(q, v)", {"q": "(5, 6)", "v": "(2, 7, 6)"}, "query, value and key have one rank"),
        ("Attention(q, v, mask=m)", {"q": "(5, 6)", "v": "(7, 6)", "m": "(5) bool"}, "`mask` is two masks"),
        (
            "MultiHeadAttention(q, v, num_heads=2, key_dim=3, attention_axes=2)",
            {"q": "(2, 5, 6)", "v": "(3, 5, 6)"},
            "axes 1 of query and value differ: 2 and 3",
        ),
        ("MultiHeadAttention(2, 3, attention_axes=3)", {"x": "(4, 5, 6)"}, "not axis 3"),
        ("MultiHeadAttention(2, 3, attention_axes=(1, 2), use_causal_mask=true)", {"x": "(4, 5, 6)"}, "along one axis"),
        ("MultiHeadAttention(2, 3, flash_attention=true, dropout=0.5)", {"x": "(5, 6)"}, "without dropout"),
        (
            "MultiHeadAttention(q, attention_mask=m, num_heads=2, key_dim=3)",
            {"q": "(5, 6)", "m": "(5, 4) bool"},
            "sizes of `attention_mask` (batch, 1, 5, 4) and of the scores (batch, 2, 5, 5) differ: 4 and 5",
        ),
        ("GroupedQueryAttention(4, 3, 2)", {"x": "(5, 6)"}, "3 heads of queries cannot share 2 heads of keys"),
    ],
)
def test_refusals(layer: str, inputs: Mapping[str, str], message: str) -> None:
    code, found = refusal(layer, inputs)
    assert code == "E0401"
    assert message in found


def test_training_penalizes_each_projection() -> None:
    """As Keras hands the regularizer to its dense layers; the weights of the keys are not penalized."""
    text = 'MultiHeadAttention(2, 4, activity_regularizer="l2", use_gate=true, return_attention_scores=true)'
    block = graph.the_model(program_of(text, {"x": "(5, 6)"}).module).block
    found = [op.result.name_hint for op in block.ops if isinstance(op, graph.ActivityRegularizerOp)]
    parts = ("query", "key", "gate", "value", "attention_output")
    assert found == [f"multi_head_attention.{part}.penalized" for part in parts]
