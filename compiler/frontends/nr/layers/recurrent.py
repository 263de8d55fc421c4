"""Recurrent layers: a walk along the steps of a sequence, or one step of a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers.cells import CELLS, NetworkCell, Placed, Stacked
from neuralc.frontends.nr.layers.conv_cells import conv_gru, conv_lstm
from neuralc.frontends.nr.layers.recurrence import Cell, Course, Way, along, mask_of, states_of, zero_states
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.layers.steps import flipped, swapped
from neuralc.frontends.nr.site import LayerError, Site, Values, shown
from neuralc.grammar.binding import Bound
from neuralc.grammar.program import CallNode, LayerNode

Given = SSAValue | Values


def walked(site: Site, course: Course, x: SSAValue, mask: SSAValue | None, initial: Given) -> Values:
    """The results of a layer that walks along a sequence (batch, steps, ..), which may carry a mask."""
    check(course.cell, x)
    mask = mask_of(site, x, mask)
    steps = swapped(site, x, "steps")
    counts = None if mask is None else swapped(site, mask, "mask")
    given = states_of(site, course.cell, steps, initial, "initial_state")
    output, states = along(site, course, steps, counts, given)
    if course.sequences:
        output = swapped(site, flipped(site, output) if course.backwards else output)
        site.put_mask(output, mask)
    return (output, *states) if course.state else (output,)


def check(cell: Cell, x: SSAValue) -> None:
    """Raise ShapeError where a value is no sequence for a cell."""
    if len(shape_of(x.type)) != len(cell.form):
        _, *inner = cell.form
        message = f"it takes sequences ({', '.join(cell.form)}), its input is {shown(x)}"
        raise LayerError(message, help=f"write `Reshape(({', '.join(inner)}))` with numbers before it")


def course_of(name: str, arguments: Bound) -> Course:
    """How a layer, by its name and arguments, walks along a sequence."""
    cell = cell_of_layers(arguments["cell"]) if name == "RNN" else WALKS[name](arguments)
    return Course(
        cell,
        arguments["return_sequences"],
        arguments["return_state"],
        arguments["go_backwards"],
        arguments["zero_output_for_mask"],
        arguments["stateful"],
    )


def cell_of_layers(layers: tuple[LayerNode | CallNode, ...]) -> Cell:
    """The cell of one layer, or of several that stand on each other. Raises ShapeError for what is no cell."""
    cells = [_cell_of(layer) for layer in layers]
    if not cells:
        raise ShapeError("it has no cell: it needs one at least")
    if len(cells) == 1:
        return cells[0]
    return Stacked([replace(cell, name=cell.name or str(number)) for number, cell in enumerate(cells)])


def _cell_of(layer: LayerNode | CallNode) -> Placed:
    if isinstance(layer, CallNode):
        if not layer.callee.inputs:
            help = "a cell is a network that names its inputs: that of a step, and its states"
            raise LayerError(f"`{layer.callee.name}` is a macro, not a cell", "E0305", help)
        return Placed(NetworkCell(layer, layer.callee.inputs), layer.callee.name)
    name, arguments = layer.signature.name, layer.arguments
    if name not in CELL_LAYERS:
        raise LayerError(f"`{name}` is no cell", "E0305", f"cells are {', '.join(CELL_LAYERS)}, and networks")
    as_argument(layer)
    cell = cell_of_layers(arguments["cells"]) if name == "StackedRNNCells" else CELLS[name](arguments)
    return Placed(cell, name, arguments["name"] or "", arguments["trainable"])


def as_argument(layer: LayerNode) -> None:
    """Raise LayerError for a layer within another one that has a type of its own."""
    if layer.arguments["dtype"] is not None:
        message = f"`{layer.signature.name}` within it has a `dtype`"
        raise LayerError(message, "E0305", "give `dtype` to the layer around it")


CELL_LAYERS = ("SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells")


def _walk(name: str) -> Lowering:
    def lower(
        site: Site, arguments: Bound, x: SSAValue, mask: SSAValue | None = None, initial_state: Given = ()
    ) -> Values:
        return walked(site, course_of(name, arguments), x, mask, initial_state)

    return lower


def _step(name: str) -> Lowering:
    """A cell as a layer: one step, or on a sequence what `RNN(cell)` is. States that are given are given back."""

    def lower(site: Site, arguments: Bound, x: SSAValue, states: Given = ()) -> Values:
        cell = cell_of_layers(arguments["cells"]) if name == "StackedRNNCells" else CELLS[name](arguments)
        if len(shape_of(x.type)) == len(cell.form):
            return walked(site, Course(cell, state=bool(states)), x, None, states)
        if len(shape_of(x.type)) != len(cell.form) - 1:
            raise ShapeError(f"it takes (batch, features) or (batch, steps, features), its input is {shown(x)}")
        alone = tensor_type((1, *shape_of(x.type)), element_of(x.type))
        steps = site.add(graph.ReshapeOp.of(x, result=alone))
        given = states_of(site, cell, steps, states, "states")
        walk = cell.walk(site, steps, given or zero_states(site, cell, steps), Way())
        return (walk.last, *walk.states) if given else (walk.last,)

    return lower


WALKS: Mapping[str, Callable[[Bound], Cell]] = {
    **{name: CELLS[name] for name in ("SimpleRNN", "LSTM", "GRU")},
    **{f"ConvLSTM{rank}D": partial(conv_lstm, rank) for rank in (1, 2, 3)},
    "ConvGRU2D": partial(conv_gru, 2),
}
"""The cells of the layers that walk with one of their own."""

LOWERINGS: dict[str, Lowering] = {
    **{name: _walk(name) for name in (*WALKS, "RNN")},
    **{name: _step(name) for name in CELL_LAYERS},
}
