"""Runs a module of any level on numpy arrays: what every other way of running it is compared with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import WeightOp, declared_dims, refuse_custom, symbols, the_model
from neuralc.dialects.interp.binding import Inputs, bind_dims, check_inputs, order_inputs
from neuralc.dialects.interp.evaluator import Evaluator, Trace, Weights
from neuralc.dialects.interp.numerics import Array, Numerics, finish
from neuralc.dialects.interp.states import States, StateStore
from neuralc.dialects.types import element_of
from neuralc.dialects.weights import WeightStore


def run_module(
    module: ModuleOp,
    inputs: Inputs,
    weights: WeightStore,
    *,
    numerics: Numerics | str = Numerics.EXACT,
    trace: Trace | None = None,
    states: StateStore | None = None,
) -> list[Array]:
    """The outputs of the module's model, in its order; float64 for every float when `numerics` is exact.

    `inputs` are arrays by name or by position, of the model's dtypes (an exact run takes float64 for any float).
    `trace` is called with each op of the model and its results, inside called functions too, not inside of weights.
    `states` are the values that earlier runs have left; this run changes them. An empty mapping is a model that was
    reset, None stands for one. Raises E0904 where an input does not fit, E0504 where a weight is missing or has another
    shape, E0704 for layers of which only the name is known, E0912 where the run gives a state other sizes than it has.
    """
    numerics = Numerics(numerics)
    if any(op.name == "kernel.host" for op in module.body.block.ops):
        from neuralc.dialects.interp.kernel_host import run_host  # the kernel dialect is loaded where it is used

        return run_host(module, inputs, weights, numerics=numerics, trace=trace, states=states)
    refuse_custom(module.walk())
    model, table = the_model(module), symbols(module)
    types = [argument.type for argument in model.arguments]
    arrays = order_inputs(model.inputs, inputs)
    check_inputs(model.inputs, types, arrays, numerics)
    sizes = bind_dims(model.inputs, types, [array.shape for array in arrays], declared_dims(module))
    values = Weights(table, weights)
    store = {} if states is None else states
    kept = States(module, model, store, lambda name: values.value(name, numerics), numerics, sizes)
    evaluator = Evaluator(table, values, numerics, sizes, trace, kept)
    arrays = [finish(array, element_of(type_), numerics) for array, type_ in zip(arrays, types, strict=True)]
    with np.errstate(all="ignore"), kept.run():
        return evaluator.block(model.block, arrays)


def materialize(module: ModuleOp, store: WeightStore, name: str, numerics: Numerics | str = Numerics.ROUNDED) -> Array:
    """The value of one weight, derived or not; by default in the dtype its declaration says. Raises E0504."""
    with np.errstate(all="ignore"):
        return Weights(symbols(module), store).value(name, Numerics(numerics))


def materialize_all(module: ModuleOp, store: WeightStore, names: Iterable[str] | None = None) -> WeightStore:
    """The weights of a module, or those of the given names, in their own dtypes: what code generators embed.

    Stored arrays that already have their dtype are shared, not copied. Raises E0504.
    """
    table = symbols(module)
    wanted = [name for name, op in table.items() if isinstance(op, WeightOp)] if names is None else list(names)
    weights = Weights(table, store)
    with np.errstate(all="ignore"):
        return WeightStore({name: weights.value(name, Numerics.ROUNDED) for name in wanted})
