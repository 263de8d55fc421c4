"""`--check-each`: runs the module in the interpreter before and after each pass and stops at the first that differs.

The inputs are random and the same in every run of neuralc; weights without bytes get random ones too, and states of
floats hold random values as if there had been runs before. What a run leaves in its states is compared as its outputs
are. A pass that preserves values is held to float64 without rounding, one that changes precision to the bound it
declares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import LocationAttr, ModuleOp
from xdsl.ir import Attribute, Operation

from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, Numerics, PassContext
from neuralc.passes.locations import file_positions, span_of
from neuralc.passes.manager import Instrument, Step
from neuralc.passes.registry import format_pass

if TYPE_CHECKING:
    from neuralc.dialects.types import Shape
    from neuralc.dialects.weights import WeightStore

Array = NDArray[Any]

SIZE = 7
"""Value of every symbolic size, within its bounds: more than a tile of rows, and no multiple of one."""


@dataclass(frozen=True)
class TracedValue:
    """One result of one op, as the interpreter computed it."""

    op_name: str
    value_name: str | None
    location: LocationAttr
    array: Array


@dataclass(frozen=True)
class Difference:
    """How far two arrays are apart, where most."""

    largest: float
    place: tuple[int, ...]
    expected: float
    found: float
    allowed: float

    def __str__(self) -> str:
        place = f"[{', '.join(map(str, self.place))}]"
        return (
            f"differs by {self.largest:.3g} at {place}: {self.expected:.9g} before, {self.found:.9g} after "
            f"(allowed {self.allowed:.3g})"
        )


class CheckEach(Instrument):
    """Compares the outputs before and after each pass that changed the text of the module."""

    wants_texts: ClassVar[bool] = True

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._inputs: Mapping[str, Array] = {}
        self._context = PassContext()
        self._before: ModuleOp | None = None
        self._states: Mapping[str, Array] = {}
        self._results: dict[Numerics, Mapping[str, Array]] = {}
        """Of the module as it is now: what one pass left is what the next one starts from."""

    def start(self, module: ModuleOp, context: PassContext) -> None:
        self._context = context
        self._inputs = random_inputs(module, self._seed)
        self._states = random_states(module, self._seed)

    def before_pass(self, module: ModuleOp, each: ModulePass) -> None:
        self._before = module.clone()

    def after_pass(self, module: ModuleOp, step: Step) -> None:
        if not step.changed or self._before is None:
            return
        before, each = self._before, step.each
        weights = complete_weights(before, self._context.weights, self._seed)
        expected = self._results.get(each.numerics) or self._run(before, each, weights)
        found = self._run(module, each, complete_weights(module, weights, self._seed))
        self._results = {each.numerics: found}
        for name, right in found.items():  # a state that nothing names may have gone
            if (difference := compare(expected[name], right, each.tolerance)) is not None:
                self._stop(before, module, each, weights, f"{name} {difference}")

    def _run(
        self,
        module: ModuleOp,
        each: ModulePass,
        weights: WeightStore,
        trace: Callable[[Operation, Sequence[Array]], None] | None = None,
    ) -> Mapping[str, Array]:
        """The outputs by number, and what is left in each state."""
        from neuralc.dialects.graph import declared_states
        from neuralc.dialects.interp import run_module

        states = {name: array for name, array in self._states.items() if name in declared_states(module)}
        outputs = run_module(module, self._inputs, weights, numerics=each.numerics, trace=trace, states=states)
        results = {f"output {number}": array for number, array in enumerate(outputs)}
        return results | {f"state @{name}": states[name] for name in sorted(states)}

    def _stop(self, before: ModuleOp, after: ModuleOp, each: ModulePass, weights: WeightStore, what: str) -> None:
        """Raise E9904 with the first op whose value is not the one that its op had before the pass."""
        values_before: list[TracedValue] = []
        values_after: list[TracedValue] = []
        self._run(before, each, weights, _recorder(values_before))
        self._run(after, each, complete_weights(after, weights, self._seed), _recorder(values_after))
        notes = [what]
        found = first_difference(values_before, values_after, each.tolerance)
        if found is None:
            notes.append("the values inside that can be compared agree: it is what makes the output that differs")
        else:
            value, difference = found
            name = f" (%{value.value_name})" if value.value_name else ""
            notes.insert(0, f"the first op that differs is `{value.op_name}`{name}: it {difference}")
        raise error(
            "E9904",
            f"pass `{format_pass(each)}` changed the results",
            span_of(found[0].location) if found is not None else None,
            note=notes,
        )


def random_inputs(module: ModuleOp, seed: int) -> dict[str, Array]:
    """An array for every input of the module's model: normal floats, small integers; every symbolic size is `SIZE`."""
    sizes = _sizes(module)
    return {
        name: _random(f"{seed}/{name}", _concrete(shape, sizes), element_type)
        for name, shape, element_type in _inputs_of(module)
    }


def random_states(module: ModuleOp, seed: int) -> dict[str, Array]:
    """An array for every state of floats; counts and flags begin as the model says, for others may make no sense."""
    from neuralc.dialects.graph import declared_states
    from neuralc.dialects.types import is_float, shape_of

    sizes = _sizes(module)
    return {
        name: _random(f"{seed}/{name}", _concrete(shape_of(op.type), sizes), op.type.element_type)
        for name, op in declared_states(module).items()
        if is_float(op.type.element_type)
    }


