"""Names and layouts that Keras and PyTorch give the weights of the layers, and how our weights are made of theirs.

Ours are Keras's: `dense.kernel` is [in, out]. A file whose names are not ours is read by the convention that knows all
of our weights in it: the layers' names have to be the same, what follows them may be that of Keras
(`lstm/lstm_cell/kernel`) or of PyTorch (`lstm.weight_ih_l0`, with gates and axes in PyTorch's order).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neuralc.frontends.nr.functions import WeightDeclaration

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """How a weight is made: tensors of the file by name, and what is done with them."""

    sources: tuple[str, ...]
    make: Callable[..., Array]


Rule: TypeAlias = Callable[[str, str, Shape], "Recipe | None"]
"""A recipe for the path of a layer, the last part of its weight's name, and our shape."""


@dataclass(frozen=True)
class Convention:
    """A framework's way: recipes for our weights, and names in its files that are no weights."""

    name: str
    recipes: Callable[[Sequence[WeightDeclaration], Iterable[str]], Mapping[str, Recipe]]
    ignored: re.Pattern[str]


def recognise(
    declared: Sequence[WeightDeclaration], found: Sequence[str]
) -> tuple[Convention, Mapping[str, Recipe]] | None:
    """The convention by which the names of a file are all of our weights and nothing else; None where there is none."""
    for convention in CONVENTIONS:
        recipes = convention.recipes(declared, found)
        used = {source for recipe in recipes.values() for source in recipe.sources}
        left = {name for name in found if name not in used and not convention.ignored.search(name)}
        if len(recipes) == len(declared) and used <= set(found) and not left:
            return convention, recipes
    return None


# --- Keras -----------------------------------------------------------------------------------------------------------
def _keras(declared: Sequence[WeightDeclaration], found: Iterable[str]) -> Mapping[str, Recipe]:
    """By our names: cells and a model's name in front are left out, directions of a Bidirectional are those alone."""
    by_name: dict[str, str] = {}
    for name in found:
        parts = [_direction(part) for part in re.split(r"[./]", name.removesuffix(":0")) if not part.endswith("_cell")]
        by_name[".".join(parts)] = name
        by_name.setdefault(".".join(parts[1:]), name)
    return {weight.name: Recipe((by_name[weight.name],), _same) for weight in declared if weight.name in by_name}


def _direction(part: str) -> str:
    match = re.match(r"(forward|backward)_", part)
    return match[1] if match else part


# --- PyTorch ---------------------------------------------------------------------------------------------------------
def _torch(declared: Sequence[WeightDeclaration], found: Iterable[str]) -> Mapping[str, Recipe]:
    names = set(found)
    prefix = next((p for p in ("module.", "model.") if all(name.startswith(p) for name in names)), "")
    recipes: dict[str, Recipe] = {}
    ours = {weight.name for weight in declared}
    for weight in declared:
        path, _, last = weight.name.rpartition(".")
        if last == "bias" and f"{path}.recurrent_bias" in ours:
            last = "input_bias"
        rule = TORCH.get(weight.layer)
        for theirs in () if rule is None else _torch_paths(path):
            recipe = None if rule is None else rule(prefix + theirs, last, weight.shape)
            if recipe is not None and names.issuperset(recipe.sources):
                recipes[weight.name] = recipe
                break
    return recipes


PARTS: Sequence[tuple[str, str]] = (
    ("attention", "self_attn"),
    ("cross_attention", "multihead_attn"),
    ("attention_norm", "norm1"),
    ("cross_attention_norm", "norm2"),
    ("feed_forward.hidden", "linear1"),
    ("feed_forward.output", "linear2"),
    ("feed_forward_norm", "norm3"),
    ("feed_forward_norm", "norm2"),
)
"""Parts of a TransformerEncoder and TransformerDecoder, and those of PyTorch's layers; only a decoder has `norm3`."""


def _torch_paths(path: str) -> Iterator[str]:
    """What PyTorch may call a path: the same, or a part of a transformer layer by its own name."""
    yield path
    for ours, theirs in PARTS:
        head, found, tail = f".{path}.".rpartition(f".{ours}.")
        if found and head:
            yield f"{head}.{theirs}.{tail}".strip(".")


def _same(x: Array) -> Array:
    return x


def _renamed(names: Mapping[str, str], make: Callable[[Array], Array] = _same) -> Rule:
    def rule(path: str, last: str, shape: Shape) -> Recipe | None:
        return Recipe((f"{path}.{names[last]}",), make) if last in names else None

    return rule


def _dense(path: str, last: str, shape: Shape) -> Recipe | None:
    if last == "kernel":
        return Recipe((f"{path}.weight",), np.transpose)
    return Recipe((f"{path}.bias",), _same) if last == "bias" else None


