"""The model `Bert` in PyTorch, written by neuralc."""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class Attention(nn.Module):
    """Block `Attention`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(768, 768)
        self.key = nn.Linear(768, 768)
        self.value = nn.Linear(768, 768)
        self.dropout = nn.Dropout(0.1)
        self.attention_output = nn.Linear(768, 768)
        self.dropout_1 = nn.Dropout(0.1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = mask.reshape(mask.shape[0], 1, mask.shape[1])  # (batch, 1, S)
        z = mask.reshape(mask.shape[0], mask.shape[1], 1)  # (batch, S, 1)
        y = y & z  # (batch, S, S)
        z = self.query(x)
        z = z.reshape(z.shape[0], z.shape[1], 12, 64)  # (batch, S, 12, 64)
        key = self.key(x)
        key = key.reshape(key.shape[0], key.shape[1], 12, 64)  # (batch, S, 12, 64)
        value = self.value(x)
        value = value.reshape(value.shape[0], value.shape[1], 12, 64)
        z = z * 0.125
        z = torch.einsum("bqnh,bknh->bnqk", z, key)  # (batch, 12, S, S)
        y = y.reshape(y.shape[0], 1, y.shape[1], y.shape[1])  # (batch, 1, S, S)
        y = torch.where(y, z, torch.full((), -1000000000.0, dtype=torch.float32))
        y = F.softmax(y, dim=-1)
        y = self.dropout(y)
        y = torch.einsum("bnqk,bknh->bqnh", y, value)  # (batch, S, 12, 64)
        y = y.flatten(2)  # (batch, S, 768)
        y = self.attention_output(y)
        y = self.dropout_1(y)
        return x + y


class FeedForward(nn.Module):
    """Block `FeedForward`: (batch, S, 768) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(768, 3072)
        self.dropout = nn.Dropout(0.1)
        self.output = nn.Linear(3072, 768)
        self.dropout_1 = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.hidden(x))  # (batch, S, 3072)
        y = self.dropout(y)
        y = self.output(y)  # (batch, S, 768)
        y = self.dropout_1(y)
        return x + y


class TransformerEncoder(nn.Module):
    """Block `TransformerEncoder`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.attention_norm = nn.LayerNorm(768, eps=1e-12)
        self.feed_forward = FeedForward()
        self.feed_forward_norm = nn.LayerNorm(768, eps=1e-12)
        nn.init.ones_(self.attention_norm.weight)
        nn.init.zeros_(self.attention_norm.bias)
        nn.init.ones_(self.feed_forward_norm.weight)
        nn.init.zeros_(self.feed_forward_norm.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention(x, mask)
        x = self.attention_norm(x)
        x = self.feed_forward(x)
        return self.feed_forward_norm(x)


class Bert(nn.Module):
    """Model `Bert`.

    ids (batch, S), segments (batch, S)
    -> sequence (batch, S, 768), pooled (batch, 768)
    """

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(30522, 768)
        self.embedding_1 = nn.Embedding(2, 768)
        self.layer_normalization = nn.LayerNorm(768, eps=1e-12)
        self.dropout = nn.Dropout(0.1)
        self.transformer_encoder = nn.ModuleList(
            TransformerEncoder() for _ in range(12)
        )
        self.dense = nn.Linear(768, 768)
        self.positional_encoding_embeddings = nn.Parameter(torch.empty(512, 768))
        nn.init.uniform_(self.embedding.weight, a=-0.05, b=0.05)
        nn.init.uniform_(self.embedding_1.weight, a=-0.05, b=0.05)
        nn.init.ones_(self.layer_normalization.weight)
        nn.init.zeros_(self.layer_normalization.bias)
        nn.init.xavier_uniform_(self.positional_encoding_embeddings)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, ids: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        x = self.embedding(ids)  # (batch, S, 768)
        y = ids != 0
        z = self.embedding_1(segments)  # (batch, S, 768)
        x = x + z
        z = self.positional_encoding_embeddings[: ids.shape[1]]  # (S, 768)
        x = x + z
        x = self.layer_normalization(x)
        x = self.dropout(x)
        for transformer_encoder in self.transformer_encoder:
            x = transformer_encoder(x, y)
        y = x[:, :1]  # (batch, 1, 768)
        y = y.flatten(1)  # (batch, 768)
        y = torch.tanh(self.dense(y))
        return x, y


# Where parameters stand in a weights file of the model, by the ends of their names, and
# the order of that array's axes that makes it torch's.
WEIGHTS = {
    "embedding.weight": ("embedding.embeddings", (0, 1)),
    "embedding_1.weight": ("embedding_1.embeddings", (0, 1)),
    "layer_normalization.weight": ("layer_normalization.gamma", (0,)),
    "layer_normalization.bias": ("layer_normalization.beta", (0,)),
    "query.weight": ("query.kernel", (1, 2, 0)),
    "query.bias": ("query.bias", (0, 1)),
    "key.weight": ("key.kernel", (1, 2, 0)),
    "key.bias": ("key.bias", (0, 1)),
    "value.weight": ("value.kernel", (1, 2, 0)),
    "value.bias": ("value.bias", (0, 1)),
    "attention_output.weight": ("attention_output.kernel", (2, 0, 1)),
    "attention_output.bias": ("attention_output.bias", (0,)),
    "attention_norm.weight": ("attention_norm.gamma", (0,)),
    "attention_norm.bias": ("attention_norm.beta", (0,)),
    "hidden.weight": ("hidden.kernel", (1, 0)),
    "hidden.bias": ("hidden.bias", (0,)),
    "output.weight": ("output.kernel", (1, 0)),
    "output.bias": ("output.bias", (0,)),
    "feed_forward_norm.weight": ("feed_forward_norm.gamma", (0,)),
    "feed_forward_norm.bias": ("feed_forward_norm.beta", (0,)),
    "dense.weight": ("dense.kernel", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
    "positional_encoding_embeddings": ("positional_encoding.embeddings", (0, 1)),
}
# Parameters that hold several axes of the file as one, and those axes.
SPLIT = {
    "query.weight": (12, 64, 768),
    "query.bias": (12, 64),
    "key.weight": (12, 64, 768),
    "key.bias": (12, 64),
    "value.weight": (12, 64, 768),
    "value.bias": (12, 64),
    "attention_output.weight": (768, 12, 64),
}


def stored_as(name: str) -> tuple[str, tuple[int, ...]] | None:
    """A parameter's name in a weights file, and that array's axes in torch's order."""
    end = next((end for end in WEIGHTS if f".{name}".endswith(f".{end}")), None)
    if end is None:
        return None
    key, axes = WEIGHTS[end]
    return name.removesuffix(end) + key, axes


def load(path: str) -> Bert:
    """The model with the weights of a safetensors file."""
    model = Bert()
    stored, state = load_file(path), {}
    for name, value in model.state_dict().items():
        if place := stored_as(name):
            key, axes = place
            state[name] = stored[key].permute(axes).reshape(value.shape)
    model.load_state_dict(state)
    return model


def save(model: Bert, path: str) -> None:
    """Write the weights to a safetensors file that neuralc reads."""
    stored = {}
    for name, value in model.state_dict().items():
        if place := stored_as(name):
            key, axes = place
            ends = [end for end in SPLIT if f".{name}".endswith(f".{end}")]
            value = value.reshape(SPLIT[ends[0]] if ends else value.shape)
            back = sorted(range(len(axes)), key=axes.__getitem__)
            stored[key] = value.permute(back).contiguous()
    save_file(stored, path)
