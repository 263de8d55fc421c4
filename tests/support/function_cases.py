"""Modules of one elementwise op, reduction or normalization each, for tests of what lowers and runs them.

for case in CASES: module, inputs = case.build()
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from support.graph_modules import Array
from support.indexing_cases import Case, S
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.types import DimsAttr, element_type_of, shape_of, tensor_type

Values = Callable[[np.random.Generator, tuple[int, ...]], Array]
FLOATS = ("float32", "float64")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape) * 2.0


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.abs(normal(rng, shape)) + 0.1


def above_one(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.abs(normal(rng, shape)) + 1.0


def below_one(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return 0.98 * np.tanh(normal(rng, shape))


def small(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers that every integer type holds, with ties."""
    return rng.integers(0, 10, shape)


def nonzero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(1, 10, shape)


def truths(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.random(shape) < 0.7


def large(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Far from zero: the mean of the squares loses every digit of their variance."""
    return normal(rng, shape) + 300.0


def with_nan(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    values = np.round(normal(rng, shape))
    values[rng.random(shape) < 0.1] = np.nan
    return values


def special(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -2.5, 6e4], shape)


def huge(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return special(rng, shape) * 1e30


def of(op: type[Any], **properties: Any) -> Callable[..., SSAValue]:
    return lambda *operands: op.of(*operands, **properties).results[0]


def named(op: type[Any], text: str = "") -> str:
    return f"{op.name.removeprefix('graph.')} {text}".strip()


# -- value by value --------------------------------------------------------------------------------------------------

DOMAINS: dict[type[Any], Values] = {
    graph.AcosOp: below_one,
    graph.AcoshOp: above_one,
    graph.AsinOp: below_one,
    graph.AtanhOp: below_one,
    graph.LogOp: positive,
    graph.RsqrtOp: positive,
    graph.SqrtOp: positive,
}
UNARY = [
    Case(named(op, dtype), [(S, 33)], of(op), [dtype], [DOMAINS.get(op, normal)])
    for op in graph.UNARY
    for dtype in FLOATS
]
OF_INTEGERS = [
    Case(named(op, dtype), [(5, 33)], of(op), [dtype], [small])
    for op in (graph.AbsOp, graph.NegOp, graph.ReluOp, graph.SignOp, graph.IdentityOp, graph.BitwiseNotOp)
    for dtype in INTEGERS
]


def _operands(op: type[graph.BinaryOp]) -> list[tuple[str, Values, Values]]:
    """Element types that the op takes, with what its operands hold."""
    divisor = nonzero if op in (graph.DivOp, graph.RemainderOp, graph.FmodOp) else small
    floats = [(dtype, positive if op is graph.PowOp else normal, normal) for dtype in FLOATS]
    integers = [(dtype, small, divisor) for dtype in INTEGERS]
    truth = [("bool", truths, truths)]
    return {
        "numbers": [*floats, *integers],
        "integers": integers,
        "truth values": truth,
        "values": [*floats, *integers, *truth],
    }[op.ACCEPTS]


BINARY = [
    Case(named(op, dtype), [(5, 33), (33,)], of(op), [dtype, dtype], [left, right])
    for op in graph.BINARY
    for dtype, left, right in _operands(op)
] + [
    Case("add broadcasts both", [(S, 1, 7), (3, 1)], of(graph.AddOp)),
    Case("remainder of negative numbers", [(5, 33), (33,)], of(graph.RemainderOp), ["int32"] * 2, [
        lambda rng, shape: rng.integers(-50, 50, shape),
        lambda rng, shape: rng.choice([-7, -3, 3, 7], shape),
    ]),
    Case("power of negative exponents", [(5, 33), (33,)], of(graph.PowOp), ["int32"] * 2, [
        lambda rng, shape: rng.integers(-3, 4, shape),
        lambda rng, shape: rng.integers(-3, 4, shape),
    ]),
    Case("less of nan", [(5, 33), (33,)], of(graph.LessOp), values=[special, special]),
    Case("not_equal of nan", [(5, 33), (33,)], of(graph.NotEqualOp), values=[special, special]),
]  # fmt: skip

QUESTIONS = [
    Case("is_nan", [(5, 33)], of(graph.IsNanOp), values=[special]),
    *(
        Case(f"is_inf {high} {low}", [(5, 33)], of(graph.IsInfOp, positive=high, negative=low), values=[special])
        for high in (True, False)
        for low in (True, False)
    ),
    Case("logical_not", [(5, 33)], of(graph.LogicalNotOp), ["bool"]),
    Case("where", [(S, 1), (S, 33), (33,)], of(graph.WhereOp), ["bool"]),
    Case("where of integers", [(5, 33), (), (5, 33)], of(graph.WhereOp), ["bool", "int64", "int64"]),
    Case("where of truth values", [(5, 33), (5, 33), (33,)], of(graph.WhereOp), ["bool", "bool", "bool"]),
    Case("prelu", [(S, 33), (33,)], of(graph.PreluOp)),
    Case("hard_sigmoid of its own line", [(5, 33)], of(graph.HardSigmoidOp, alpha=0.4, beta=0.3), values=[normal]),
]


def _cast(dtype: str) -> Callable[[SSAValue], SSAValue]:
    element = element_type_of(dtype)
    return lambda x: graph.CastOp.of(x, result=tensor_type(shape_of(x.type), element)).result


CASTS = [
    Case(f"cast {before} to {after}", [(4, 17)], _cast(after), [before], [small if "int" in before else None])
    for before in ("bool", "int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64")
    for after in ("bool", "int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64")
] + [
    Case(f"cast saturates {after}", [(4, 17)], _cast(after), ["float32"], [huge])
    for after in ("int8", "uint8", "int32", "int64", "uint64", "bool")
]


def _bits(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Finite numbers of every exponent, subnormal ones too, and the special ones."""
    numbers = rng.integers(0, 0x7C00, shape).astype(np.uint16).view(np.float16).astype(np.float64)
    return np.where(rng.random(shape) < 0.3, special(rng, shape), numbers * rng.choice([-1.0, 1.0], shape))


def _patterns(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """The bits of normal and subnormal halves, singles and doubles."""
    return rng.integers(-(2**15), 2**15, shape) * rng.choice([1, 2**16, 2**17, 2**48], shape)


def _bitcast(dtype: str) -> Callable[[SSAValue], SSAValue]:
    element = element_type_of(dtype)
    return lambda x: graph.BitcastOp.of(x, result=tensor_type(shape_of(x.type), element)).result


BITCASTS = [
    Case(f"bitcast {before} to {after}", [(5, 33)], _bitcast(after), [before], [_bits if "f" in before else _patterns])
    for before, after in (
        ("float16", "int16"), ("float16", "uint16"), ("bfloat16", "int16"), ("uint16", "bfloat16"),
        ("float32", "int32"), ("float32", "uint32"), ("float64", "int64"),
        ("int16", "float16"), ("uint16", "float16"), ("int32", "float32"), ("uint32", "float32"), ("int64", "float64"),
        ("int32", "uint32"), ("uint8", "int8"), ("float32", "float32"),
    )
]  # fmt: skip

# -- along axes ------------------------------------------------------------------------------------------------------

REDUCTIONS = [
    *(
        Case(f"reduce {kind} {axes}", [(S, 4, 5)], of(graph.ReduceOp, kind=kind, axes=axes), values=[normal])
        for kind in ("sum", "mean", "prod", "maximum", "minimum")
        for axes in ((0,), (1,), (-1,), (0, 2), (1, 2), (0, 1, 2))
    ),
    *(
        Case(f"reduce {kind} {axes} {dtype}", [(3, 4, 5)], of(graph.ReduceOp, kind=kind, axes=axes), [dtype], [small])
        for kind in ("sum", "prod", "maximum", "minimum")
        for axes in ((1,), (2,))
        for dtype in INTEGERS
    ),
    *(
        Case(
            f"reduce {kind} {axes}",
            [(3, 4, 5)],
            of(graph.ReduceOp, kind=kind, axes=axes, keepdims=True),
            ["bool"],
            [truths],
        )
        for kind in ("all", "any")
        for axes in ((0,), (1,), (2,), (0, 1, 2))
    ),
    Case("reduce maximum with nan", [(5, 33)], of(graph.ReduceOp, kind="maximum", axes=(1,)), values=[with_nan]),
]
ARGUMENTS = [
    Case(
        f"arg_reduce {kind} {axis} {dtype} {'last' if last else 'first'}",
        [(S, 4, 5)],
        of(graph.ArgReduceOp, kind=kind, axis=axis, last=last, keepdims=last),
        [dtype],
        [with_nan if "float" in dtype else small],
    )
    for kind in ("max", "min")
    for axis in (0, 1, -1)
    for dtype in ("float32", "int64", "uint8")
    for last in (False, True)
]
CUMULATED = [
    Case(
        f"cumulate {kind} {axis}{' exclusive' * exclusive}{' reverse' * reverse}",
        [(S, 4, 5)],
        of(graph.CumulateOp, kind=kind, axis=axis, exclusive=exclusive, reverse=reverse),
    )
    for kind in ("sum", "prod")
    for axis in (0, 1, -1)
    for exclusive in (False, True)
    for reverse in (False, True)
] + [
    Case("cumulate int32", [(3, 40)], of(graph.CumulateOp, kind="sum", axis=1), ["int32"]),
]  # fmt: skip


def _top_k(k: int | Dim, axis: int, largest: bool, result: int) -> Callable[[SSAValue], SSAValue]:
    first = DimsAttr((as_dim(k),))
    return lambda x: graph.TopKOp.of(x, k=first, axis=axis, largest=largest).results[result]


ORDERED = [
    Case(
        f"top_k {k} {axis} {'largest' if largest else 'smallest'} {'positions' if result else 'values'}",
        [(S, 6, 7)],
        _top_k(k, axis, largest, result),
        values=[with_nan],
    )
    for k, axis in ((2, 1), (3, -1), (7, 2), (S, 0))
    for largest in (True, False)
    for result in (0, 1)
]
AXES = [*REDUCTIONS, *ARGUMENTS, *CUMULATED, *ORDERED]

# -- normalizations --------------------------------------------------------------------------------------------------

NORMS = [
    *(Case(f"{named(op)} {axis} {dtype}", [(S, 4, 5)], of(op, axis=axis), [dtype], [normal])
      for op in (graph.SoftmaxOp, graph.LogSoftmaxOp) for axis in (0, 1, -1) for dtype in FLOATS),
    *(Case(f"layer_norm {axis} {dtype}", [shape, shape[axis:], shape[axis:]], of(graph.LayerNormOp, axis=axis),
           [dtype] * 3, [normal])
      for shape, axis in (((S, 33), -1), ((2, 3, 4, 5), 1), ((2, 3, 4, 5), -2), ((2, 3, 4, 5), 0), ((2, 7, S), 1))
      for dtype in FLOATS),
    Case("layer_norm far from zero", [(6, 40), (40,)], of(graph.LayerNormOp), ["float64"] * 2, [large]),
    Case("layer_norm of one scale", [(6, 40), (1,)], of(graph.LayerNormOp, epsilon=0.1)),
    Case("rms_norm", [(S, 33), (33,)], of(graph.RmsNormOp), values=[normal]),
    Case("rms_norm of several dims", [(2, 3, 4, 5), (4, 5)], of(graph.RmsNormOp, axis=2, epsilon=0.01)),
    *(Case(f"group_norm {groups} of {shape} at {axis}", [shape, (6,), (6,)],
           of(graph.GroupNormOp, groups=groups, axis=axis), values=[normal])
      for shape, axis in (((2, 6), 1), ((2, 6, 9), 1), ((S, 6, 5, 7), 1), ((2, 5, 7, 6), -1), ((2, 6, S, 3), 1))
      for groups in (1, 2, 6)),
    *(Case(f"lrn of {size} at {axis}", [(2, 6, 5, 7)], of(graph.LrnOp, size=size, axis=axis, alpha=0.9, bias=2.0))
      for size in (1, 2, 3, 20) for axis in (1, -1)),
]  # fmt: skip

CASES = [*UNARY, *OF_INTEGERS, *BINARY, *QUESTIONS, *CASTS, *BITCASTS, *AXES, *NORMS]