def _convolution(path: str, last: str, shape: Shape) -> Recipe | None:
    """[out, in, window..] becomes [window.., in, out], and that of a transposed one [window.., out, in]."""
    if last == "kernel":
        order = (*range(2, len(shape)), 1, 0)
        return Recipe((f"{path}.weight",), lambda x: np.transpose(x, order))
    return Recipe((f"{path}.bias",), _same) if last == "bias" else None


def _depthwise(path: str, last: str, shape: Shape) -> Recipe | None:
    """[channels * multiplier, 1, window..] becomes [window.., channels, multiplier]."""
    if last != "kernel":
        return Recipe((f"{path}.bias",), _same) if last == "bias" else None
    *window, channels, multiplier = shape
    axes = (*range(2, 2 + len(window)), 0, 1)
    return Recipe((f"{path}.weight",), lambda x: np.transpose(x.reshape(channels, multiplier, *window), axes))


def _recurrent(gates: Sequence[int], *, stacked: bool = False) -> Rule:
    """Gates side by side, in our order. The two biases of PyTorch are one, unless both are kept: `stacked` in one
    weight, or in two."""

    def ordered(x: Array) -> Array:
        parts = np.split(x, len(gates))
        return np.concatenate([parts[gate] for gate in gates])

    def rule(path: str, last: str, shape: Shape) -> Recipe | None:
        head, _, way = path.rpartition(".")
        inside = way in ("forward", "backward")
        base, suffix = (head if inside else path), "_l0_reverse" if way == "backward" else "_l0"
        if last in ("kernel", "recurrent_kernel"):
            kind = "ih" if last == "kernel" else "hh"
            return Recipe((f"{base}.weight_{kind}{suffix}",), lambda x: ordered(x).T)
        if last in ("input_bias", "recurrent_bias"):
            return Recipe((f"{base}.bias_{'ih' if last == 'input_bias' else 'hh'}{suffix}",), ordered)
        if last != "bias":
            return None
        sources = (f"{base}.bias_ih{suffix}", f"{base}.bias_hh{suffix}")
        if stacked and len(shape) == 2:
            return Recipe(sources, lambda a, b: np.stack([ordered(a), ordered(b)]))
        return Recipe(sources, lambda a, b: ordered(a) + ordered(b))

    return rule


def _heads(path: str, last: str, shape: Shape) -> Recipe | None:
    """A projection of attention with heads, [in, heads, size] or [heads, size, out], of matrices for all heads."""
    head, _, part = path.rpartition(".")
    if part == "attention_output":
        source = f"{head}.out_proj.{'weight' if last == 'kernel' else 'bias'}"
        return Recipe((source,), (lambda x: x.T.reshape(shape)) if last == "kernel" else _same)
    third = {"query": 0, "key": 1, "value": 2}.get(part)
    if third is None:
        return None
    source = f"{head}.in_proj_{'weight' if last == 'kernel' else 'bias'}"
    return Recipe((source,), lambda x: np.split(x, 3)[third].T.reshape(shape))


def _norm(path: str, last: str, shape: Shape) -> Recipe | None:
    names = {
        "gamma": "weight", "scale": "weight", "beta": "bias", "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }  # fmt: skip
    return _renamed(names)(path, last, shape)


TORCH: Mapping[str, Rule] = {
    **dict.fromkeys(("Dense", "Output"), _dense),
    **dict.fromkeys(
        ("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _convolution
    ),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(
        (
            "BatchNormalization", "LayerNormalization", "GroupNormalization", "InstanceNormalization",
            "RMSNormalization",
        ),
        _norm,
    ),
    **dict.fromkeys(("Embedding", "ReversibleEmbedding", "PositionalEncoding"), _renamed({"embeddings": "weight"})),
    "PReLU": _renamed({"alpha": "weight"}),
    "SimpleRNN": _recurrent((0,)),
    "LSTM": _recurrent((0, 1, 2, 3)),
    "GRU": _recurrent((1, 0, 2), stacked=True),
    "MultiHeadAttention": _heads,
}  # fmt: skip
"""Layer -> what PyTorch's module of the same meaning calls its tensors, and how they lie."""


# --- the file that a model came from ---------------------------------------------------------------------------------
def _source(declared: Sequence[WeightDeclaration], found: Iterable[str]) -> Mapping[str, Recipe]:
    """By the names that weights had before the import gave some of them better ones."""
    if not any(weight.source for weight in declared):
        return {}
    names = set(found)
    sources = {weight.name: weight.source or weight.name for weight in declared}
    return {name: Recipe((source,), _same) for name, source in sources.items() if source in names}


CONVENTIONS: Sequence[Convention] = (
    Convention("the file that the model came from", _source, re.compile(r"(?!)")),
    Convention("Keras", _keras, re.compile(r"seed_generator|optimizer")),
    Convention("PyTorch", _torch, re.compile(r"num_batches_tracked$")),
)
