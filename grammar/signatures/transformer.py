"""Transformer layers, one by one and as a whole."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, Optional, Parameters, Real, Whole
from neuralc.grammar.signatures.attention import CACHE
from neuralc.grammar.signatures.base import ACTIVATION, BIAS_INIT, KERNEL_INIT, Inputs, Signature, p

_SIZES: Parameters = (
    p("num_heads", Whole(1), 8, "how many heads attend side by side"),
    p("ff_dim", Whole(1), 2048, "features between the two dense maps of the feed-forward net"),
)
_REST: Parameters = (
    p("dropout", Real(0, 1, open_high=True), 0.1, "fraction dropped in training: of weights of keys and of each part"),
    p("activation", ACTIVATION, "relu", "function between the two dense maps"),
    p("normalize_first", Flag(), False, "x + part(norm(x)) (Xiong et al. 2020) in the place of norm(x + part(x))"),
    p("epsilon", Real(0, open_low=True), 1e-5, "added to the variance by the norms"),
    p(
        "key_dim",
        Optional(Whole(1)),
        None,
        "features of a query and a key in each head; width / num_heads unless said",
    ),
    p("use_bias", Flag(), True, "add a bias in each dense map"),
    KERNEL_INIT,
    BIAS_INIT,
    p("rotary", Flag(), False, "queries and keys of self-attention turn by their places, as in RotaryEmbedding"),
)

_BLOCK = "its block takes the place of the feed-forward net"

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "TransformerEncoder",
        (*_SIZES, *_REST, p("use_causal_mask", Flag(), False, "no step sees one behind it")),
        "PyTorch TransformerEncoderLayer (Vaswani et al. 2017, section 3.1)",
        f"y = norm(x + attention(x)); norm(y + feed_forward(y)); {_BLOCK}",
        block="optional",
        inputs=Inputs(("x",), ("padding_mask", "attention_mask")),
        shapes="(batch, steps, width) -> the same; padding_mask (batch, steps), attention_mask (batch, steps, steps)",
        masking="handle",
        example="input: (S, 32) layers: TransformerEncoder(num_heads=4, ff_dim=64)",
    ),
    Signature(
        "TransformerDecoder",
        (*_SIZES, *_REST, p("use_causal_mask", Flag(), True, "no step sees one behind it"), CACHE),
        "PyTorch TransformerDecoderLayer (Vaswani et al. 2017, section 3.1)",
        f"as an encoder, with a causal mask and between both parts attention to `memory`, where it is given; {_BLOCK}",
        block="optional",
        inputs=Inputs(
            ("x",), ("memory", "padding_mask", "attention_mask", "memory_padding_mask", "memory_attention_mask")
        ),
        shapes="x (batch, T, width), memory (batch, S, features) -> (batch, T, width); masks as those of an encoder",
        masking="handle",
        example="input: { x: (T, 32), memory: (S, 32) } layers: TransformerDecoder(x, memory, num_heads=4, ff_dim=64)",
    ),
    Signature(
        "Transformer",
        (
            *_SIZES,
            p("num_encoder_layers", Whole(0), 6, "encoder layers"),
            p("num_decoder_layers", Whole(0), 6, "decoder layers"),
            *_REST,
            p("use_causal_mask", Flag(), True, "no step of the target sees one behind it"),
        ),
        "PyTorch Transformer (Vaswani et al. 2017, figure 1)",
        "decoder layers over `target` that attend to encoder layers over x, each with a last norm; one value alone is "
        f"both x and target; {_BLOCK} in every layer",
        block="optional",
        inputs=Inputs(("x",), ("target", "padding_mask", "target_padding_mask")),
        shapes="x (batch, S, width), target (batch, T, width) -> (batch, T, width)",
        masking="handle",
        example="input: { x: (S, 32), y: (T, 32) } "
        "layers: Transformer(x, y, num_heads=4, ff_dim=64, num_encoder_layers=1, num_decoder_layers=1)",
    ),
)
