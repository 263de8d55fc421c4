"""Small networks: two classifiers of digits and a perceptron."""

from __future__ import annotations

from torch import Tensor, nn


class Digits(nn.Module):
    """Images of 8x8 pixels, as examples/digits.nr has them: (batch, 1, 8, 8) -> probabilities (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(1, 16),
            *_block(16, 32),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(32 * 4 * 4, 64),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(64, 10),
            nn.Softmax(dim=-1),
        )

    def forward(self, image: Tensor) -> Tensor:
        probabilities: Tensor = self.classifier(self.features(image))
        return probabilities


class Mnist(nn.Module):
    """Images of 28x28 pixels, as examples/mnist.nr has them: (batch, 1, 28, 28) -> probabilities (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(1, 16),
            nn.MaxPool2d(2),
            *_block(16, 32),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 96),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(96, 10),
            nn.Softmax(dim=-1),
        )

    def forward(self, image: Tensor) -> Tensor:
        probabilities: Tensor = self.classifier(self.features(image))
        return probabilities


class Perceptron(nn.Module):
    """784-256-128-10: images as vectors (batch, 784) -> logits (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(784, 256),
            nn.ReLU(),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Linear(128, 10),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.layers(pixels)
        return logits


def _block(channels: int, filters: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Convolution, batch norm and ReLU that keep the size."""
    conv = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
    return conv, nn.BatchNorm2d(filters), nn.ReLU()
