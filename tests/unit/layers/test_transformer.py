"""Transformer layers against those of PyTorch, with the same weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from support.compare import Array
from support.nr_programs import Weights, agrees, program_of, refusal
from torch import nn

pytestmark = pytest.mark.thorough

WIDTH, HEADS, HIDDEN = 8, 2, 12
OPTIONS: dict[str, Any] = {"batch_first": True, "dtype": torch.float64}
X = {"x": (5, WIDTH)}


def tensor(x: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x))


def set_attention(module: nn.MultiheadAttention, w: Weights, path: str) -> None:
    names = ("query", "key", "value")
    with torch.no_grad():
        kernels = [w[f"{path}.{name}.kernel"].reshape(WIDTH, -1).T for name in names]
        module.in_proj_weight.copy_(tensor(np.concatenate(kernels)))
        module.in_proj_bias.copy_(tensor(np.concatenate([w[f"{path}.{name}.bias"].ravel() for name in names])))
        module.out_proj.weight.copy_(tensor(w[f"{path}.attention_output.kernel"].reshape(WIDTH, -1).T))
        module.out_proj.bias.copy_(tensor(w[f"{path}.attention_output.bias"]))


def set_norm(module: nn.LayerNorm, w: Weights, path: str) -> None:
    with torch.no_grad():
        module.weight.copy_(tensor(w[f"{path}.gamma"]))
        module.bias.copy_(tensor(w[f"{path}.beta"]))


def set_dense(module: nn.Linear, w: Weights, path: str) -> None:
    with torch.no_grad():
        module.weight.copy_(tensor(w[f"{path}.kernel"].T))
        module.bias.copy_(tensor(w[f"{path}.bias"]))


def set_layer(module: Any, w: Weights, path: str) -> None:
    """The weights of an encoder or a decoder layer."""
    parts = ["attention", "cross_attention", "feed_forward"]
    if isinstance(module, nn.TransformerEncoderLayer):
        parts.remove("cross_attention")
    else:
        set_attention(module.multihead_attn, w, f"{path}.cross_attention")
    set_attention(module.self_attn, w, f"{path}.attention")
    set_dense(module.linear1, w, f"{path}.feed_forward.hidden")
    set_dense(module.linear2, w, f"{path}.feed_forward.output")
    for index, part in enumerate(parts, 1):
        set_norm(getattr(module, f"norm{index}"), w, f"{path}.{part}_norm")


def causal(size: int) -> torch.Tensor:
    """True where a step is not seen, as PyTorch has it."""
    return torch.triu(torch.ones(size, size, dtype=torch.bool), 1)


def encoder(w: Weights, **options: Any) -> nn.TransformerEncoderLayer:
    torch.backends.mha.set_fastpath_enabled(False)
    module = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, **{**OPTIONS, **options}).eval()
    set_layer(module, w, "transformer_encoder")
    return module


def decoder(w: Weights, **options: Any) -> nn.TransformerDecoderLayer:
    module = nn.TransformerDecoderLayer(WIDTH, HEADS, HIDDEN, **{**OPTIONS, **options}).eval()
    set_layer(module, w, "transformer_decoder")
    return module


def numbers(x: torch.Tensor) -> Array:
    return x.detach().numpy()


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", {}),
        (", normalize_first=true", {"norm_first": True}),
        (', activation="gelu", epsilon=0.01', {"activation": "gelu", "layer_norm_eps": 0.01}),
        (", dropout=0.0", {"dropout": 0.0}),
    ],
)
def test_encoder(text: str, options: Mapping[str, Any]) -> None:
    agrees(
        f"TransformerEncoder(num_heads={HEADS}, ff_dim={HIDDEN}{text})",
        X,
        lambda x, w: numbers(encoder(w, **options)(tensor(x))),
    )


def test_encoder_with_masks() -> None:
    seen = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], "bool")
    pairs = np.random.default_rng(2).random((2, 5, 5)) < 0.7
    pairs[:, :, 0] = True

    def reference(x: Array, p: Array, a: Array, w: Weights) -> Array:
        mask = tensor(~(p[:, None] & a & np.tril(np.ones((5, 5), "bool"))))
        return numbers(encoder(w)(tensor(x), src_mask=mask.repeat_interleave(HEADS, 0)))

    agrees(
        f"TransformerEncoder(x, padding_mask=p, attention_mask=a, num_heads={HEADS}, ff_dim={HIDDEN}, "
        "use_causal_mask=true)",
        {**X, "p": (5,), "a": (5, 5)},
        reference,
        data={"p": seen, "a": pairs},
    )


def test_encoder_takes_one_sequence() -> None:
    agrees(
        f"TransformerEncoder({HEADS}, {HIDDEN})",
        {"x": (WIDTH,)},
        lambda x, w: numbers(encoder(w)(tensor(x))),
        batch=6,
    )


@pytest.mark.parametrize("units", [WIDTH, 3])
def test_block_takes_the_place_of_the_feed_forward_net(units: int) -> None:
    """A dense map brings another width back."""

    def reference(x: Array, w: Weights) -> Array:
        path = "transformer_encoder"
        module = encoder({f"{path}.feed_forward.{n}": np.zeros(s) for n, s in unused.items()} | dict(w))
        hidden, back = nn.Linear(WIDTH, units).double(), nn.Linear(units, WIDTH).double()
        set_dense(hidden, w, f"{path}.feed_forward.dense")
        if units != WIDTH:
            set_dense(back, w, f"{path}.projection")
        module._ff_block = lambda y: torch.tanh(hidden(y)) if units == WIDTH else back(torch.tanh(hidden(y)))
        return numbers(module(tensor(x)))

    unused = {
        "hidden.kernel": (WIDTH, HIDDEN), "hidden.bias": (HIDDEN,), "output.kernel": (HIDDEN, WIDTH),
        "output.bias": (WIDTH,),
    }  # fmt: skip
    agrees(f'TransformerEncoder({HEADS}) {{ Dense({units}, "tanh") Dropout(0.3) }}', X, reference)


def test_a_block_of_another_width_warns() -> None:
    (warning,) = program_of("TransformerEncoder(2) { Dense(3) }", {"x": f"(S, {WIDTH})"}).warnings
    assert (warning.code, warning.help) == ("W0405", f"write `Dense({WIDTH})` at its end if that is meant")


@pytest.mark.parametrize(
    ("text", "options"), [("", {}), (", normalize_first=true, use_causal_mask=false", {"norm_first": True})]
)
def test_decoder(text: str, options: Mapping[str, Any]) -> None:
    def reference(x: Array, m: Array, w: Weights) -> Array:
        mask = None if options else causal(5)
        return numbers(decoder(w, **options)(tensor(x), tensor(m), tgt_mask=mask))

    agrees(
        f"TransformerDecoder(x, m, num_heads={HEADS}, ff_dim={HIDDEN}{text})",
        {"x": ("T", WIDTH), "m": ("S", WIDTH)},
        reference,
        sizes={"T": 5, "S": 7},
    )


def test_decoder_with_masks() -> None:
    seen = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], "bool")
    pairs = np.random.default_rng(2).random((2, 5, 7)) < 0.7
    pairs[:, :, 0] = True

    def reference(x: Array, m: Array, p: Array, a: Array, w: Weights) -> Array:
        module = decoder(w)
        mask = tensor(~a).repeat_interleave(HEADS, 0)
        own = tensor(np.where(p, 0.0, -np.inf))
        own_mask = torch.zeros(5, 5, dtype=torch.float64).masked_fill(causal(5), -np.inf)
        return numbers(module(tensor(x), tensor(m), own_mask, mask, own))

    agrees(
        f"TransformerDecoder(x, m, num_heads={HEADS}, ff_dim={HIDDEN}, padding_mask=p, memory_attention_mask=a)",
        {**X, "m": (7, WIDTH), "p": (5,), "a": (5, 7)},
        reference,
        data={"p": seen, "a": pairs},
    )


def test_decoder_alone_is_an_encoder_with_a_causal_mask() -> None:
    def reference(x: Array, w: Weights) -> Array:
        named = {name.replace("decoder", "encoder"): array for name, array in w.items()}
        return numbers(encoder(named)(tensor(x), src_mask=causal(5)))

    agrees(f"TransformerDecoder({HEADS}, {HIDDEN})", X, reference)


@pytest.mark.parametrize("alone", [False, True])
def test_transformer(alone: bool) -> None:
    def reference(*values: Any) -> Array:
        x, y, w = (values[0], values[0], values[1]) if alone else values
        module = nn.Transformer(WIDTH, HEADS, 2, 1, HIDDEN, **OPTIONS).eval()
        for part, stack in (("encoder", module.encoder), ("decoder", module.decoder)):
            for index, layer in enumerate(stack.layers):
                set_layer(layer, w, f"transformer.{part}.{index}")
            set_norm(stack.norm, w, f"transformer.{part}.norm")
        return numbers(module(tensor(x), tensor(y), tgt_mask=causal(y.shape[1])))

    agrees(
        f"Transformer({'' if alone else 'x, y, '}num_heads={HEADS}, ff_dim={HIDDEN}, num_encoder_layers=2, "
        "num_decoder_layers=1)",
        X if alone else {**X, "y": (4, WIDTH)},
        reference,
    )


def test_layers_of_a_transformer_have_their_own_block() -> None:
    program = program_of(
        f"Transformer({HEADS}, num_encoder_layers=2, num_decoder_layers=1) {{ Dense(3) }}", {"x": "(5, 8)"}
    )
    kernels = [weight.name for weight in program.weights if weight.name.endswith("feed_forward.dense.kernel")]
    places = ("encoder.0", "encoder.1", "decoder.0")
    assert kernels == [f"transformer.{place}.feed_forward.dense.kernel" for place in places]


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        ("TransformerEncoder(3)", {"x": "(5, 8)"}, "3 heads cannot share the 8 features of (batch, 5, 8) evenly"),
        ("TransformerEncoder(2) { Flatten() }", {"x": "(5, 8)"}, "only the features may change"),
        (
            "TransformerEncoder(2)",
            {"x": "(3, 5, 8)"},
            "its input is (batch, 3, 5, 8)",
        ),
        ("TransformerDecoder(x, m, num_heads=2)", {"x": "(5, 8)", "m": "(8)"}, "one rank"),
    ],
)
def test_refusals(layer: str, inputs: Mapping[str, str], message: str) -> None:
    code, found = refusal(layer, inputs)
    assert (code, message in found) == ("E0401", True), found
