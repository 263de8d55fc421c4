"""The model `ResidualNet` in PyTorch, written by neuralc."""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


class Block(nn.Module):
    """Block `block`: (batch, in_channels, S, S) -> (batch, out_channels, S, S)."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, padding: int
    ) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            padding=padding,
            bias=False,
        )
        self.batch_normalization = nn.BatchNorm2d(
            out_channels, eps=0.001, momentum=0.01
        )
        self.batch_normalization.weight.requires_grad_(False)  # the model has no scale
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.batch_normalization(self.conv2d(x)), negative_slope=0.1)
        return self.dropout(x)


class ResidualConnection(nn.Module):
    """Block `residual_connection`: (batch, 16, 14, 14) -> (batch, 16, 14, 14)."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block(16, 16, kernel_size=3, padding=1)
        self.block_1 = Block(16, 16, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        y = self.block_1(y)
        return y + x


class ResidualNet(nn.Module):
    """Model `ResidualNet`: image (batch, 28, 28, 3) -> output (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block(3, 16, kernel_size=3, padding=1)
        self.residual_connection = nn.ModuleList(ResidualConnection() for _ in range(3))
        self.block_1 = Block(16, 32, kernel_size=5, padding=2)
        self.residual_connection_1_depthwise_conv2d = nn.Conv2d(
            32, 64, kernel_size=3, stride=2, groups=32
        )
        self.residual_connection_1_batch_normalization = nn.BatchNorm2d(
            64, eps=0.001, momentum=0.01
        )
        self.residual_connection_1_shortcut = nn.Conv2d(
            32, 64, kernel_size=1, stride=2, bias=False
        )
        self.p_re_lu = nn.PReLU(64)
        self.dense_0 = nn.Linear(64, 64)
        self.dense_1 = nn.Linear(64, 64)
        self.output = nn.Linear(64, 10)
        self.p_re_lu_1_alpha = nn.Parameter(torch.zeros(4, 4, 64))
        nn.init.zeros_(self.p_re_lu.weight)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(0, 3, 1, 2)  # NHWC to NCHW
        x = self.block(x)  # (batch, 16, 28, 28)
        x = F.max_pool2d(x, 2)  # (batch, 16, 14, 14)
        for residual_connection in self.residual_connection:
            x = residual_connection(x)
        x = self.block_1(x)  # (batch, 32, 14, 14)
        y = self.residual_connection_1_depthwise_conv2d(F.pad(x, (0, 1, 0, 1)))
        y = self.residual_connection_1_batch_normalization(y)
        x = self.residual_connection_1_shortcut(x)  # (batch, 64, 7, 7)
        x = self.p_re_lu(y + x)
        x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
        x = x.permute(0, 2, 3, 1)  # NCHW to NHWC
        x = torch.where(x >= 0, x, self.p_re_lu_1_alpha * x)
        x = x.mean(dim=(1, 2))  # (batch, 64)
        x = F.gelu(self.dense_0(x))
        x = F.gelu(self.dense_1(x))
        return F.softmax(self.output(x), dim=-1)


# Where parameters stand in a weights file of the model, by the ends of their names, and
# the order of that array's axes that makes it torch's.
WEIGHTS = {
    "conv2d.weight": ("conv2d.kernel", (3, 2, 0, 1)),
    "batch_normalization.bias": ("batch_normalization.beta", (0,)),
    "batch_normalization.running_mean": ("batch_normalization.moving_mean", (0,)),
    "batch_normalization.running_var": ("batch_normalization.moving_variance", (0,)),
    "residual_connection_1_depthwise_conv2d.weight": (
        "residual_connection_1.depthwise_conv2d.kernel",
        (2, 3, 0, 1),
    ),
    "residual_connection_1_depthwise_conv2d.bias": (
        "residual_connection_1.depthwise_conv2d.bias",
        (0,),
    ),
    "residual_connection_1_batch_normalization.weight": (
        "residual_connection_1.batch_normalization.gamma",
        (0,),
    ),
    "residual_connection_1_batch_normalization.bias": (
        "residual_connection_1.batch_normalization.beta",
        (0,),
    ),
    "residual_connection_1_batch_normalization.running_mean": (
        "residual_connection_1.batch_normalization.moving_mean",
        (0,),
    ),
    "residual_connection_1_batch_normalization.running_var": (
        "residual_connection_1.batch_normalization.moving_variance",
        (0,),
    ),
    "residual_connection_1_shortcut.weight": (
        "residual_connection_1.shortcut.kernel",
        (3, 2, 0, 1),
    ),
    "p_re_lu.weight": ("p_re_lu.alpha", (2, 0, 1)),
    "dense_0.weight": ("dense.0.kernel", (1, 0)),
    "dense_0.bias": ("dense.0.bias", (0,)),
    "dense_1.weight": ("dense.1.kernel", (1, 0)),
    "dense_1.bias": ("dense.1.bias", (0,)),
    "output.weight": ("output.kernel", (1, 0)),
    "output.bias": ("output.bias", (0,)),
    "p_re_lu_1_alpha": ("p_re_lu_1.alpha", (0, 1, 2)),
}
# Parameters that hold several axes of the file as one, and those axes.
SPLIT = {
    "residual_connection_1_depthwise_conv2d.weight": (32, 2, 3, 3),
    "p_re_lu.weight": (64, 1, 1),
}


def stored_as(name: str) -> tuple[str, tuple[int, ...]] | None:
    """A parameter's name in a weights file, and that array's axes in torch's order."""
    end = next((end for end in WEIGHTS if f".{name}".endswith(f".{end}")), None)
    if end is None:
        return None
    key, axes = WEIGHTS[end]
    return name.removesuffix(end) + key, axes


def load(path: str) -> ResidualNet:
    """The model with the weights of a safetensors file."""
    model = ResidualNet()
    stored, state = load_file(path), {}
    for name, value in model.state_dict().items():
        if place := stored_as(name):
            key, axes = place
            state[name] = stored[key].permute(axes).reshape(value.shape)
    model.load_state_dict(state, strict=False)
    return model


def save(model: ResidualNet, path: str) -> None:
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
