"""Merges against Keras."""

from ast import literal_eval

import pytest
from support.keras_reference import agrees, layers

pytestmark = pytest.mark.thorough

SAME = {"a": (4, 6), "b": (4, 6), "c": (4, 6)}
BROADCAST = {"a": (4, 6), "b": (1, 6), "c": (6,)}


@pytest.mark.parametrize("shapes", [SAME, BROADCAST])
@pytest.mark.parametrize("name", ["Add", "Multiply", "Average", "Maximum", "Minimum"])
def test_elementwise(name: str, shapes: dict[str, tuple[int, ...]]) -> None:
    agrees(f"{name}(a, b, c)", shapes, lambda a, b, c: getattr(layers, name)()([a, b, c]))


@pytest.mark.parametrize("shapes", [SAME, BROADCAST])
def test_subtract(shapes: dict[str, tuple[int, ...]]) -> None:
    agrees("Subtract(a, b)", {name: shapes[name] for name in "ab"}, lambda a, b: layers.Subtract()([a, b]))


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_concatenate(axis: int) -> None:
    shapes = {"a": (4, 6), "b": (4, 6), "c": (4, 6)}
    agrees(f"Concatenate(a, b, c, axis={axis})", shapes, lambda a, b, c: layers.Concatenate(axis=axis)([a, b, c]))


@pytest.mark.parametrize(
    ("axes", "shapes"),
    [
        ("1", {"a": (6,), "b": (6,)}),
        ("(2, 1)", {"a": (4, 6), "b": (6, 3)}),
        ("(1, 2)", {"a": (4, 6), "b": (5, 4)}),
        ("-1", {"a": (4, 6), "b": (3, 6)}),
    ],
)
def test_dot(axes: str, shapes: dict[str, tuple[int, ...]]) -> None:
    agrees(f"Dot(a, b, axes={axes})", shapes, lambda a, b: layers.Dot(axes=literal_eval(axes))([a, b]))
