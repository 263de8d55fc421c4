"""Attention, with heads and without."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, OneOf, Optional, Parameter, Parameters, Real, Several, Whole
from neuralc.grammar.signatures.base import (
    BIAS_INIT,
    INITIALIZER,
    KERNEL_INIT,
    KERNEL_TRAINING,
    Inputs,
    Signature,
    p,
)

_DROPOUT = p("dropout", Real(0, 1, open_high=True), 0.0, "fraction of the weights of the keys dropped in training")
_SEED = p("seed", Optional(Whole()), None, "seed of the dropout in training")
_USE_BIAS = p("use_bias", Flag(), True, "add a bias in each projection")
_SCORES = p("return_attention_scores", Flag(), False, "give the weights of the keys as a second value")
_CAUSAL = p("use_causal_mask", Flag(), False, "no query sees a key behind its own place")

CACHE = p(
    "cache",
    Optional(Whole(1)),
    None,
    "keys and values of up to so many steps are kept from run to run, until a reset; goes with `use_causal_mask`",
)

_PLAIN = Inputs(("query",), ("value", "key", "mask"), several=("mask",))
_MASKED = Inputs(("query",), ("value", "key", "query_mask", "value_mask", "key_mask", "attention_mask"))
"""The order in which Keras takes them. One value alone is query, value and key: self-attention."""

_SEQUENCES = "query (batch, T, in), value and key (batch, S, in) -> (batch, T, {})"

_HEADS: Parameters = (
    _DROPOUT,
    _USE_BIAS,
)
_PROJECTIONS: Parameters = (
    p("sliding_window", Optional(Whole(1)), None, "a query sees keys less than so many places away, on either side"),
    p("flash_attention", Optional(Flag()), None, "how a framework computes it; the values are the same"),
    KERNEL_INIT,
    BIAS_INIT,
    *KERNEL_TRAINING,
    p("use_gate", Flag(), False, "multiply what the heads see by sigmoid(query . gate) (Qiu et al. 2025)"),
    _SEED,
    _SCORES,
    _CAUSAL,
    p("rotary", Flag(), False, "queries and keys turn by their places, as in RotaryEmbedding"),
    CACHE,
)

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "Attention",
        (
            p("use_scale", Flag(), False, "multiply the scores by a weight"),
            p(
                "score_mode",
                OneOf(("dot", "concat")),
                "dot",
                "`dot`: query . key; `concat`: w * sum(tanh(query + key))",
            ),
            _DROPOUT,
            _SEED,
            _SCORES,
            _CAUSAL,
        ),
        "Keras 3 Attention",
        "softmax(query . key^T) . value; `mask` holds the masks of query and value",
        inputs=_PLAIN,
        shapes=_SEQUENCES.format("features of value"),
        masking="handle",
        example="input: { query: (T, 16), value: (S, 16) } layers: Attention(query, value)",
    ),
    Signature(
        "AdditiveAttention",
        (
            p("use_scale", Flag(), True, "multiply tanh(query + key) by a vector of weights"),
            _DROPOUT,
            _SEED,
            _SCORES,
            _CAUSAL,
        ),
        "Keras 3 AdditiveAttention",
        "softmax(sum(scale * tanh(query + key))) . value; `mask` holds the masks of query and value",
        inputs=_PLAIN,
        shapes=_SEQUENCES.format("features of value"),
        masking="handle",
        example="input: { query: (T, 16), value: (S, 16) } layers: AdditiveAttention(query, value)",
    ),
    Signature(
        "MultiHeadAttention",
        (
            Parameter("num_heads", Whole(1), doc="how many heads attend side by side"),
            Parameter("key_dim", Whole(1), doc="features of a query and of a key in each head"),
            p("value_dim", Optional(Whole(1)), None, "features of a value in each head; `key_dim` unless said"),
            *_HEADS,
            p(
                "output_shape",
                Optional(Several(Whole(1))),
                None,
                "features of the result; those of the query unless said",
            ),
            p("attention_axes", Optional(Several(Whole())), None, "axes attended over; all between batch and features"),
            *_PROJECTIONS,
        ),
        "Keras 3 MultiHeadAttention (Vaswani et al. 2017, section 3.2.2)",
        "each head: softmax(q . k^T / sqrt(key_dim)) . v; a linear map joins the heads",
        inputs=_MASKED,
        shapes=_SEQUENCES.format("in"),
        masking="handle",
        example="input: (S, 32) layers: MultiHeadAttention(num_heads=4, key_dim=8, use_causal_mask=true)",
    ),
    Signature(
        "GroupedQueryAttention",
        (
            Parameter("head_dim", Whole(1), doc="features of a head"),
            Parameter("num_query_heads", Whole(1), doc="heads of queries"),
            Parameter("num_key_value_heads", Whole(1), doc="heads of keys and values, each for a group of queries"),
            *_HEADS,
            *_PROJECTIONS,
        ),
        "Keras 3 GroupQueryAttention (Ainslie et al. 2023)",
        "multi-head attention in which groups of heads share their keys and values",
        ("GroupQueryAttention",),
        inputs=_MASKED,
        shapes=_SEQUENCES.format("in"),
        masking="handle",
        example="input: (S, 32) layers: GroupedQueryAttention(head_dim=8, num_query_heads=4, num_key_value_heads=2)",
    ),
    Signature(
        "RotaryEmbedding",
        (
            p("max_wavelength", Real(1, open_low=True), 10000.0, "what the slowest pair turns with: w ** (-2 i / n)"),
            p("scaling_factor", Real(0, open_low=True), 1.0, "what places are divided by (Chen et al. 2023)"),
            p("sequence_axis", Whole(), 1, "the axis of the steps"),
            p("feature_axis", Whole(), -1, "the axis of the features, an even number"),
            p("start_index", Whole(), 0, "the place of the first step"),
            p("interleaved", Flag(), False, "pairs are neighbours (2 i, 2 i + 1), as in the paper; else halves apart"),
        ),
        "Su et al. 2021, RoFormer, eq. 34; the arguments of KerasHub RotaryEmbedding",
        "pairs of features turn by place * w ** (-2 i / n); `start` or `positions` give the places of a later part",
        inputs=Inputs(("x",), ("positions", "start")),
        shapes="(batch, steps, .., features) -> the same; positions (batch, steps), start (batch)",
        masking="keep",
        example="input: (S, 4, 16) layers: RotaryEmbedding()",
    ),
    Signature(
        "AxialAttention",
        (
            Parameter("num_heads", Whole(1), doc="how many heads attend side by side"),
            Parameter("key_dim", Whole(1), doc="features of a query and of a key in each head"),
            p("axes", Optional(Several(Whole())), None, "the axes, in their order; all between batch and features"),
            p("value_dim", Optional(Whole(1)), None, "features of a value in each head; `key_dim` unless said"),
            _DROPOUT,
            _USE_BIAS,
            KERNEL_INIT,
            BIAS_INIT,
        ),
        "Ho et al. 2019, Axial Attention in Multidimensional Transformers, section 3.1",
        "multi-head attention along one axis after the other, each with weights of its own",
        shapes="(batch, places.., in) -> the same",
        example="input: (8, 8, 16) layers: AxialAttention(num_heads=2, key_dim=8)",
    ),
    Signature(
        "NonLocalBlock",
        (
            p("channels", Optional(Whole(1)), None, "features of the embeddings; half of the input's unless said"),
            p(
                "mode",
                OneOf(("embedded", "gaussian", "dot", "concat")),
                "embedded",
                "f(x, y): exp(theta x . phi y), exp(x . y), theta x . phi y, or relu(w . [theta x, phi y])",
            ),
            p("use_bias", Flag(), True, "add a bias in each embedding"),
            KERNEL_INIT,
            BIAS_INIT,
            p("output_initializer", INITIALIZER, "zeros", "how the last map starts untrained: the block gives x"),
        ),
        "Wang et al. 2018, Non-local Neural Networks, eq. 1 to 6",
        "x + W . sum of f(x_i, x_j) g(x_j) / C over all places j",
        shapes="(batch, places.., channels) -> the same",
        example="input: (8, 8, 16) layers: NonLocalBlock()",
    ),
)
