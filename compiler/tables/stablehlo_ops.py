"""Every StableHLO op: the graph ops that it becomes, or why it is not compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

RANDOM = "random numbers: not yet"
DEVICES = "talks to other devices: a model runs on one"
COMPLEX = "complex numbers: not yet"
TRAINING = "training: gradients are another framework's"
SOLVERS = "solvers of linear equations: not yet"
TOKENS = "order of effects: a model has none"
TUPLES = "tuples: values of the compiler are tensors"
QUANTIZED = "quantized element types: not yet"
SPECIAL = "a function that no graph op is: not yet"
OLD = "deprecated by StableHLO"

INLINE = "none: the value itself, or what is in it"

NOT_COMPILED: Mapping[str, str] = {
    **{f"stablehlo.{name}": RANDOM for name in ("rng", "rng_bit_generator")},
    **{f"stablehlo.{name}": DEVICES for name in (
        "all_gather", "all_reduce", "all_to_all", "async_start", "async_done", "collective_broadcast",
        "collective_permute", "cross-replica-sum", "infeed", "outfeed", "partition_id", "recv", "reduce_scatter",
        "replica_id", "send",
    )},
    **{f"stablehlo.{name}": COMPLEX for name in ("complex", "fft", "imag")},
    **{f"stablehlo.{name}": TRAINING for name in ("batch_norm_grad", "batch_norm_training", "select_and_scatter")},
    **{f"stablehlo.{name}": SOLVERS for name in ("cholesky", "triangular_solve")},
    **{f"stablehlo.{name}": TOKENS for name in ("after_all", "create_token")},
    **{f"stablehlo.{name}": TUPLES for name in ("get_tuple_element", "tuple")},
    **{f"stablehlo.{name}": QUANTIZED for name in ("uniform_dequantize", "uniform_quantize")},
    **{f"stablehlo.{name}": OLD for name in (
        "broadcast", "dot", "einsum", "map", "torch_index_select", "unary_einsum",
    )},
    **{f"chlo.{name}": SPECIAL for name in (
        "bessel_i1e", "digamma", "erf_inv", "lgamma", "mulhi", "next_after", "polygamma", "zeta",
    )},
    "chlo.conj": COMPLEX,
    "chlo.scan": "jax writes a loop: not yet",
    "chlo.ragged_dot": "products of ragged rows: not yet",
    "stablehlo.count_leading_zeros": SPECIAL,
    "stablehlo.dynamic_conv": "pads that differ between runs: not yet",
    "stablehlo.set_dimension_size": "the size of its result depends on data: not yet",
}  # fmt: skip
"""Ops that are not compiled, each with the reason."""

PARTLY: Mapping[str, str] = {
    "stablehlo.compare": "the total order of floats in sorts alone",
    "stablehlo.custom_call": "shape assertions and shardings; else code that the module does not hold",
    "stablehlo.reduce": "by one op, or argmax and argmin",
    "stablehlo.reduce_window": "sums, largest and smallest values; products over all that was before",
    "stablehlo.scatter": "by one op, or that replaces",
    "stablehlo.sort": "by the order of numbers, of the first operand",
}
"""What is to be said of ops that are compiled in some cases."""


@dataclass(frozen=True)
class Row:
    """An op: `makes` are graph ops; `reason` says why there are none, or when."""

    name: str
    makes: tuple[str, ...] = ()
    reason: str = ""


def rows() -> Iterator[Row]:
    """All ops of StableHLO, of CHLO, and of what jax writes around them."""
    from neuralc.frontends.stablehlo.registry import operators

    found = operators()
    for name in sorted({*found, *NOT_COMPILED}):
        makes = found[name].makes if name in found else ()
        yield Row(name, makes, NOT_COMPILED.get(name) or PARTLY.get(name) or ("" if makes else INLINE))
