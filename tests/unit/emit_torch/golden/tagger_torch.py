"""The model `Tagger` in PyTorch, written by neuralc."""

from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def masked(
    layer: nn.RNNBase, x: Tensor, mask: Tensor, states: Any = None
) -> tuple[Tensor, Any]:
    """A layer over the steps where the mask [batch, time] is true; others are zeros."""
    order = torch.argsort(~mask, dim=1, stable=True)[..., None]
    counts = mask.sum(dim=1).clamp(min=1).cpu()
    x = torch.take_along_dim(x, order, dim=1)
    packed = pack_padded_sequence(x, counts, batch_first=True, enforce_sorted=False)
    packed, states = layer(packed, states)
    x, _ = pad_packed_sequence(packed, batch_first=True, total_length=mask.shape[1])
    x = torch.take_along_dim(x, order.argsort(dim=1), dim=1)
    return x.masked_fill(~mask[..., None], 0), states


class Tagger(nn.Module):
    """Model `Tagger`: sentence (batch, S) -> tags (batch, S, 45)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20000, 50)
        self.dropout = nn.Dropout(0.5)
        self.bidirectional = nn.LSTM(50, 300, batch_first=True, bidirectional=True)
        nn.init.zeros_(self.bidirectional.bias_hh_l0).requires_grad_(False)
        nn.init.zeros_(self.bidirectional.bias_hh_l0_reverse).requires_grad_(False)
        self.dropout_1 = nn.Dropout(0.5)
        self.tags = nn.Linear(600, 45)
        nn.init.uniform_(self.embedding.weight, a=-0.05, b=0.05)
        nn.init.xavier_uniform_(self.bidirectional.weight_ih_l0)
        nn.init.orthogonal_(self.bidirectional.weight_hh_l0)
        nn.init.zeros_(self.bidirectional.bias_ih_l0)
        nn.init.ones_(self.bidirectional.bias_ih_l0[300:600])
        nn.init.xavier_uniform_(self.bidirectional.weight_ih_l0_reverse)
        nn.init.orthogonal_(self.bidirectional.weight_hh_l0_reverse)
        nn.init.zeros_(self.bidirectional.bias_ih_l0_reverse)
        nn.init.ones_(self.bidirectional.bias_ih_l0_reverse[300:600])
        nn.init.xavier_uniform_(self.tags.weight)
        nn.init.zeros_(self.tags.bias)

    def forward(self, sentence: Tensor) -> Tensor:
        x = self.dropout(self.embedding(sentence))  # (batch, S, 50)
        mask = sentence != 0
        x, _ = masked(self.bidirectional, x, mask)
        return F.softmax(self.tags(self.dropout_1(x)), dim=-1)


def load(path: str) -> Tagger:
    """The model with the weights of a safetensors file."""
    model = Tagger()
    model.load_state_dict(load_file(path))
    return model


def save(model: Tagger, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    save_file(model.state_dict(), path)
