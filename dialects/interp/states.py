"""The states of one run in the interpreters: what it finds, and what it leaves for the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from neuralc.dialects.common import StateAccess
from neuralc.dialects.graph import SetStateOp, StateOp, declared_states
from neuralc.dialects.interp.numerics import Array, Numerics, finish
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, format_shape, shape_of, symbols_of
from neuralc.grammar.diagnostics import NeuralcError, error

StateStore = MutableMapping[str, Array]
"""The values of states by name, between two runs. One that is missing has not begun."""

DATA_ERRORS = ("E0910", "E0911")
"""Codes of errors that the data of a run has."""


class States:
    """Values at the beginning of a run, and those that ops of the run have set."""

    def __init__(
        self,
        module: ModuleOp,
        model: Operation,
        store: StateStore,
        weight: Callable[[str], Array],
        numerics: Numerics,
        sizes: Mapping[str, int],
    ) -> None:
        """For the states that `model` accesses; `weight` gives the value of one that a state begins with.

        Raises E0912 where a state in the store has other sizes than this run.
        """
        self._weight = weight
        self._store = store
        self._found: dict[str, Array] = {}
        self._left: dict[str, Array] = {}
        declared = declared_states(module)
        for name in dict.fromkeys(op.state_name for op in model.walk() if isinstance(op, StateAccess | SetStateOp)):
            state = declared[name]
            shape = _shape(state, name, sizes)
            value = self._initial(state, shape) if name not in store else _continued(name, store[name], shape)
            self._found[name] = finish(value, element_of(state.type), numerics)

    def value(self, name: str) -> Array:
        """What the run found."""
        return self._found[name]

    def leave(self, name: str, array: Array) -> None:
        """What the next run finds, if this one comes to its end."""
        self._left[name] = np.array(array)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Around a run: behind it the store has what the run left, or nothing where its data has ended it."""
        try:
            yield
        except NeuralcError as fault:
            if any(diagnostic.code in DATA_ERRORS for diagnostic in fault.diagnostics):
                for name in self._found:
                    self._store.pop(name, None)
            raise
        self._store.update(self._found | self._left)

    def _initial(self, state: StateOp, shape: tuple[int, ...]) -> Array:
        weight = state.initial_weight
        value = to_literal(state.initial) if weight is None else self._weight(weight)
        return np.broadcast_to(np.asarray(value), shape)


def _shape(state: StateOp, name: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
    shape = shape_of(state.type)
    unknown = sorted(symbols_of(shape) - set(sizes))
    if unknown:
        raise error(
            "E0904",
            f"the size of dim `{unknown[0]}` cannot be told from the inputs: state `{name}` has it",
            help=f"fix it with `--dim {unknown[0]}=SIZE`, or let an input have it as a size",
        )
    return tuple(size if isinstance(size, int) else size.evaluate(sizes) for size in shape)


def _continued(name: str, value: Array, shape: tuple[int, ...]) -> Array:
    if value.shape != shape:
        raise error(
            "E0912",
            f"state `{name}` is {format_shape(value.shape)}, this run makes it {format_shape(shape)}",
            help="reset the model first",
        )
    return value
