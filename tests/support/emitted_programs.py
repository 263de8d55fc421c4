"""Emitted programs read back: a module becomes a program and weights, which become a module again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import StateOp, WeightOp, the_model
from neuralc.dialects.interp.run import StateStore, run_module
from neuralc.dialects.types import element_of, is_float, numpy_dtype, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.emit.nr import emit, emit_with_layers
from neuralc.emit.nr.network import Program
from neuralc.emit.nr.raised import Raising
from neuralc.emit.nr.weights import MovedWeights
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source
from neuralc.passes.verifier import verify_module

Array = NDArray[Any]


def read_back(text: str, arrays: Mapping[str, Array]) -> tuple[ModuleOp, WeightStore]:
    """The module of a program, with the weights that were written for it; all of them, with the right types."""
    program = load(Source("<emitted>", text))
    verify_module(program.module)
    assert sorted(arrays) == sorted(weight.name for weight in program.weights)
    for op in program.module.body.block.ops:
        if isinstance(op, WeightOp):
            assert arrays[op.sym_name.data].shape == tuple(op.type.get_shape()), op.sym_name.data
    return program.module, WeightStore(dict(arrays))


def check_emitted(
    module: ModuleOp,
    weights: WeightStore,
    inputs: Mapping[str, Array],
    tolerance: float = 1e-10,
    *,
    show: bool = True,
    layers: bool = False,
) -> str:
    """The program of a module, which computes what the module does, in float64; and leaves the module as it was.

    One that does not is printed, where `show` says so. With `layers` ops that a layer was lowered to are that layer.
    Two runs follow each other: what the first one keeps is kept by the program too.
    """
    before = str(module)
    program = with_layers(module) if layers else emit(module)
    assert str(module) == before
    text = program.text()
    try:
        again, stored = read_back(text, MovedWeights(weights, program.weights))
        model, found = the_model(module), the_model(again)
        assert [str(a.type.element_type) for a in found.arguments] == [
            str(a.type.element_type) for a in model.arguments
        ]
        given = list(inputs.values())
        kept: tuple[StateStore, StateStore] = ({}, {})
        for _ in range(2 if any(isinstance(op, StateOp) for op in module.body.block.ops) else 1):
            expected = run_module(module, given, weights, states=kept[0])
            results = run_module(again, given, stored, states=kept[1])
            for name, wanted, got in zip(model.outputs, expected, results, strict=True):
                assert wanted.shape == got.shape, (name, wanted.shape, got.shape)
                assert_close(got, wanted, tolerance, name)
    except BaseException:
        if show:
            print(text)
        raise
    return text


def with_layers(module: ModuleOp) -> Program:
    """The program of a module with the layers that its ops are."""

    def structured(raised: Raising | None) -> ModuleOp:
        copy = module.clone()
        if raised is not None:
            raised(copy)
        return copy

    return emit_with_layers(structured, imported=False)


def inputs_for(module: ModuleOp, seed: int = 0, size: int = 3) -> dict[str, Array]:
    """Arrays for the inputs of a module's model; every symbolic size is `size`, integers are 0 and 1."""
    rng, model = np.random.default_rng(seed), the_model(module)
    found: dict[str, Array] = {}
    for name, argument in zip(model.inputs, model.arguments, strict=True):
        sizes = [as_dim(each) for each in shape_of(argument.type)]
        shape = [each.evaluate(dict.fromkeys(each.symbols, size)) for each in sizes]
        dtype = numpy_dtype(element_of(argument.type))
        drawn = rng.standard_normal(shape) if is_float(element_of(argument.type)) else rng.integers(0, 2, shape)
        found[name] = np.asarray(drawn).astype(dtype)
    return found


def _elements(values: Iterable[SSAValue]) -> list[str]:
    return [str(element_of(value.type)) for value in values]


def assert_close(got: Array, wanted: Array, tolerance: float, name: str) -> None:
    if wanted.dtype.kind != "f":
        assert np.array_equal(got, wanted), name
        return
    with np.errstate(all="ignore"):
        finite = np.isfinite(wanted)
        scale = max(1.0, float(np.abs(wanted[finite]).max(initial=0.0)))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * scale, equal_nan=True, err_msg=name)
