"""Layers around another one: both ways along a sequence, and the same layer at each step."""

from __future__ import annotations

from dataclasses import replace

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers.recurrence import Course, Within, along, mask_of, states_of
from neuralc.frontends.nr.layers.recurrent import Given, as_argument, check, course_of
from neuralc.frontends.nr.layers.regularization import penalize
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.layers.steps import flipped, swapped
from neuralc.frontends.nr.site import LayerError, Site, Values, shown
from neuralc.frontends.sizes import Size, total
from neuralc.grammar.binding import Bound
from neuralc.grammar.program import CallNode, LayerNode


# --- both ways -------------------------------------------------------------------------------------------------------
def bidirectional(
    site: Site, arguments: Bound, x: SSAValue, mask: SSAValue | None = None, initial_state: Given = ()
) -> Values:
    layers = _both(arguments["layer"], arguments["backward_layer"])
    courses = [course_of(layer.signature.name, layer.arguments) for layer in layers]
    _agree(*courses)
    for course in courses:
        check(course.cell, x)
    mask = mask_of(site, x, mask)
    steps, counts = swapped(site, x, "steps"), None if mask is None else swapped(site, mask, "mask")
    halves = _halves(initial_state)
    outputs, states = list[SSAValue](), list[SSAValue]()
    for way, layer, course, half in zip(("forward", "backward"), layers, courses, halves, strict=True):
        place = part(site, _named(way, layer), layer)
        # Keras: a step that the mask leaves out gives 0 both ways, whatever the layer says.
        course = replace(course, zero_output=course.sequences)
        output, last = along(place, course, steps, counts, states_of(site, course.cell, steps, half, "initial_state"))
        output = penalize(place, layer.arguments.get("activity_regularizer"), output)
        if course.sequences and course.backwards != (way == "backward"):
            output = flipped(place, output)
        outputs, states = [*outputs, output], [*states, *last]
    merged = _merged(site, arguments["merge_mode"], outputs)
    if courses[0].sequences:
        merged = [swapped(site, value) for value in merged]
        for value in merged:
            site.put_mask(value, mask)
    return (*merged, *states) if courses[0].state else tuple(merged)


def _both(forward: LayerNode, backward: LayerNode | None) -> tuple[LayerNode, LayerNode]:
    """The two layers; the second is the first one walking from the end, unless it is given."""
    for layer in (forward, backward):
        if layer is not None:
            as_argument(layer)
    return forward, forward.replaced(go_backwards=True) if backward is None else backward


def _agree(forward: Course, backward: Course) -> None:
    if forward.backwards == backward.backwards:
        help = "one of the two walks from the end: `go_backwards=true`"
        raise LayerError("both layers walk the same way", "E0305", help)
    for name, what in (("sequences", "return_sequences"), ("state", "return_state"), ("stateful", "stateful")):
        if getattr(forward, name) != getattr(backward, name):
            raise LayerError(f"`{what}` differs between the two layers", "E0305", "write the same for both")


def _named(way: str, layer: LayerNode) -> str:
    name = layer.arguments["name"]
    return way if name is None else f"{way}_{name}"


def _halves(given: Given) -> tuple[Given, Given]:
    states = (given,) if isinstance(given, SSAValue) else tuple(given)
    if len(states) % 2:
        raise ShapeError(f"`initial_state` is the states of both ways, it gets {len(states)} values")
    return states[: len(states) // 2], states[len(states) // 2 :]


def _merged(site: Site, mode: str | None, outputs: list[SSAValue]) -> list[SSAValue]:
    forward, backward = outputs
    if mode is None:
        return outputs
    if mode == "concat":
        return [site.add(graph.ConcatOp.of(forward, backward, axis=-1))]
    if forward.type != backward.type:
        raise ShapeError('the results of the two ways differ in shape, only "concat" joins them')
    if mode == "mul":
        return [site.add(graph.MulOp.of(forward, backward))]
    both = site.add(graph.AddOp.of(forward, backward))
    if mode == "sum":
        return [both]
    two = site.add(graph.ConstantOp.of(result=tensor_type((), element_of(both.type)), value=2.0))
    return [site.add(graph.DivOp.of(both, two))]


def part(site: Site, name: str, layer: LayerNode) -> Site:
    """The place of a layer within another one."""
    return replace(site.sub(name, layer.signature.name), trainable=site.trainable and layer.arguments["trainable"])


# --- each step -------------------------------------------------------------------------------------------------------
def time_distributed(site: Site, arguments: Bound, *values: SSAValue, mask: SSAValue | None = None) -> Values:
    """The steps of all sequences are one long batch for the layer."""
    first = values[0]
    for value in values:
        if len(shape_of(value.type)) < 3:
            raise ShapeError(f"it takes (batch, steps, ...) with at least one more axis, its input is {shown(value)}")
    batch, steps = shape_of(first.type)[:2]
    for value in values[1:]:
        site.equal(steps, shape_of(value.type)[1])
    mask = site.mask(first) if mask is None else mask
    inner: list[SSAValue] = [_folded(site, value, batch, steps) for value in values]
    if mask is not None and len(shape_of(mask.type)) > 2:
        site.put_mask(inner[0], _folded(site, mask, batch, steps))
    layer: LayerNode | CallNode = arguments["layer"]
    results = _stateless(site).piece(_scope(layer), layer)(*inner)
    if arguments["dropout"]:
        results = tuple(site.add(graph.DropoutOp.of(value, rate=arguments["dropout"])) for value in results)
    if site.block is not None:
        results = site.body(*results)
    outputs = tuple(_unfolded(site, value, batch, steps) for value in results)
    if outputs:
        site.put_mask(outputs[0], mask)
    return outputs


def _stateless(site: Site) -> Site:
    why = "all steps are one batch for the layer within, which cannot keep a state from step to step"
    help = "walk along the steps with a recurrent layer of your own: `RNN(cell, stateful=true)`"
    return replace(site, function=Within(site.function.block, site.function, why, help))


def _scope(layer: LayerNode | CallNode) -> str:
    if isinstance(layer, CallNode):
        return layer.scope
    return layer.arguments["name"] or layer.signature.scope


def _folded(site: Site, x: SSAValue, batch: Size, steps: Size) -> SSAValue:
    shape = (total((batch, steps)), *shape_of(x.type)[2:])
    return site.add(graph.ReshapeOp.of(x, result=tensor_type(shape, element_of(x.type))), "steps")


def _unfolded(site: Site, x: SSAValue, batch: Size, steps: Size) -> SSAValue:
    shape = (batch, steps, *shape_of(x.type)[1:])
    return site.add(graph.ReshapeOp.of(x, result=tensor_type(shape, element_of(x.type))))


LOWERINGS: dict[str, Lowering] = {"Bidirectional": bidirectional, "TimeDistributed": time_distributed}
