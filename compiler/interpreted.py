"""A model that the reference interpreter runs: slow, and right; it has the interface of a compiled one."""

from __future__ import annotations

import threading
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import declared_states, the_model
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.interp.run import run_module
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.grammar.diagnostics import usage_error
from neuralc.runtime.arrays import as_input, as_outputs, order_inputs
from neuralc.runtime.description import Port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdsl.dialects.builtin import ModuleOp
    from xdsl.ir import Attribute

    from neuralc.dialects.weights import WeightStore


class _OfThread(threading.local):
    """What a model keeps between the calls of one thread."""

    def __init__(self) -> None:
        self.states: dict[str, Array] = {}


class InterpretedModel:
    """Runs a module op by op, each rounded once to its type. Called as `neuralc.runtime.Model` is."""

    def __init__(self, module: ModuleOp, weights: WeightStore) -> None:
        model = the_model(module)
        self._module = module
        self._weights = weights.detached()
        self.name = model.sym_name.data
        self.inputs = _ports(model.inputs, [argument.type for argument in model.arguments])
        self.outputs = _ports(model.outputs, model.returns.data)
        states = declared_states(module)
        self.states = _ports([*states], [state.type for state in states.values()])
        self._kept = _OfThread()

    def __call__(self, *given: Any, out: Any = None, **named: Any) -> Any:
        """Raises ModelError E0904 for an input of the wrong kind, NeuralcError E0904 for one of the wrong shape.

        NeuralcError E0910 and E0911 for data that cannot be computed with, E0912 for sizes that states do not have.
        """
        inputs = order_inputs(self.inputs, given, named)
        arrays = [as_input(value, port) for value, port in zip(inputs, self.inputs, strict=True)]
        results = run_module(self._module, arrays, self._weights, numerics="rounded", states=self._kept.states)
        results = [np.asarray(result, port.dtype) for result, port in zip(results, self.outputs, strict=True)]
        if out is not None:
            wanted = [(result.shape, result.dtype) for result in results]
            places = as_outputs(out, self.outputs, wanted)
            for place, result in zip(places, results, strict=True):
                np.copyto(place, result)
            results = places
        return results[0] if len(results) == 1 else tuple(results)

    def reset(self) -> None:
        """Forget what the model keeps between calls: the next call is the first one, in each thread."""
        self._kept = _OfThread()

    def save(self, path: str | PathLike[str]) -> None:
        """Raises UsageError E0814: an interpreted model has no code."""
        raise usage_error(
            "E0814", f"cannot save {fspath(path)}: an interpreted model has no code", help='compile with `target="cpu"`'
        )


def _ports(names: Sequence[str], types: Sequence[Attribute]) -> tuple[Port, ...]:
    return tuple(
        Port(
            name,
            tuple(str(size) if isinstance(size, Dim) else size for size in shape_of(type_)),
            numpy_dtype(element_of(type_)),
        )
        for name, type_ in zip(names, types, strict=True)
    )
