"""What tests of Keras models share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def single() -> Iterator[None]:
    """Models made meanwhile are of float32."""
    from support.keras_reference import keras

    before = keras.config.floatx()
    keras.config.set_floatx("float32")
    yield
    keras.config.set_floatx(before)
