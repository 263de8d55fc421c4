"""Walking along a sequence: what all recurrent layers share. Values are time-major here: [steps, batch, ..].

A cell says how it walks, by an op that knows it or by a graph.scan around its step. Masks are those of Keras: at a step
that one leaves out, states stay as they are and the output before is given again, 0 before the first step that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from xdsl.dialects.builtin import i1, i64
from xdsl.ir import Block, Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.control import isolate, sliced
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import Shape, ShapeError, element_of, format_shape, shape_of, tensor_type
from neuralc.frontends.nr.functions import Function, StateDeclaration, WeightDeclaration
from neuralc.frontends.nr.layers.steps import leading, slice_of
from neuralc.frontends.nr.site import LayerError, Site, Values, shown
from neuralc.grammar.diagnostics import Span

Step: TypeAlias = Callable[[Site, Values, Values], tuple[SSAValue, Values]]
"""`step(site, slices, states)` gives the output of one step and the next states."""


@dataclass(frozen=True)
class Way:
    """How a sequence is walked: which steps count ([steps, batch], all without a mask), and from which end."""

    mask: SSAValue | None = None
    reverse: bool = False


@dataclass(frozen=True)
class Walk:
    """What comes of a walk: outputs at their steps, the output of the last step walked, and the states after it."""

    outputs: SSAValue
    last: SSAValue
    states: Values
    holds_state: bool = True
    """Whether a step that is left out gives the state it keeps, also before the first step that counts."""


class Cell(Protocol):
    """What a recurrent layer does at each step."""

    @property
    def form(self) -> Sequence[str]:
        """The dims of a sequence: "batch", "steps", "features"."""
        ...

    def states(self, x: SSAValue) -> Mapping[str, Shape]:
        """Its states, with their shapes for an input [steps, batch, ..]. Raises ShapeError."""
        ...

    def walk(self, site: Site, x: SSAValue, states: Values, way: Way) -> Walk: ...


@dataclass(frozen=True)
class Course:
    """What a layer wants of a walk."""

    cell: Cell
    sequences: bool = False
    state: bool = False
    backwards: bool = False
    zero_output: bool = False
    stateful: bool = False


# --- one direction ---------------------------------------------------------------------------------------------------
def along(site: Site, course: Course, x: SSAValue, mask: SSAValue | None, initial: Values) -> tuple[SSAValue, Values]:
    """The output, of all steps or of the last one walked, and the last states; x and the mask are time-major."""
    way = Way(mask, course.backwards)
    if course.stateful and not initial:
        initial = found_states(site, course.cell, x)
    states = initial or zero_states(site, course.cell, x)
    walk = course.cell.walk(site, x, states, way)
    if course.stateful:
        for name, state in zip(course.cell.states(x), walk.states, strict=True):
            site.keep(name, state)
    output = walk.outputs if course.sequences else walk.last
    if mask is None:
        return output, walk.states
    if course.zero_output:
        return _kept(site, _counting(site, mask, way, course), output), walk.states
    if initial and walk.holds_state:
        return _kept(site, _begun(site, mask, way, course), output), walk.states
    return output, walk.states


def _counting(site: Site, mask: SSAValue, way: Way, course: Course) -> SSAValue:
    """Whether steps count, or the last one walked alone."""
    if course.sequences:
        return mask
    steps, batch = shape_of(mask.type)
    last = slice_of(site, mask, 0, 0 if way.reverse else simplest(as_dim(steps) - 1), 1)
    return site.add(graph.ReshapeOp.of(last, result=tensor_type((batch,), i1)))


def _begun(site: Site, mask: SSAValue, way: Way, course: Course) -> SSAValue:
    """Whether a step that counts came up to here."""
    if not course.sequences:
        return site.add(graph.ReduceOp.of(mask, kind="any", axes=(0,)))
    number = site.add(graph.CastOp.of(mask, result=tensor_type(shape_of(mask.type), i64)))
    count = site.add(graph.CumulateOp.of(number, kind="sum", axis=0, reverse=way.reverse))
    none = site.add(graph.ConstantOp.of(result=tensor_type((), i64), value=0))
    return site.add(graph.GreaterOp.of(count, none))


def _kept(site: Site, condition: SSAValue, x: SSAValue) -> SSAValue:
    """x where the condition, of the leading dims of x, is true; 0 elsewhere."""
    zero = site.add(graph.ConstantOp.of(result=tensor_type((), element_of(x.type)), value=0.0))
    return site.add(graph.WhereOp.of(leading(site, condition, x), x, zero))


def zero_states(site: Site, cell: Cell, x: SSAValue) -> Values:
    types = [tensor_type(shape, element_of(x.type)) for shape in cell.states(x).values()]
    zeros = {each: site.add(graph.ConstantOp.of(result=each, value=0.0), "initial") for each in dict.fromkeys(types)}
    return tuple(zeros[each] for each in types)


def found_states(site: Site, cell: Cell, x: SSAValue) -> Values:
    """What the run before left, or the use before of a shared layer."""
    element = element_of(x.type)
    return tuple(site.state(name, tensor_type(shape, element)) for name, shape in cell.states(x).items())


# --- a scan around the step of a cell --------------------------------------------------------------------------------
@dataclass
class Within:
    """A body in which ops stand, of which weights are read around it; no layer in it keeps a state of its own."""

    block: Block
    outer: Function
    why: str
    help: str

    def declare(self, weight: WeightDeclaration, span: Span) -> SSAValue:
        return self.outer.declare(weight, span)

    def state(self, state: StateDeclaration, span: Span) -> SSAValue:
        raise LayerError(self.why, "E0305", self.help)

    def keep(self, name: str, value: SSAValue) -> None:
        raise LayerError(self.why, "E0305", self.help)


def scan(site: Site, scanned: Values, states: Values, way: Way, step: Step, *, own_output: bool = False) -> Walk:
    """A graph.scan whose body is the step of a cell.

    The output of a step is the first of its states, unless it is one of its own: then it is carried along, so that a
    step that is left out gives the output before, 0 before the first step that counts.
    """
    walked = scanned if way.mask is None else (*scanned, way.mask)
    block = Block(arg_types=[*(value.type for value in states), *(sliced(value.type) for value in walked)])
    inside = _inside(site, block)
    before, slices = list(block.args[: len(states)]), tuple(block.args[len(states) :])
    output, following = step(inside, slices[: len(scanned)], tuple(before))
    carried, ends = list(states), list(following)
    if own_output:
        before.append(block.insert_arg(output.type, len(states)))
        carried.append(site.add(graph.ConstantOp.of(result=output.type, value=0.0), "before"))
        ends.append(output)
    if way.mask is not None:
        ends = [
            inside.add(graph.WhereOp.of(leading(inside, slices[-1], new), new, old))
            for new, old in zip(ends, before, strict=True)
        ]
    block.add_op(graph.YieldOp([*ends, ends[-1] if own_output else ends[0]]))
    region = Region(block)
    flags = [int(way.reverse)] * (len(walked) + 1)
    steps = shape_of(scanned[0].type)[0]
    *last, outputs = site.add_all(graph.ScanOp.of(steps, carried, walked, isolate(region), region, flags))
    return Walk(outputs, last[-1 if own_output else 0], tuple(last[: len(states)]), not own_output)


def _inside(site: Site, block: Block) -> Site:
    why = "a layer that keeps its state has no place in a cell"
    help = "a cell gets its states and gives the next ones: `RNN(cell, stateful=true)` keeps them"
    return replace(site, function=Within(block, site.function, why, help))


# --- what a layer is applied to --------------------------------------------------------------------------------------
def mask_of(site: Site, x: SSAValue, given: SSAValue | None) -> SSAValue | None:
    """The mask (batch, steps) that is given, or that the input carries. Raises ShapeError where it does not fit."""
    mask = site.mask(x) if given is None else given
    if mask is None:
        return None
    batch, steps = shape_of(x.type)[:2]
    shape = shape_of(mask.type)
    if len(shape) != 2:
        raise ShapeError(f"its mask is (batch, steps), it gets {shown(mask)}")
    if element_of(mask.type) != i1:
        wanted = f"its mask holds truth values, it gets {element_of(mask.type)}"
        raise LayerError(wanted, help='declare the mask as `bool`, or write `Cast("bool")` before it')
    site.equal(shape[0], batch)
    site.equal(shape[1], steps)
    return mask


def states_of(site: Site, cell: Cell, x: SSAValue, given: SSAValue | Values, name: str) -> Values:
    """The states that are given, none or one for each of the cell. Raises ShapeError where they do not fit."""
    states = (given,) if isinstance(given, SSAValue) else tuple(given)
    if not states:
        return ()
    wanted = list(cell.states(x).values())
    if len(states) != len(wanted):
        raise ShapeError(f"`{name}` is {len(wanted)} value{'s' if len(wanted) > 1 else ''}, it gets {len(states)}")
    for state, shape in zip(states, wanted, strict=True):
        found = shape_of(state.type)
        if len(found) != len(shape) or element_of(state.type) != element_of(x.type):
            raise ShapeError(f"a state is {format_shape(shape)} of {element_of(x.type)}, it gets {shown(state)}")
        for size, other in zip(found, shape, strict=True):
            try:
                site.equal(size, other)
            except ShapeError:
                raise ShapeError(f"a state is {format_shape(shape)}, it gets {shown(state)}") from None
    return states
