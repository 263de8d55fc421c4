"""BI-LSTM tagger in PyTorch: Huang et al. 2015, figure 4. Word 0 is padding.

Padding may stand anywhere in a sentence: it is skipped in both directions.
"""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Tagger(nn.Module):
    """sentence (batch, S) -> probabilities of tags (batch, S, 45)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20000, 50)
        self.dropout = nn.Dropout(0.5)
        self.lstm = nn.LSTM(50, 300, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(600, 45)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(parameter)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(parameter)
            else:
                nn.init.zeros_(parameter)
            if name.startswith("bias_ih"):
                nn.init.ones_(parameter[300:600])  # remembers at first
            elif name.startswith("bias_hh"):
                parameter.requires_grad_(False)  # one bias is enough
        nn.init.xavier_uniform_(self.tags.weight)
        nn.init.zeros_(self.tags.bias)

    def forward(self, sentence: Tensor) -> Tensor:
        mask = sentence != 0
        x = self.dropout(self.embedding(sentence))  # (batch, S, 50)
        x = self.dropout(self.run_lstm(x, mask))  # (batch, S, 600)
        return F.softmax(self.tags(x), dim=-1)

    def run_lstm(self, x: Tensor, mask: Tensor) -> Tensor:
        """The LSTM over the words that the mask has, with zeros for the others."""
        order = torch.argsort(~mask, dim=1, stable=True)[..., None]  # words first
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        x = pack_padded_sequence(
            x.take_along_dim(order, dim=1),
            lengths,
            batch_first=True,
            enforce_sorted=False,
        )
        x, _ = self.lstm(x)
        x, _ = pad_packed_sequence(x, batch_first=True, total_length=mask.shape[1])
        x = x.take_along_dim(order.argsort(dim=1), dim=1)
        return x.masked_fill(~mask[..., None], 0)


def load(path: str) -> Tagger:
    """The model with the weights of a safetensors file."""
    model = Tagger()
    model.load_state_dict(load_file(path))
    return model


def save(model: Tagger, path: str) -> None:
    """Write the weights to a safetensors file."""
    save_file(model.state_dict(), path)
