"""Networks for words and series."""

from __future__ import annotations

import math

import torch
from support.torch_modules.example import Example, images, tokens
from torch import Tensor, nn
from torch.nn import functional as F


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(30, 8, padding_idx=0)
        self.lstm = nn.LSTM(8, 6, num_layers=2, batch_first=True, bidirectional=True, dropout=0.3)
        self.hidden2tag = nn.Linear(12, 5)

    def forward(self, sentence: Tensor) -> Tensor:
        embeds = self.embedding(sentence)
        lstm_out, _ = self.lstm(embeds)
        return F.log_softmax(self.hidden2tag(lstm_out), dim=-1)


class Seq2Seq(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.source = nn.Embedding(20, 6)
        self.target = nn.Embedding(20, 6)
        self.encoder = nn.GRU(6, 8, batch_first=True)
        self.decoder = nn.GRU(6, 8, batch_first=True)
        self.out = nn.Linear(8, 20)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        _, hidden = self.encoder(self.source(source))
        output, _ = self.decoder(self.target(target), hidden)
        return self.out(output)


class Encoder(nn.Module):
    """BERT's shape (Devlin et al. 2019) from torch's own layers."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(40, 16)
        self.positions = nn.Embedding(32, 16)
        self.norm = nn.LayerNorm(16)
        layer = nn.TransformerEncoderLayer(16, 4, 32, activation="gelu", batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.pooler = nn.Linear(16, 16)

    def forward(self, ids: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
        places = torch.arange(ids.shape[1], device=ids.device).unsqueeze(0)
        x = self.norm(self.tokens(ids) + self.positions(places))
        x = self.encoder(x, src_key_padding_mask=padding)
        return x, torch.tanh(self.pooler(x[:, 0]))


# --- GPT (Radford et al. 2019) ---------------------------------------------------------------------------------------
class CausalSelfAttention(nn.Module):
    def __init__(self, dim: int, heads: int, length: int) -> None:
        super().__init__()
        self.c_attn = nn.Linear(dim, 3 * dim)
        self.c_proj = nn.Linear(dim, dim)
        self.heads = heads
        self.dropout = nn.Dropout(0.1)
        self.register_buffer("mask", torch.tril(torch.ones(length, length)).view(1, 1, length, length))

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.size()
        q, k, v = self.c_attn(x).split(c, dim=2)
        q = q.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        k = k.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        v = v.view(b, t, self.heads, c // self.heads).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
        att = self.dropout(F.softmax(att, dim=-1))
        y = att @ v
        y = y.transpose(1, 2).contiguous().view(b, t, c)
        return self.c_proj(y)


class GptBlock(nn.Module):
    def __init__(self, dim: int, heads: int, length: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(dim)
        self.attn = CausalSelfAttention(dim, heads, length)
        self.ln_2 = nn.LayerNorm(dim)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(dim, 4 * dim), "c_proj": nn.Linear(4 * dim, dim)})

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wte = nn.Embedding(50, 16)
        self.wpe = nn.Embedding(24, 16)
        self.h = nn.ModuleList([GptBlock(16, 4, 24) for _ in range(2)])
        self.ln_f = nn.LayerNorm(16)
        self.lm_head = nn.Linear(16, 50, bias=False)
        self.lm_head.weight = self.wte.weight  # tied

    def forward(self, idx: Tensor) -> Tensor:
        _, t = idx.size()
        pos = torch.arange(0, t, dtype=torch.long, device=idx.device)
        x = self.wte(idx) + self.wpe(pos)
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


class Rms(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class Llama(nn.Module):
    """One layer with rotary positions (Su et al. 2021), grouped queries and a gated MLP (Touvron et al. 2023)."""

    def __init__(self, dim: int = 16, heads: int = 4, groups: int = 2) -> None:
        super().__init__()
        self.heads, self.groups, self.width = heads, groups, dim // heads
        self.norm1, self.norm2 = Rms(dim), nn.RMSNorm(dim, eps=1e-6)
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wkv = nn.Linear(dim, 2 * groups * self.width, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)
        self.gate, self.up = nn.Linear(dim, 24, bias=False), nn.Linear(dim, 24, bias=False)
        self.down = nn.Linear(24, dim, bias=False)
        frequencies = 1.0 / (10000 ** (torch.arange(0, self.width, 2).float() / self.width))
        self.register_buffer("inv_freq", frequencies, persistent=False)

    def rotated(self, x: Tensor) -> Tensor:
        places = torch.arange(x.shape[-2], device=x.device).float()
        angles = torch.outer(places, self.inv_freq)
        angles = torch.cat((angles, angles), dim=-1)
        half = x.shape[-1] // 2
        turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
        return x * angles.cos() + turned * angles.sin()

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        h = self.norm1(x)
        q = self.wq(h).view(b, t, self.heads, self.width).transpose(1, 2)
        k, v = self.wkv(h).view(b, t, 2, self.groups, self.width).permute(2, 0, 3, 1, 4)
        k, v = (each.repeat_interleave(self.heads // self.groups, dim=1) for each in (k, v))
        y = F.scaled_dot_product_attention(self.rotated(q), self.rotated(k), v, is_causal=True)
        x = x + self.wo(y.transpose(1, 2).reshape(b, t, c))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


EXAMPLES = (
    Example("tagger", Tagger, tokens(30, 2, 7), {"sentence": {0: "batch"}}),
    Example(
        "seq2seq", Seq2Seq, lambda: (torch.randint(0, 20, (2, 5)), torch.randint(0, 20, (2, 4))),
        {"source": {0: "batch"}, "target": {0: "batch"}},
    ),
    Example(
        "encoder", Encoder,
        lambda: (torch.randint(0, 40, (2, 6)), torch.arange(6)[None] >= torch.tensor([[6], [4]])),
    ),
    Example("gpt", Gpt, tokens(50, 2, 9), {"idx": {0: "batch", 1: "length"}}),
    Example("llama", Llama, images(2, 5, 16), {"x": {0: "batch", 1: "length"}}),
)  # fmt: skip
