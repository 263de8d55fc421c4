"""Networks that make images and sounds."""

from __future__ import annotations

import torch
from support.torch_modules.example import Example, images
from torch import Tensor, nn
from torch.nn import functional as F


class Autoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(4, 8, 3, stride=2, padding=1)
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1), nn.ELU(),
            nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.encoder(x)
        return self.decoder(z), z


class VaeDecoder(nn.Module):
    def __init__(self, latent: int = 6) -> None:
        super().__init__()
        self.fc = nn.Linear(latent, 8 * 4 * 4)
        self.norm = nn.GroupNorm(2, 8)
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1)
        self.inorm = nn.InstanceNorm2d(8, affine=True)
        self.conv2 = nn.Conv2d(8, 3, 3, padding=1, padding_mode="reflect")

    def forward(self, z: Tensor) -> Tensor:
        x = self.fc(z).view(-1, 8, 4, 4)
        x = F.silu(self.norm(x))
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = F.mish(self.inorm(self.conv1(x)))
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return torch.tanh(self.conv2(x))


class CausalConv(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.left = dilation
        self.conv = nn.Conv1d(channels, 2 * channels, 2, dilation=dilation)
        self.residual = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        gate, value = self.conv(F.pad(x, (self.left, 0))).chunk(2, dim=1)
        y = torch.sigmoid(gate) * torch.tanh(value)
        return x + self.residual(y), self.skip(y)


class WaveNet(nn.Module):
    """van den Oord et al. 2016."""

    def __init__(self) -> None:
        super().__init__()
        self.inp = nn.Conv1d(1, 6, 1)
        self.layers = nn.ModuleList([CausalConv(6, 2**i) for i in range(4)])
        self.out = nn.Sequential(nn.ReLU(), nn.Conv1d(6, 6, 1), nn.ReLU(), nn.Conv1d(6, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.inp(x)
        total = 0
        for layer in self.layers:
            x, skip = layer(x)
            total = total + skip
        return self.out(total)


class SuperResolution(nn.Module):
    """Shi et al. 2016."""

    def __init__(self, factor: int = 3) -> None:
        super().__init__()
        self.relu = nn.PReLU()
        self.conv1 = nn.Conv2d(1, 8, 5, padding="same")
        self.conv2 = nn.Conv2d(8, factor**2, 3, 1, 1)
        self.shuffle = nn.PixelShuffle(factor)

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(self.conv2(self.relu(self.conv1(x))))


EXAMPLES = (
    Example("autoencoder", Autoencoder, images(2, 1, 16, 16), {"x": {0: "batch"}}),
    Example("vae_decoder", VaeDecoder, images(2, 6)),
    Example(
        "wavenet", WaveNet, images(2, 1, 24), {"x": {0: "batch", 2: "time"}},
        frozenset({"layers.3.residual.weight", "layers.3.residual.bias"}),
    ),
    Example("super_resolution", SuperResolution, images(2, 1, 7, 9), {"x": {0: "batch", 2: "height", 3: "width"}}),
)  # fmt: skip
