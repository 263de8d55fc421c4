"""Control flow for tests, written as Python functions: outer values may be used inside, they become captures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from support.compare import Array
from support.pipelines import EXACT, NATIVE, assert_levels_agree, assert_same, compile_native
from xdsl.builder import ImplicitBuilder
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.control import CONDITION, isolate, sliced
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.control import NUMBER_OF_ROUND
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of, tensor_type
from neuralc.dialects.weights import WeightStore
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module

Body = Callable[..., Sequence[SSAValue]]


def region(types: Sequence[Attribute], body: Body) -> tuple[Region, list[SSAValue]]:
    """A region that yields what `body` gives, and the outer values that it captures."""
    block = Block(arg_types=types)
    with ImplicitBuilder(block):
        graph.YieldOp(list(body(*block.args)))
    result = Region(block)
    return result, isolate(result)


def scan(
    trips: int | str, carried: Sequence[SSAValue], scanned: Sequence[SSAValue], body: Body, reverse: Sequence[int] = ()
) -> Sequence[SSAValue]:
    types = [*(value.type for value in carried), *(sliced(value.type) for value in scanned)]
    inside, captured = region(types, body)
    count = Dim.symbol(trips) if isinstance(trips, str) else trips
    return graph.ScanOp.of(count, carried, scanned, captured, inside, reverse or None).res


def choose(condition: SSAValue, then: Body, otherwise: Body) -> Sequence[SSAValue]:
    then_region, then_values = region([], then)
    else_region, else_values = region([], otherwise)
    return graph.IfOp.of(condition, then_values, then_region, else_values, else_region).res


def loop(
    carried: Sequence[SSAValue],
    body: Body,
    *,
    trips: int | str | None = None,
    limit: SSAValue | None = None,
    condition: SSAValue | None = None,
) -> Sequence[SSAValue]:
    """`body(number, *carried)` yields the next condition where there is one, carried values, stacked ones."""
    inside, captured = region([NUMBER_OF_ROUND, *(value.type for value in carried)], body)
    count = Dim.symbol(trips) if isinstance(trips, str) else trips
    return graph.LoopOp.of(carried, captured, inside, trips=count, limit=limit, condition=condition).res


def true() -> SSAValue:
    return graph.ConstantOp.of(result=CONDITION, value=True).result


def number(value: float, like: SSAValue) -> SSAValue:
    """A constant of the element type of a value, without dims."""
    return graph.ConstantOp.of(result=tensor_type((), element_of(like.type)), value=value).result


def assert_everywhere(
    module: ModuleOp,
    weights: WeightStore,
    inputs: Sequence[dict[str, Array]],
    expected: Sequence[Sequence[Array]] | None = None,
) -> None:
    """The reference gives `expected`; every level and native code of -O0 to -O2 agree, -O2 with 1 and 2 threads."""
    verify_module(module)
    found = [run_module(module, each, weights) for each in inputs]
    for results, wanted in zip(found, expected if expected is not None else found, strict=True):
        assert_same(results, wanted, EXACT)
    for opt in (0, 1, 2):
        assert_levels_agree(module.clone(), weights, inputs, opt, Target.cpu("haswell"))
        for threads in (1, 2) if opt == 2 else (1,):
            model = compile_native(module.clone(), weights, opt, Target.host(), threads=threads)
            for arrays, results in zip(inputs, found, strict=True):
                outputs = model(**arrays)
                assert_same(outputs if isinstance(outputs, tuple) else [outputs], results, NATIVE)


def arrays(rng: np.random.Generator, **shapes: Sequence[int]) -> dict[str, Array]:
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
