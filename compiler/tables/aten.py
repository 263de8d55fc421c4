"""The core ATen ops of PyTorch (torch.export's intermediate form, tag `core`) and the graph ops that each becomes.

What is imported says the table of handlers; here is the list, which a test holds against the torch that is installed,
and why the others are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

BACKWARD = "gradients: not compiled"
RANDOM = "random numbers: not yet"
MEMORY = "memory, not values: export removes it"
SIZE = "a size: an expression over dims"
DATA_DEPENDENT = "the size of its result depends on data: not yet"
COMPLEX = "complex numbers: not compiled"

IMPORTED: tuple[str, ...] = (
    "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "_cdist_forward", "_embedding_bag", "_log_softmax",
    "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "_pdist_forward", "_softmax", "_to_copy",
    "abs", "acos", "acosh", "adaptive_avg_pool1d", "add", "addmm", "alias", "amax", "amin", "any", "arange", "argmax",
    "argmin", "asin", "asinh", "atan", "atan2", "atanh", "avg_pool1d", "avg_pool2d", "avg_pool3d", "bitwise_and",
    "bitwise_not", "bitwise_or", "bitwise_xor", "bmm", "cat", "ceil", "clamp", "clone", "col2im", "constant_pad_nd",
    "convolution", "copy", "cos", "cosh", "cumsum", "diagonal", "div", "elu", "embedding", "empty", "empty_strided",
    "eq", "erf", "exp", "expand", "expm1", "fill", "flip", "floor", "fmod", "full", "full_like", "gather", "ge",
    "gelu", "grid_sampler_2d", "gt", "hardtanh", "index", "index_put", "index_select", "isinf", "isnan", "le",
    "leaky_relu", "log", "log10", "log1p", "log2", "logical_and", "logical_not", "logical_or", "logical_xor", "lt",
    "masked_scatter", "max", "max_pool2d_with_indices", "max_pool3d_with_indices", "maximum", "mean", "min", "minimum",
    "mm", "mul", "native_dropout", "native_group_norm", "native_layer_norm", "ne", "neg", "permute", "pow", "prod",
    "reciprocal", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "relu", "remainder", "repeat",
    "replication_pad2d", "replication_pad3d", "round", "rsqrt", "scalar_tensor", "scatter", "scatter_add",
    "scatter_reduce", "select", "select_scatter", "sigmoid", "sign", "sin", "sinh", "slice", "slice_scatter", "sort",
    "split_with_sizes", "sqrt", "squeeze", "sub", "sum", "tan", "tanh", "topk", "trunc", "unsqueeze",
    "upsample_bilinear2d", "upsample_nearest2d", "var", "view", "where",
)  # fmt: skip
"""Core ATen ops that have a handler."""

REASONS: Mapping[str, str] = {
    **{f"{name}_backward": BACKWARD for name in (
        "_adaptive_avg_pool2d", "avg_pool2d", "convolution", "embedding_dense", "max_pool2d_with_indices",
        "native_group_norm", "native_layer_norm",
    )},
    **dict.fromkeys(("rand", "randn", "randperm"), RANDOM),
    **dict.fromkeys(("resize_", "sym_is_contiguous"), MEMORY),
    **dict.fromkeys(("sym_numel", "sym_size", "sym_storage_offset", "sym_stride"), SIZE),
    **dict.fromkeys(("_fft_c2r", "_fft_r2c"), COMPLEX),
    "nonzero": DATA_DEPENDENT,
    "_local_scalar_dense": "a number out of a tensor, in Python",
    "as_strided": "an arbitrary view of memory: not compiled",
}  # fmt: skip
"""Core ATen ops that have none, and why."""


def makes(name: str) -> tuple[str, ...]:
    """The graph ops that an ATen op becomes, in all its overloads; none where it has no handler."""
    from neuralc.frontends.torch.registry import operators

    found = [each for key, each in operators().items() if key == name or key.startswith(f"{name}.")]
    return tuple(dict.fromkeys(op for each in found for op in each.makes))


def others() -> Iterator[str]:
    """Ops beside the core ones that are imported as they are, by name."""
    from neuralc.frontends.torch.registry import operators

    names = {key.partition(".")[0] for key, each in operators().items() if each.makes and not key.startswith("prims.")}
    yield from sorted(names - set(IMPORTED))
