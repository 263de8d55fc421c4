"""What tests of Keras models share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def single() -> Iterator[None]:
    """Models made meanwhile are of float32."""
    from support.keras_reference import in_precision

    with in_precision("float32"):
        yield
