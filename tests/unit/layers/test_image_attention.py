"""AxialAttention against Keras's attention along axes written out, NonLocalBlock against the equations of its paper."""

import numpy as np
import pytest
from support.compare import Array
from support.nr_programs import Weights, agrees, refusal

pytestmark = pytest.mark.thorough


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def along(x: Array, axis: int, w: Weights) -> Array:
    """Multi-head attention along one axis: each line of places is a sequence of its own."""
    lines = np.moveaxis(x, axis, -2)
    path = f"axial_attention.axis_{axis}"
    q, k, v = (
        np.einsum("...td,dnh->...nth", lines, w[f"{path}.{name}.kernel"]) + w[f"{path}.{name}.bias"][:, None]
        for name in ("query", "key", "value")
    )
    seen = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])) @ v
    output = w[f"{path}.attention_output.kernel"]
    return np.moveaxis(np.einsum("...nth,nhd->...td", seen, output) + w[f"{path}.attention_output.bias"], -2, axis)


@pytest.mark.parametrize(("text", "axes"), [("", (1, 2)), ("axes=(2, 1)", (2, 1)), ("axes=-2", (2,))])
def test_axial_attention(text: str, axes: tuple[int, ...]) -> None:
    def reference(x: Array, w: Weights) -> Array:
        for axis in axes:
            x = along(x, axis, w)
        return x

    agrees(f"AxialAttention(2, 3, {text or 'dropout=0.2'})", {"x": (4, 5, 6)}, reference)


def test_axial_attention_over_a_video_of_any_length() -> None:
    agrees(
        "AxialAttention(2, 3, axes=(1, 3), value_dim=4)",
        {"x": ("T", 3, 4, 6)},
        lambda x, w: along(along(x, 1, w), 3, w),
        sizes={"T": 5},
    )


def non_local(x: Array, w: Weights, mode: str) -> Array:
    """Equations 1 to 6, place by place."""
    flat = x.reshape(x.shape[0], -1, x.shape[-1])

    def embedded(name: str) -> Array:
        return flat @ w[f"non_local_block.{name}.kernel"] + w[f"non_local_block.{name}.bias"]

    theta, phi = (flat, flat) if mode == "gaussian" else (embedded("theta"), embedded("phi"))
    count = flat.shape[1]
    f = np.empty((len(flat), count, count))
    for i in range(count):
        for j in range(count):
            if mode == "concat":
                pair = np.concatenate([theta[:, i], phi[:, j]], -1)
                f[:, i, j] = np.maximum(pair @ w["non_local_block.scores.kernel"], 0) / count
            else:
                f[:, i, j] = (theta[:, i] * phi[:, j]).sum(-1)
    f = f / count if mode == "dot" else softmax(f) if mode in ("gaussian", "embedded") else f
    y = (f @ embedded("g")) @ w["non_local_block.output.kernel"] + w["non_local_block.output.bias"]
    return x + y.reshape(x.shape)


@pytest.mark.parametrize("mode", ["embedded", "gaussian", "dot", "concat"])
def test_non_local_block(mode: str) -> None:
    agrees(f'NonLocalBlock(mode="{mode}")', {"x": (3, 4, 6)}, lambda x, w: non_local(x, w, mode))


@pytest.mark.parametrize("mode", ["dot", "embedded"])
def test_non_local_block_over_named_sizes(mode: str) -> None:
    agrees(
        f'NonLocalBlock(4, "{mode}")',
        {"x": ("H", "W", 6)},
        lambda x, w: non_local(x, w, mode),
        sizes={"H": 3, "W": 5},
    )


@pytest.mark.parametrize("layer", ["AxialAttention(2, 3)", "NonLocalBlock()"])
def test_a_value_without_places_is_refused(layer: str) -> None:
    assert refusal(layer, {"x": "(6)"})[1].endswith(
        "it takes values (batch, places.., features), its input is (batch, 6)"
    )