def _sizes(module: ModuleOp) -> dict[str, int]:
    from neuralc.dialects.graph import declared_dims

    sizes = {}
    for name, dim in declared_dims(module).items():
        high = dim.maximum.data.value if dim.maximum is not None else SIZE
        sizes[name] = max(dim.minimum.data.value, min(SIZE, high))
    return sizes


def _concrete(shape: Shape, sizes: Mapping[str, int]) -> list[int]:
    from neuralc.dialects.dims import as_dim

    dims = [as_dim(size) for size in shape]
    return [dim.evaluate({**dict.fromkeys(dim.symbols, SIZE), **sizes}) for dim in dims]


def _inputs_of(module: ModuleOp) -> Iterator[tuple[str, Shape, Attribute]]:
    """Name, shape and element type of each input, on any level."""
    from neuralc.dialects.graph import the_model
    from neuralc.dialects.types import element_of, shape_of

    if not any(op.name == "kernel.host" for op in module.body.block.ops):
        model = the_model(module)
        for name, argument in zip(model.inputs, model.arguments, strict=True):
            yield name, shape_of(argument.type), element_of(argument.type)
        return
    from neuralc.dialects.kernel import HostOp, RefType

    for op in module.body.block.ops:
        if isinstance(op, HostOp):
            for name, argument in zip(op.inputs, op.input_arguments, strict=True):
                if isinstance(argument.type, RefType):
                    yield name, argument.type.shape, argument.type.element_type


def complete_weights(module: ModuleOp, weights: WeightStore | None, seed: int) -> WeightStore:
    """The weights with random arrays for those that have no bytes: a test file has none.

    They are positive, since a variance must be; and small, so that sums of many stay near 1.
    """
    from neuralc.dialects.graph import WeightOp
    from neuralc.dialects.weights import WeightStore

    complete = WeightStore(weights)
    for op in module.body.block.ops:
        if isinstance(op, WeightOp) and op.body is None and op.sym_name.data not in complete:
            name, shape = op.sym_name.data, op.type.get_shape()
            values = np.abs(_random(f"{seed}/{name}", shape, op.type.element_type))
            terms = max(1, int(np.prod(shape[:-1])))
            small = (values + 0.1) / np.sqrt(terms) if values.dtype.kind == "f" else values
            complete[name] = small.astype(values.dtype)
    return complete


def _random(key: str, shape: Sequence[int], element_type: Attribute) -> Array:
    """Values that depend on the key alone, so that one more weight does not change the others."""
    from neuralc.dialects.types import numpy_dtype

    dtype = numpy_dtype(element_type)
    generator = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little"))
    if dtype.kind == "f":
        return generator.standard_normal(shape).astype(dtype)
    return generator.integers(0, 2 if dtype.kind == "b" else 10, shape).astype(dtype)


def compare(expected: Array, found: Array, tolerance: float) -> Difference | None:
    """None when every element agrees within tolerance * max(1, max|expected|); NaN and infinities equal themselves."""
    if expected.shape != found.shape:
        return Difference(float("inf"), (), float(expected.size), float(found.size), 0.0)
    if expected.size == 0:
        return None
    left, right = expected.astype(np.float64), found.astype(np.float64)
    finite = np.abs(left[np.isfinite(left)])
    allowed = tolerance * max(1.0, float(finite.max(initial=0.0)))
    with np.errstate(invalid="ignore"):
        distance = np.abs(left - right)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    distance = np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))
    place = np.unravel_index(int(distance.argmax()), distance.shape)
    largest = float(distance[place])
    if largest <= allowed:
        return None
    return Difference(largest, tuple(int(i) for i in place), float(left[place]), float(right[place]), allowed)


def first_difference(
    before: Sequence[TracedValue], after: Sequence[TracedValue], tolerance: float
) -> tuple[TracedValue, Difference] | None:
    """The first value after the pass that equals none of the values before it that stand for the same thing.

    The same thing: an array of the same shape with the same name, or from a common place in the model. A value without
    such a partner is new and proves nothing.
    """
    for value in after:
        partners = [old for old in before if old.array.shape == value.array.shape and _related(old, value)]
        differences = [compare(old.array, value.array, tolerance) for old in partners]
        if differences and None not in differences:
            closest = min((d for d in differences if d is not None), key=lambda difference: difference.largest)
            return value, closest
    return None


def _related(old: TracedValue, new: TracedValue) -> bool:
    if old.value_name is not None and old.value_name == new.value_name:
        return True
    return not set(file_positions(old.location)).isdisjoint(file_positions(new.location))


def _recorder(trace: list[TracedValue]) -> Callable[[Operation, Sequence[Array]], None]:
    def record(op: Operation, arrays: Sequence[Array]) -> None:
        trace.extend(_traced(op, arrays))

    return record


def _traced(op: Operation, arrays: Sequence[Array]) -> Iterator[TracedValue]:
    for result, array in zip(op.results, arrays, strict=True):
        yield TracedValue(op.name, result.name_hint, op.location, np.array(array))
