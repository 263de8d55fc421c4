"""Layers that only training needs, against Keras: at inference each gives what it gets."""

import pytest
from support.keras_reference import agrees, layers

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("text", "shape", "layer"),
    [
        ("Dropout(0.5)", (6, 4), layers.Dropout(0.5)),
        ("Dropout(0.25, noise_shape=(None, 1, 4))", (6, 4), layers.Dropout(0.25, noise_shape=(None, 1, 4))),
        ("SpatialDropout1D(0.5)", (6, 4), layers.SpatialDropout1D(0.5)),
        ("SpatialDropout2D(0.5)", (6, 5, 4), layers.SpatialDropout2D(0.5)),
        ("SpatialDropout3D(0.5)", (2, 6, 5, 4), layers.SpatialDropout3D(0.5)),
        ("GaussianNoise(0.5)", (6, 4), layers.GaussianNoise(0.5)),
        ("GaussianDropout(0.5)", (6, 4), layers.GaussianDropout(0.5)),
        ("AlphaDropout(0.5)", (6, 4), layers.AlphaDropout(0.5)),
        ("ActivityRegularization(0.1, 0.2)", (6, 4), layers.ActivityRegularization(0.1, 0.2)),
    ],
    ids=str,
)
def test_a_layer_gives_what_it_gets(text: str, shape: tuple[int, ...], layer: object) -> None:
    agrees(text, shape, layer)
