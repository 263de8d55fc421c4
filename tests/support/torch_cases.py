"""Calls of torch functions on random tensors, for each op that is imported.

A case is a function and the shapes of what it takes: letters are sizes that each seed draws, digits are sizes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

aten = torch.ops.aten


@dataclass(frozen=True)
class Case:
    name: str
    function: Callable[..., Any]
    operands: tuple[str, ...]
    """`"b c 3"`: floats of that shape; `"i5 b c"`: integers below 5; `"p b"`: positive floats; `"t b"`: truth values;
    `"u b"`: floats between -1 and 1."""

    def tensors(self, seed: int) -> list[Tensor]:
        chosen, sizes = random.Random(seed), {}
        torch.manual_seed(seed)
        found = []
        for operand in self.operands:
            kind, words = "f", operand.split()
            if words and words[0][0] in "iptu" and (len(words[0]) > 1 or words[0] in "ptu"):
                kind, *words = words
            shape = [int(w) if w.isdigit() else sizes.setdefault(w, chosen.randint(2, 5)) for w in words]
            found.append(tensor(kind, shape))
        return found


def tensor(kind: str, shape: list[int]) -> Tensor:
    match kind[0]:
        case "i":
            return torch.randint(0, int(kind[1:]), shape)
        case "p":
            return torch.rand(shape, dtype=torch.float64) + 0.1
        case "u":
            return torch.rand(shape, dtype=torch.float64) * 1.8 - 0.9
        case "t":
            return torch.rand(shape) < 0.5
    return torch.randn(shape, dtype=torch.float64)


CASES: list[Case] = []


def case(name: str, function: Callable[..., Any], *operands: str) -> None:
    CASES.append(Case(name, function, operands))


# --- one operand, value by value -------------------------------------------------------------------------------------
for word in (
    "asinh", "atan", "cos", "cosh", "erf", "exp", "neg", "abs", "sigmoid", "sign", "sgn", "sin", "sinh", "tan", "tanh",
    "ceil", "floor", "round", "trunc", "frac", "expm1", "exp2", "erfc", "square", "reciprocal", "isnan", "isinf",
    "isfinite", "isposinf", "isneginf", "logical_not", "positive", "deg2rad", "rad2deg", "nan_to_num",
):  # fmt: skip
    case(word, getattr(torch, word), "a b")
for word in ("acos", "asin", "atanh"):
    case(word, getattr(torch, word), "u a b")
for word in ("log", "log1p", "log2", "log10", "rsqrt", "sqrt"):
    case(word, getattr(torch, word), "p a b")
case("acosh", lambda x: torch.acosh(x + 1), "p a b")
case("logit", lambda x: torch.logit(x * 0.5 + 0.3, eps=0.05), "u a b")
case("sqrt_of_integers", lambda x: torch.sqrt(x * x), "i4 a")
case("round_decimals", lambda x: torch.round(x, decimals=2), "a b")
case("round_integers", lambda x: torch.floor(x) + torch.trunc(x), "i9 a")
case("special", lambda x: torch.special.expit(x) + torch.special.erf(x), "a")

# --- arithmetic ------------------------------------------------------------------------------------------------------
case("add", lambda x, y: torch.add(x, y, alpha=2.5) + 1, "a b", "b")
case("add_truth", lambda x, y: x + y, "t a", "t a")
case("sub", lambda x, y: torch.sub(x, y, alpha=0.5) - 3, "a b", "a 1")
case("rsub", lambda x: (1 - x) + aten.rsub.Scalar(x, 2.0, 3.0), "a b")
case("mul", lambda x, y: x * y * 2 * (x > 0), "a b", "b")
case("mul_truth", lambda x, y: x * y, "t a", "t a")
case("div", lambda x, y: x / y + x / 3, "a b", "p b")
case("div_integers", lambda x, y: x / (y + 1), "i9 a", "i4 a")
case("div_floor", lambda x, y: torch.div(x, y, rounding_mode="floor") + x // 0.7, "a b", "a b")
case("div_trunc", lambda x, y: torch.div(x, y, rounding_mode="trunc"), "a b", "a b")
case("div_floor_integers", lambda x, y: torch.div(x - 4, y + 1, rounding_mode="floor"), "i9 a", "i4 a")
case("div_trunc_integers", lambda x, y: torch.div(x - 4, y + 1, rounding_mode="trunc"), "i9 a", "i4 a")
case("remainder", lambda x, y: torch.remainder(x, y) + torch.fmod(x, y) + x % 0.7, "a b", "b")
case("maximum", lambda x, y: torch.maximum(x, y) - torch.minimum(x, y) + torch.max(x, y) * torch.min(x, y), "a b", "b")
case("fmax", lambda x, y: torch.fmax(x / 0 * 0, y) + torch.fmin(y, x), "a b", "a b")
case("pow", lambda x: x**2 + x**0.5 + x**-0.5 + x**1.7 + x**1 + 2**x, "p a b")
case("pow_tensors", lambda x, y: torch.pow(x, y), "p a b", "a b")
case("pow_integers", lambda x: x**3, "i5 a")
case("clamp", lambda x: x.clamp(-0.5, 0.7) + x.clamp(min=0.1) + x.clamp_max(0.2) + x.clamp_min(-0.3), "a b")
case("clamp_tensors", lambda x, y: torch.clamp(x, min=y), "a b", "b")
case("addcmul", lambda x, y, z: torch.addcmul(x, y, z, value=0.5) + torch.addcdiv(x, y, z.abs() + 1), "a", "a", "a")
case("lerp", lambda x, y: torch.lerp(x, y, 0.3) + torch.lerp(x, y, x), "a", "a")
case("atan2", lambda y, x: torch.atan2(y, x) + torch.atan2(y.round(), x.round()), "a b", "a b")
case("xlogy", lambda x, y: torch.xlogy(x.relu(), y), "a b", "p a b")
case("hypot", torch.hypot, "a b", "a b")
case("mixed_types", lambda x, y: x + y * 2 + (y > 1), "a b", "i4 a b")
case("floor_divide", lambda x, y: torch.floor_divide(x, y + 1), "i9 a", "i4 a")

# --- truth and bits --------------------------------------------------------------------------------------------------
case("compare", lambda x, y: torch.stack([x == y, x != y, x < y, x <= y, x > y, x >= 0.5]), "a b", "a b")
case("compare_types", lambda x, y: (x == 2) | (x < y) | (y >= 1), "i4 a", "a")
case("logical", lambda x, y: torch.logical_and(x, y) ^ torch.logical_or(x, y.logical_not()), "i2 a b", "t a b")
case("logical_xor", torch.logical_xor, "t a b", "t a b")
case("bits", lambda x, y: (x & y) + (x | y) * 3 + (x ^ y) + ~x, "i99 a", "i99 a")
case("bits_truth", lambda x, y: (x & y) ^ (x | ~y), "t a", "t a")
case("shift", lambda x, y: (x << y) + (x >> 1) + torch.bitwise_left_shift(x, 2), "i9 a", "i3 a")
case(
    "dunder",
    lambda x, y: aten.__and__.Tensor(x, y) + aten.__or__.Tensor(x, y) + aten.__xor__.Tensor(x, y),
    "i9 a",
    "i9 a",
)
case("dunder_shift", lambda x, y: aten.__lshift__.Tensor(x, y) + aten.__rshift__.Tensor(x, y), "i9 a", "i3 a")
case(
    "where",
    lambda c, x, y: torch.where(c, x, y) + torch.where(x > 0, x, 0.5) + torch.where(c, 1.0, y),
    "t a b",
    "a b",
    "b",
)
case("masked_fill", lambda x, c: x.masked_fill(c, -1.5), "a b c", "t b c")

# --- activations -----------------------------------------------------------------------------------------------------
for word in ("relu", "relu6", "selu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh", "celu", "elu", "gelu",
             "softplus", "logsigmoid", "tanhshrink", "softsign", "hardshrink", "softshrink", "leaky_relu"):  # fmt: skip
    case(word, getattr(F, word), "a b")
case("leaky_relu_slope", lambda x: F.leaky_relu(x, 0.2), "a b")
case("elu_scaled", lambda x: F.elu(x, 0.7) + aten.elu(x, 1.2, 0.5, 2.0) + F.celu(x, 1.3), "a b")
case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), "a b")
case("softplus_beta", lambda x: F.softplus(x, beta=2.0), "a b")
case("log_sigmoid_forward", lambda x: aten.log_sigmoid_forward(x)[0], "a b")
case("hardtanh_bounds", lambda x: F.hardtanh(x, -0.3, 0.8) + F.hardtanh(x, 0.0, 6.0), "a b")
case("threshold", lambda x: F.threshold(x, 0.2, -4.0), "a b")
case("prelu", lambda x, a: F.prelu(x, a), "b c h", "c")
case("prelu_single", lambda x, a: F.prelu(x, a), "b c h", "1")
case("prelu_kernel", lambda x, a: aten._prelu_kernel(x, a), "a b", "1 b")
case("glu", lambda x: F.glu(x, 1), "a 6 c")
case("softmax", lambda x: F.softmax(x, 1) + torch.softmax(x, -1) + aten._softmax(x, 0, False), "a b c")
case("log_softmax", lambda x: F.log_softmax(x, 1) + aten._log_softmax(x, 0, False), "a b c")
case("special_softmax", lambda x: torch.special.softmax(x, 0) + torch.special.log_softmax(x, 1), "a b")
case("safe_softmax", lambda x: aten._safe_softmax(x.masked_fill(x > 0, -float("inf")), -1), "a b")
case("softmin", lambda x: F.softmin(x, dim=1), "a b")

# --- reductions ------------------------------------------------------------------------------------------------------
case("sum", lambda x: x.sum() + x.sum(1).sum(0, keepdim=True) + x.sum((0, 2)).sum(), "a b c")
case("sum_integers", lambda x: x.sum(0) + (x > 2).sum(0), "i5 a b")
case("mean", lambda x: x.mean() + x.mean((0, 1), keepdim=True), "a b c")
case("extremes", lambda x: x.amax(1) + x.amin((0, 2)).sum() + x.max() + x.min(), "a b c")
case("max_dim", lambda x: (*x.max(1), *x.min(0, keepdim=True)), "a b c")
case("prod", lambda x: x.prod() + x.prod(1, keepdim=True), "a b")
case("any", lambda x: torch.stack([x.any(), x.all(), x.any(0).all(), x.all(1).any()]), "t a b")
case("any_numbers", lambda x: (x > 3).any(1) | torch.any(x, 1), "i3 a b")
case("argmax", lambda x: (x.argmax(), x.argmax(1), x.argmin(0, keepdim=True)), "a b")
case("var", lambda x: x.var(0) + x.var() + x.var((0,), unbiased=False) + torch.var(x, 0, correction=2), "5 b")
case("std", lambda x: x.std(0) + x.std(), "a b")
case("var_mean", lambda x: (*torch.var_mean(x, 1), *torch.std_mean(x, 0, keepdim=True)), "a b")
case("logsumexp", lambda x: torch.logsumexp(x, 1, keepdim=True), "a b")
case("norm", lambda x: x.norm() + x.norm(p=1, dim=1).sum() + torch.linalg.vector_norm(x, 3, 0).sum(), "a b")
case("norm_extreme", lambda x: torch.linalg.vector_norm(x, float("inf")) + torch.linalg.vector_norm(x, 0, 1), "a b")
case("normalize", lambda x: F.normalize(x, dim=1), "a b")
case("count_nonzero", lambda x: torch.count_nonzero(x, 0), "i2 a b")
case("cumsum", lambda x: x.cumsum(1) + x.cumprod(0), "a b")
case("cosine_similarity", lambda x, y: F.cosine_similarity(x, y), "a b", "a b")
case("frobenius_norm", lambda x: aten.frobenius_norm.dim(x, [0, 1]), "a b")

# --- products --------------------------------------------------------------------------------------------------------
case("linear", F.linear, "a b i", "o i", "o")
case("linear_vector", lambda x, w: F.linear(x, w), "i", "o i")
case("mm", lambda x, y: torch.mm(x, y), "a b", "b c")
case("bmm", torch.bmm, "n a b", "n b c")
case("matmul", torch.matmul, "m n a b", "n b c")
case("matmul_vectors", lambda x, y: x @ y + torch.dot(y, y) + torch.mv(x, y), "a b", "b")
case("inner", lambda x, y: torch.inner(x, y), "a b", "c b")
case("outer", lambda x, y: torch.outer(x, y), "a", "b")
case("addmm", lambda b, x, y: torch.addmm(b, x, y), "c", "a b", "b c")
case("addmm_scaled", lambda b, x, y: torch.addmm(b, x, y, beta=0.5, alpha=2), "a c", "a b", "b c")
case("addmm_beta_0", lambda b, x, y: torch.addmm(b, x, y, beta=0), "a c", "a b", "b c")
case("addmv", lambda b, x, y: torch.addmv(b, x, y, alpha=2), "a", "a b", "b")
case("baddbmm", lambda b, x, y: torch.baddbmm(b, x, y, beta=0.3), "n a c", "n a b", "n b c")
case("addbmm", lambda b, x, y: torch.addbmm(b, x, y), "a c", "n a b", "n b c")
case("einsum", lambda x, y: torch.einsum("bij,bjk->bik", x, y), "n a b", "n b c")
case("einsum_implicit", lambda x, y: torch.einsum("ij,jk", x, y), "a b", "b c")
case("einsum_dots", lambda x, y: torch.einsum("...ij,jk->...ik", x, y), "m n a b", "b c")
case("einsum_trace", lambda x: torch.einsum("ii->i", x), "a a")
case("bilinear", F.bilinear, "n i", "n j", "o i j", "o")
case("tensordot", lambda x, y: torch.tensordot(x, y, dims=([1, 0], [0, 2])), "a b c", "b d a")
case("cdist", lambda x, y: torch.cdist(x, y, p=1.0) + torch.cdist(x, y, p=3.0), "n a d", "n b d")
case("pdist", lambda x: F.pdist(x), "5 d")
case("det", lambda x: torch.det(x) + torch.linalg.det(x), "n a a")
case("attention", F.scaled_dot_product_attention, "n h q d", "n h k d", "n h k e")
case(
    "attention_causal",
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    "n q d",
    "n k d",
    "n k d",
)
case(
    "attention_mask",
    lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
    "n q d",
    "n k d",
    "n k d",
    "q k",
)
case(
    "attention_truth",
    lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, scale=0.7),
    "n q d",
    "n k d",
    "n k d",
    "t q k",
)
case(
    "attention_groups",
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
    "n 4 q d",
    "n 2 k d",
    "n 2 k d",
)

# --- views -----------------------------------------------------------------------------------------------------------
case("reshape", lambda x: x.reshape(-1, x.shape[2]).view(x.shape[0], -1), "a b c")
case("flatten", lambda x: torch.flatten(x, 1).unflatten(1, (x.shape[1], x.shape[2])), "a b c")
case("squeeze", lambda x: x.squeeze() + x.squeeze(1).squeeze(-1) + x.squeeze((1, 3)), "a 1 b 1")
case("unsqueeze", lambda x: x.unsqueeze(0).unsqueeze(-1), "a b")
case("transpose", lambda x: x.transpose(0, -1).swapaxes(0, 1), "a b c")
case("turned", lambda x: x.mT.contiguous() + aten.permute(x, [0, 2, 1]), "a b c")
case("t", lambda x: x.t() + x.T, "a b")
case("movedim", lambda x: x.movedim(0, 2).movedim((0, 1), (1, 0)), "a b c")
case("expand", lambda x, y: x.expand(3, -1, x.shape[1]) + y.expand_as(x) + torch.broadcast_to(y, x.shape), "a b", "b")
case("same", lambda x: x.detach().clone().contiguous() + aten.alias(x) + aten.positive(x), "a b")
case("view_as", lambda x, y: x.view_as(y) + y.reshape_as(y), "6", "2 3")
case("slice", lambda x: x[1:, :-1] + x[:-1, 1:], "a b")
case("slice_steps", lambda x: x[::2, -3:-1], "5 6")
case("select", lambda x: x[0] + x[-1] + x.select(1, 1).sum(), "a b c")
case("narrow", lambda x: x.narrow(1, 1, 2) + x.narrow(1, -2, 2), "a 4")
case("split", lambda x: x.split(2, 1)[-1].sum() + torch.split(x, [1, 3, 1], 1)[1] + x[:, 1:4], "a 5")
case("chunk", lambda x: x.chunk(3, 1)[1] * 2, "a 7")
case("tensor_split", lambda x: torch.tensor_split(x, 3, 1)[0], "a 7")
case("unbind", lambda x: x.unbind(1)[1] + torch.unbind(x, 1)[0], "a 3 b")
case("diagonal", lambda x: x.diagonal(1, 0, 2).sum() + torch.diagonal(x, -1, 1, 2), "b 4 5")
case("flip", lambda x: x.flip(0, 2) + torch.fliplr(x) + torch.flipud(x), "a b c")
case("unfold_view", lambda x: x.unfold(1, 3, 2), "a 8 b")
case("bitcast", lambda x: x.view(torch.int64), "a b")
case("ravel", lambda x: x.ravel() + torch.atleast_2d(x.ravel())[0], "a b")
case("meshgrid", lambda x, y: torch.stack(torch.meshgrid(x, y, indexing="xy")), "a", "b")
case("broadcast_tensors", lambda x, y: torch.stack(torch.broadcast_tensors(x, y)), "a b", "b")

# --- joining ---------------------------------------------------------------------------------------------------------
case("cat", lambda x, y: torch.cat([x, y, x], 1), "a b", "a c")
case("stack", lambda x, y: torch.stack([x, y], -1), "a b", "a b")
case(
    "stacks", lambda x, y: torch.hstack([x, y]).sum() + torch.vstack([x, y]).sum() + torch.dstack([x, y]), "a b", "a b"
)
case("repeat", lambda x: x.repeat(2, 1, 3) + x.tile((2, 1, 3)), "a b")
case("repeat_interleave", lambda x: x.repeat_interleave(3, dim=1).sum() + x.repeat_interleave(2), "a b")
case("pad", lambda x: F.pad(x, (1, 2, 0, 1)) + F.pad(x, (1, 2, 0, 1), value=0.5), "a b c")
case("pad_crop", lambda x: F.pad(x, (-1, 2)), "a 4")
case(
    "pad_modes",
    lambda x: F.pad(x, (1, 1), "reflect") + F.pad(x, (1, 1), "replicate") + F.pad(x, (1, 1), "circular"),
    "a b c",
)
case("pad_ops", lambda x: aten.reflection_pad2d(x, [1, 0, 1, 1]) + aten.replication_pad2d(x, [1, 0, 1, 1]), "a b c")
case(
    "pad_1d",
    lambda x: (
        aten.reflection_pad1d(x, [1, 1]) + aten.constant_pad_nd(x, [1, 1], 2.0) + aten.replication_pad1d(x, [1, 1])
    ),
    "a b",
)
case("pad_3d", lambda x: aten.replication_pad3d(x, [1, 1, 1, 1, 1, 1]) + aten.reflection_pad3d(x, [1] * 6), "a b c d")
case("roll", lambda x: torch.roll(x, 1, 0) + torch.roll(x, (-1, 2), (0, 1)) + x.roll(2), "a b")
case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), "b 8 h w")
case("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), "b c 4 6")
case("channel_shuffle", lambda x: F.channel_shuffle(x, 2), "b 6 h w")

# --- places ----------------------------------------------------------------------------------------------------------
case("embedding", lambda i, w: F.embedding(i, w, padding_idx=0), "i4 a b", "4 d")
case(
    "embedding_bag",
    lambda i, w: F.embedding_bag(i, w, mode="mean") + F.embedding_bag(i, w, mode="sum"),
    "i4 a b",
    "4 d",
)
case("index_select", lambda x, i: torch.index_select(x, 1, i), "a 4", "i4 c")
case("gather", lambda x, i: torch.gather(x, 1, i), "a 4", "i4 a c")
case("take_along_dim", lambda x, i: torch.take_along_dim(x, i, 1), "a 4", "i4 a c")
case("take", lambda x, i: torch.take(x, i), "3 4", "i9 a b")
case("index", lambda x, i, j: x[i, j], "4 5 c", "i4 a", "i5 a")
case("index_middle", lambda x, i, j: x[:, i, j], "a 4 5 c", "i4 b 1", "i5 1 d")
case("index_apart", lambda x, i, j: x[i, :, j], "4 b 5", "i4 a", "i5 a")
case("index_one", lambda x, i: x[:, i] + x[:, i - 4], "a 4", "i4 c d")
case("one_hot", lambda i: F.one_hot(i, 5), "i5 a b")
case("scatter", lambda x, i, s: x.scatter(1, i, s) + x.scatter(1, i, 0.5), "a 5", "i2 a 1", "a 5")
case("scatter_kinds", lambda x, i, s: x.scatter(1, i, s, reduce="add") + x.scatter_add(1, i, s), "a 4", "i4 a c", "a c")
case(
    "scatter_reduce",
    lambda x, i, s: x.scatter_reduce(1, i, s, "amax") + x.scatter_reduce(1, i, s, "sum", include_self=False),
    "a 4",
    "i4 a c",
    "a c",
)
case("index_put", lambda x, i, v: x.index_put((i,), v, accumulate=True), "4 b", "i4 a", "a b")
case("index_put_two", lambda x, i, j, v: x.index_put((i, j), v, accumulate=True), "4 5 b", "i4 a", "i5 a", "b")
case("index_put_middle", lambda x, i, v: aten.index_put(x, [None, i], v, True), "b 5 c", "i5 a", "a c")
case("index_put_mask", lambda x, m: x.index_put((m,), torch.tensor(2.0, dtype=torch.float64)), "a b", "t a b")
case("index_add", lambda x, i, s: x.index_add(1, i, s, alpha=2), "a 4", "i4 c", "a c")
case("index_copy", lambda x, s: x.index_copy(1, torch.tensor([2, 0]), s), "a 4", "a 2")
case("index_fill", lambda x, i: x.index_fill(1, i, 1.5), "a 4", "i4 c")
case("select_scatter", lambda x, s: x.select_scatter(s, 1, 2), "a 4 b", "a b")
case("slice_scatter", lambda x, s: x.slice_scatter(s, 1, 1, 4) + x.slice_scatter(s, 1, 0, 6, 2), "a 6", "a 3")
case("copy", lambda x, y: aten.copy(x, y) + aten.fill.Scalar(x, 2.0), "a b", "b")
case("masked_scatter", lambda x, m, s: x.masked_scatter(m, s), "a b", "t a b", "20")

# --- tensors out of nothing ------------------------------------------------------------------------------------------
case("filled", lambda x: torch.zeros(3, x.shape[1]) + torch.ones_like(x[:1]) + x.new_ones(1) + x.new_zeros(1), "a b")
case("full", lambda x: torch.full((2, x.shape[1]), 1.5) + torch.full_like(x[:1], 0.3) + x.new_full((1,), 2.0), "a b")
case("empty", lambda x: torch.empty_like(x).fill_(1.0) + x.new_empty(x.shape).copy_(x), "a b")
case(
    "arange",
    lambda x: x + torch.arange(x.shape[1]) + torch.arange(1, 2 * x.shape[1], 2) * torch.arange(0.5, 9)[0],
    "a b",
)
case("linspace", lambda x: x + torch.linspace(-1, 1, x.shape[1], dtype=torch.float64), "a b")
case("eye", lambda x: x + torch.eye(x.shape[0], x.shape[1]), "a b")
case("triangles", lambda x: torch.tril(x) + torch.triu(x, 1) * 2 + torch.tril(x, -1), "n a b")
case("triangle_truth", lambda x: torch.tril(x) | torch.triu(x, 2), "t a b")
case("scalar_tensor", lambda x: x + torch.scalar_tensor(1.5), "a")
case("zeros_ops", lambda x: aten.new_zeros(x, [2, 1]) + aten.zeros_like(x)[:2] + aten.ones([1]), "a b")

# --- types -----------------------------------------------------------------------------------------------------------
case("to", lambda x: x.to(torch.int32) + x.long() + (x > 0).int(), "a b")
case("type_as", lambda x, y: y.type_as(x) * x, "a b", "i4 b")

# --- convolutions ----------------------------------------------------------------------------------------------------
case("conv1d", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1), "n 3 7", "o 3 3", "o")
case("conv2d", lambda x, w, b: F.conv2d(x, w, b, padding=(1, 2), dilation=(1, 2)), "n 4 6 7", "6 4 3 2", "6")
case("conv2d_groups", lambda x, w: F.conv2d(x, w, groups=2), "n 4 6 7", "6 2 3 3")
case("conv2d_same", lambda x, w: F.conv2d(x, w, padding="same"), "n 3 5 6", "2 3 4 3")
case("conv2d_alone", lambda x, w: F.conv2d(x, w), "3 5 6", "2 3 3 3")
case("conv3d", lambda x, w: F.conv3d(x, w, padding="valid"), "n 2 4 5 6", "3 2 2 2 3")
case("conv_transpose1d", lambda x, w, b: F.conv_transpose1d(x, w, b, stride=2, output_padding=1), "n 3 4", "3 o 3", "o")
case(
    "conv_transpose2d",
    lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, groups=2, dilation=2),
    "n 4 5 6",
    "4 3 3 3",
)
case("conv_transpose3d", lambda x, w: F.conv_transpose3d(x, w), "n 2 3 3 3", "2 2 2 2 2")
case(
    "convolution",
    lambda x, w: aten.convolution(x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1),
    "n 3 5 6",
    "2 3 3 3",
)
case("convolution_transposed", lambda x, w: aten.convolution(x, w, None, [2], [1], [1], True, [1], 1), "n 3 5", "3 2 3")
case(
    "old_convolution",
    lambda x, w: aten._convolution(x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, False, False, False, False),
    "n 3 5 6",
    "2 3 3 3",
)
case("im2col", lambda x: F.unfold(x, (2, 3), padding=1, stride=2), "n 3 5 6")
case("col2im", lambda x: F.fold(x, (5, 6), (2, 3)), "n 12 16")

# --- pooling ---------------------------------------------------------------------------------------------------------
case("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), "n c 8")
case(
    "max_pool2d",
    lambda x: F.max_pool2d(x, 2, ceil_mode=True) + F.max_pool2d(x, 2, 2, dilation=1, ceil_mode=True),
    "n c 7 6",
)
case("max_pool2d_places", lambda x: F.max_pool2d(x, 2, return_indices=True), "n c 6 5")
case("max_pool3d", lambda x: F.max_pool3d(x, 2), "n c 4 4 4")
case("max_pool3d_places", lambda x: F.max_pool3d(x, 2, return_indices=True), "n c 4 4 4")
case("max_pool1d_places", lambda x: F.max_pool1d(x, 2, return_indices=True), "n c 6")
case("max_pool_alone", lambda x: F.max_pool2d(x, 2), "c 6 6")
case("avg_pool1d", lambda x: F.avg_pool1d(x, 3, 2, 1), "n c 8")
case("avg_pool2d", lambda x: F.avg_pool2d(x, (2, 3), 1, padding=1, count_include_pad=False), "n c 6 7")
case("avg_pool2d_divisor", lambda x: F.avg_pool2d(x, 2, divisor_override=3), "n c 6 7")
case("avg_pool3d", lambda x: F.avg_pool3d(x, 2, ceil_mode=True), "n c 5 4 4")
case("adaptive_avg", lambda x: F.adaptive_avg_pool2d(x, 1) + F.adaptive_avg_pool2d(x, (3, 2)).sum(), "n c 6 6")
case("adaptive_avg_uneven", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), "n c 7 6")
case("adaptive_avg_1d", lambda x: F.adaptive_avg_pool1d(x, 3), "n c 7")
case("adaptive_avg_3d", lambda x: F.adaptive_avg_pool3d(x, (2, 1, 3)), "n c 4 5 6")
case("adaptive_avg_ops", lambda x: aten._adaptive_avg_pool2d(x, [2, 2]), "n c 5 5")
case("adaptive_avg_op_3d", lambda x: aten._adaptive_avg_pool3d(x, [1, 1, 1]), "n c 2 3 3")
case("adaptive_max", lambda x: F.adaptive_max_pool2d(x, 1) + F.adaptive_max_pool2d(x, (3, 4)).sum(), "n c 7 6")
case("adaptive_max_1d", lambda x: F.adaptive_max_pool1d(x, 3), "n c 7")
case("adaptive_max_3d", lambda x: F.adaptive_max_pool3d(x, 2), "n c 4 5 4")

# --- normalizations --------------------------------------------------------------------------------------------------
case("batch_norm", lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b), "n c h", "c", "p c", "c", "c")
case("batch_norm_plain", lambda x, m, v: F.batch_norm(x, m, v, eps=0.1), "n c h w", "c", "p c")
case("batch_norm_2d", lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b), "n c", "c", "p c", "c", "c")
case(
    "batch_norm_native",
    lambda x, w, b, m, v: aten._native_batch_norm_legit_no_training(x, w, b, m, v, 0.1, 1e-5)[0],
    "n c h",
    "c",
    "c",
    "c",
    "p c",
)
case(
    "batch_norm_no_stats",
    lambda x, w, b: aten._native_batch_norm_legit.no_stats(x, w, b, True, 0.1, 1e-5)[0],
    "n c h",
    "c",
    "c",
)
case(
    "batch_norm_legit",
    lambda x, w, b, m, v: aten._native_batch_norm_legit_functional(x, w, b, m, v, False, 0.1, 1e-5)[0],
    "n c h",
    "c",
    "c",
    "c",
    "p c",
)
case("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), "n c h w", "c", "c")
case("instance_norm_running", lambda x, m, v: F.instance_norm(x, m, v, use_input_stats=False), "n c h", "c", "p c")
case("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), "n 4 h w", "4", "4")
case(
    "group_norm_native",
    lambda x, w: aten.native_group_norm(x, w, None, x.shape[0], 4, x.shape[2], 2, 1e-5)[0],
    "n 4 h",
    "4",
)
case("layer_norm", lambda x, w, b: F.layer_norm(x, x.shape[1:], w, b), "n h w", "h w", "h w")
case("layer_norm_plain", lambda x: F.layer_norm(x, x.shape[-1:], eps=0.1), "n h w")
case("layer_norm_native", lambda x, w, b: aten.native_layer_norm(x, [x.shape[1]], w, b, 1e-5), "n h", "h", "h")
case("rms_norm", lambda x, w: F.rms_norm(x, x.shape[-1:], w) + F.rms_norm(x, x.shape[-1:], eps=1e-3), "n h w", "w")
case("local_response_norm", lambda x: F.local_response_norm(x, 3), "n c h w")

# --- images at other sizes -------------------------------------------------------------------------------------------
case("nearest1d", lambda x: F.interpolate(x, scale_factor=2), "n c 5")
case("nearest2d", lambda x: F.interpolate(x, size=(7, 9)), "n c 4 5")
case("nearest3d", lambda x: F.interpolate(x, scale_factor=(2, 1, 3)), "n c 2 3 2")
case("nearest_scale", lambda x: F.interpolate(x, scale_factor=1.7), "n c 5 6")
case("nearest_exact", lambda x: F.interpolate(x, size=(7, 3), mode="nearest-exact"), "n c 4 5")
case("nearest_exact_1d", lambda x: F.interpolate(x, size=7, mode="nearest-exact"), "n c 4")
case("nearest_exact_3d", lambda x: F.interpolate(x, size=(3, 2, 5), mode="nearest-exact"), "n c 2 3 4")
case("linear1d", lambda x: F.interpolate(x, size=8, mode="linear"), "n c 5")
case("bilinear_up", lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), "n c 4 5")
case("bilinear_scale", lambda x: F.interpolate(x, scale_factor=1.3, mode="bilinear"), "n c 6 5")
case("bilinear_corners", lambda x: F.interpolate(x, size=(7, 3), mode="bilinear", align_corners=True), "n c 4 5")
case("bilinear_smooth", lambda x: F.interpolate(x, size=(3, 4), mode="bilinear", antialias=True), "n c 7 9")
case("trilinear", lambda x: F.interpolate(x, size=(3, 4, 5), mode="trilinear"), "n c 2 3 4")
case("bicubic", lambda x: F.interpolate(x, size=(7, 9), mode="bicubic"), "n c 4 5")
case("bicubic_smooth", lambda x: F.interpolate(x, size=(3, 4), mode="bicubic", antialias=True), "n c 8 9")
case("grid_sample", lambda x, g: F.grid_sample(x, g, align_corners=False), "n c 4 5", "n h w 2")
case(
    "grid_sample_modes",
    lambda x, g: F.grid_sample(x, g, "nearest", "border", align_corners=True),
    "n c 4 5",
    "u n h w 2",
)
case("grid_sample_3d", lambda x, g: aten.grid_sampler_3d(x, g, 0, 1, True), "n c 3 3 3", "u n d h w 3")
case("grid_sample_2d", lambda x, g: aten.grid_sampler_2d(x, g, 2, 0, True), "n c 4 5", "u n h w 2")

# --- order, training -------------------------------------------------------------------------------------------------
case("topk", lambda x: (*x.topk(2, 1), *x.topk(1, 0, largest=False)), "a b")
case("sort", lambda x: (*x.sort(1), *x.sort(0, descending=True), x.argsort(1)), "a b")
case("sort_stable", lambda x: (*torch.sort(x, stable=True), torch.argsort(x, stable=True), torch.msort(x)), "a b")
case(
    "dropout",
    lambda x: F.dropout(x, 0.3, False) + F.dropout2d(x, 0.2, False) + F.alpha_dropout(x, 0.1, False),
    "a b c d",
)
case("dropout_rest", lambda x: F.feature_alpha_dropout(x, 0.1, False) + aten.native_dropout(x, 0.5, False)[0], "a b c")

# --- recurrent layers ------------------------------------------------------------------------------------------------


def layer(module: nn.Module) -> Callable[..., Any]:
    """A module with random weights as a function of its inputs."""
    return module.double().eval()


case("lstm", layer(nn.LSTM(4, 3)), "s n 4")
case("lstm_layers", layer(nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True, dropout=0.2)), "n s 4")
case("lstm_alone", layer(nn.LSTM(4, 3, bias=False)), "s 4")
case("lstm_states", lambda x, h, c: _LSTM(x, (h, c)), "s n 4", "1 n 3", "1 n 3")
case("gru", layer(nn.GRU(4, 3, batch_first=True)), "n s 4")
case("gru_layers", layer(nn.GRU(4, 3, 2, bidirectional=True, bias=False)), "s n 4")
case("rnn", layer(nn.RNN(4, 3)), "s n 4")
case("rnn_relu", layer(nn.RNN(4, 3, nonlinearity="relu", bidirectional=True)), "s n 4")
case("lstm_cell", layer(nn.LSTMCell(4, 3)), "n 4")
case("gru_cell", layer(nn.GRUCell(4, 3)), "n 4")
case("rnn_cell", layer(nn.RNNCell(4, 3)), "n 4")
case("rnn_cell_relu", layer(nn.RNNCell(4, 3, nonlinearity="relu", bias=False)), "n 4")
_LSTM = layer(nn.LSTM(4, 3))

# --- the same under other names, which programs hold that torch has taken apart --------------------------------------
case(
    "cdist_forward",
    lambda x, y: aten._cdist_forward(x, y, 2.0, None) + torch.cdist(x, y, p=float("inf")),
    "n a d",
    "n b d",
)
case("pdist_forward", lambda x: aten._pdist_forward(x, 1.0), "4 d")
case("embedding_bag_native", lambda i, w: aten._embedding_bag(w, i, torch.tensor([0, 2]), False, 0)[0], "i4 4", "4 d")
case("to_copy", lambda x: aten._to_copy(x, dtype=torch.int64) + 1, "a b")
case(
    "unsafe_ops",
    lambda x, i: aten._unsafe_index(x, [None, i]) + aten._unsafe_view(x, [x.shape[1], 4])[:1, :1],
    "4 4",
    "i4 a",
)
case("unsafe_put", lambda x, i, v: aten._unsafe_index_put(x, [i], v, True), "4 b", "i4 a", "a b")
case("unsafe_split", lambda x: aten.unsafe_split(x, 2, 1)[0] + aten.unsafe_chunk(x, 3, 1)[0], "a 6")
case("unsafe_sizes", lambda x: aten.unsafe_split_with_sizes(x, [1, 5], 1)[1], "a 6")
case("splits", lambda x: torch.hsplit(x, 2)[0] + torch.vsplit(x, 1)[0][:, :3], "a 6")
case(
    "aliases",
    lambda x: torch.multiply(x, 2) + torch.divide(x, 3) + torch.true_divide(x, 4) + torch.fix(x).clip(0, 1),
    "a b",
)
case("adjoints", lambda x: x.adjoint() + x.mH + x.transpose(-1, -2).conj().resolve_conj(), "n a b")
case(
    "matrix_names",
    lambda x, y: torch.ger(x, y) + torch.moveaxis(torch.outer(y, x), 0, 1) + torch.swapdims(torch.outer(y, x), 0, 1),
    "a",
    "b",
)
case("concats", lambda x: torch.concat([x, x]) + torch.concatenate([x, x], dim=0), "a b")
case("at_least", lambda x: torch.atleast_1d(x) + torch.atleast_3d(x).squeeze(-1).squeeze(0), "a b")
case(
    "bit_functions",
    lambda x, y: torch.bitwise_and(x, y) + torch.bitwise_or(x, 3) + torch.bitwise_xor(x, y),
    "i99 a",
    "i99 a",
)
case("right_shift", lambda x, y: torch.bitwise_right_shift(x, y), "i99 a", "i3 a")
case("old_norm", lambda x: aten.norm.ScalarOpt_dim(x, 2, [1], True) + aten.norm.Scalar(x, 3), "a b")
case("prims", lambda x: torch.ops.prims.convert_element_type(x, torch.float64) * 2, "i4 a")
case("zero", lambda x: aten.zero(x) + x, "a b")
case("empty_memory", lambda x: torch.empty(2, 3).zero_() + torch.empty_strided((2, 3), (3, 1)).fill_(1), "a b")
case("reshape_alias", lambda x: aten._reshape_alias(x, [x.shape[1], 2], [2, 1]), "2 b")

# --- writes ----------------------------------------------------------------------------------------------------------


def writes_parts(x: Tensor) -> Tensor:
    y = x * 2
    y[:, 0] = 1
    y[1:, 1:] += x[1:, 1:]
    y.t()[0].mul_(3)
    return y


def writes_views(x: Tensor) -> tuple[Tensor, Tensor]:
    y = x.clone()
    row, flat = y[0], y.view(-1)
    flat.add_(1)
    row.relu_()
    y.unsqueeze(0).clamp_(-1, 1)
    return row + flat.sum(), y


def writes_twice(x: Tensor) -> Tensor:
    y = torch.zeros_like(x)
    for i in range(x.shape[0]):
        y[i] = x[i] * i
    y.masked_fill_(y > 1, 0.5)
    return y


case("writes_parts", writes_parts, "a b")
case("writes_views", writes_views, "a b")
case("writes_twice", writes_twice, "a b")
