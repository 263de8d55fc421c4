"""Runs whole pipelines on a module, and what comes out of them, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from support.compare import Array, assert_close, calls
from xdsl.dialects.builtin import ModuleOp, TensorType, bf16, f16, f32, f64
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.pipelines import load, pipeline
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module
from neuralc.runtime import Model

EXACT = 1e-9
POLYNOMIALS = 1e-6
"""kernel-expand-math writes functions as polynomials that are as good as fp32 is."""
NATIVE = 1e-5
BOUNDS: dict[Attribute, float] = {f64: EXACT, f32: NATIVE, f16: 4 * 2.0**-11, bf16: 4 * 2.0**-8}
"""Of native code, by element type: floats of 16 bits are rounded where they are stored, and then read again."""


@cache
def passes_of(opt: int, target: str = "cpu") -> tuple[ModulePass, ...]:
    return load(pipeline(opt, target))


def assert_levels_agree(
    module: ModuleOp,
    weights: WeightStore,
    inputs: Sequence[dict[str, Array]],
    opt: int,
    target: Target,
    *,
    after: Sequence[str] = ("graph-to-tensor", "tensor-fuse-groups", "tensor-to-kernel", "kernel-plan-memory"),
    passes: Sequence[ModulePass] | None = None,
) -> None:
    """Run the pipeline in place; after each of the passes named, the interpreter still finds the same values."""
    expected = [calls(module, each, weights) for each in inputs]
    context = PassContext(target=target, weights=weights)
    tolerance = EXACT
    for each in passes_of(opt, target.name) if passes is None else passes:
        each.run_in(module, context)
        verify_module(module)
        tolerance = POLYNOMIALS if each.name == "kernel-expand-math" else tolerance
        if each.name in after:
            for arrays, results in zip(inputs, expected, strict=True):
                assert_same(calls(module, arrays, weights), results, tolerance)


def compile_native(
    module: ModuleOp,
    weights: WeightStore,
    opt: int,
    target: Target,
    *,
    threads: int = 1,
    passes: Sequence[ModulePass] | None = None,
) -> Model:
    """The module, changed in place, as native code in this process."""
    from neuralc.emit.llvm.in_process import load_native
    from neuralc.emit.llvm.products import generate

    context = PassContext(target=target, weights=weights)
    for each in passes_of(opt, target.name) if passes is None else passes:
        each.run_in(module, context)
    return load_native(generate(module, weights, target, opt=opt, threads=threads))


def assert_native_agrees(
    module: ModuleOp, weights: WeightStore, inputs: Sequence[dict[str, Array]], opt: int, tolerance: float = NATIVE
) -> list[tuple[Array, Array]]:
    """Compile for this machine; native code is within `tolerance` of the exact reference. Gives results of both."""
    expected = [calls(module, each, weights) for each in inputs]
    model = compile_native(module, weights, opt, Target.host())
    pairs: list[tuple[Array, Array]] = []
    for arrays, results in zip(inputs, expected, strict=True):
        model.reset()
        found = [model(**arrays) for _ in range(len(results) // len(model.outputs))]
        flat = [array for each in found for array in as_tuple(each)]
        assert_same(flat, results, tolerance)
        pairs += zip(flat, results, strict=True)
    return pairs


def as_tuple(outputs: Array | tuple[Array, ...]) -> tuple[Array, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def native_bound(module: ModuleOp) -> float:
    """The bound of the coarsest float that a module computes with."""
    values = [result.type for op in module.walk() for result in op.results]
    model = graph.the_model(module)
    types = [*values, *(argument.type for argument in model.block.args)]
    return max(BOUNDS.get(type_.element_type, EXACT) for type_ in types if isinstance(type_, TensorType))


def assert_same(found: Sequence[Array], expected: Sequence[Array], tolerance: float) -> None:
    assert len(found) == len(expected)
    for after, before in zip(found, expected, strict=True):
        assert_close(after, before, tolerance)
