"""Cells whose maps are convolutions: ConvLSTM (Shi et al. 2015, as Keras has it) and ConvGRU (Ballas et al. 2016).

The maps of the input are made for all steps at once, which are one long batch for them; the recurrent ones, which keep
the size of the state, stand in a graph.scan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.graph.shapes import CHANNEL, CHANNELS_FIRST, CHANNELS_LAST, SPATIAL
from neuralc.dialects.types import Shape, ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers import gates
from neuralc.frontends.nr.layers.cells import bias_of
from neuralc.frontends.nr.layers.images import Image, Window, padded
from neuralc.frontends.nr.layers.maps import Gates, of_inputs, of_state
from neuralc.frontends.nr.layers.recurrence import Walk, Way, scan
from neuralc.frontends.nr.layers.shared import known, weight
from neuralc.frontends.nr.site import Site, Values
from neuralc.frontends.sizes import Size, total
from neuralc.grammar.binding import Bound
from neuralc.grammar.signatures.spatial import PLACES


@dataclass(frozen=True)
class Kind:
    """What tells the two cells apart."""

    rule: gates.Rule
    gates: int
    states: str


LSTM = Kind(gates.lstm, 4, "hc")
GRU = Kind(gates.conv_gru, 3, "h")


@dataclass(frozen=True)
class ConvCell:
    """A cell over `rank` spatial axes; its states are images of `filters` channels."""

    kind: Kind
    rank: int
    arguments: Bound

    @property
    def form(self) -> Sequence[str]:
        places = PLACES[self.rank]
        return "batch", "steps", *(("channels", *places) if self._first else (*places, "channels"))

    @property
    def _first(self) -> bool:
        return bool(self.arguments["data_format"] == "channels_first")

    @property
    def _format(self) -> str:
        return (CHANNELS_FIRST if self._first else CHANNELS_LAST)[self.rank]

    @property
    def _window(self) -> Window:
        return Window(self.arguments["kernel_size"], self.arguments["strides"], self.arguments["dilation_rate"])

    # --- shapes --------------------------------------------------------------------------------------------------
    def states(self, x: SSAValue) -> Mapping[str, Shape]:
        step = list(shape_of(x.type)[1:])
        for i, axis in enumerate(SPATIAL[self._format]):
            step[axis] = self._places(step[axis], i)
        step[CHANNEL[self._format]] = self.arguments["filters"]
        return dict.fromkeys(self.kind.states, tuple(step))

    def _places(self, size: Size, i: int) -> Size:
        """How many places the maps of the input leave along a spatial axis."""
        reach, stride = self._window.reaches[i], self._window.strides[i]
        if self.arguments["padding"] == "same":
            return simplest(as_dim(size).ceildiv(stride))
        if isinstance(size, int) and size < reach:
            raise ShapeError(f"the window covers {reach} places along {PLACES[self.rank][i]}, its input has {size}")
        return simplest((as_dim(size) - reach) // stride + 1)

    # --- steps ---------------------------------------------------------------------------------------------------
    def walk(self, site: Site, x: SSAValue, states: Values, way: Way) -> Walk:
        arguments, window, axis = self.arguments, self._window, CHANNEL[self._format]
        if max(window.strides) > 1 and max(window.dilations) > 1:
            raise ShapeError("a window with strides has no dilation")
        depth, filters = known(shape_of(x.type)[axis + 1], "the number of channels"), arguments["filters"]
        width = self.kind.gates * filters
        kernel = weight(site, arguments, "kernel", (*window.shape, depth, width), x)
        inner = weight(site, arguments, "recurrent_kernel", (*window.shape, filters, width), x, key="recurrent")
        bias = bias_of(site, arguments, (width,), x)
        inputs = Gates(self._over_all_steps, kernel, bias, self.kind.gates, axis)
        projected = self._unfolded(site, of_inputs(site, inputs, arguments, x, (0,), alike=False), x)
        maps = of_state(site, Gates(self._over_state, inner, None, self.kind.gates, axis), arguments, states[0].type)
        return scan(site, (projected,), states, way, self.kind.rule(maps, arguments))

    def _over_all_steps(self, site: Site, x: SSAValue, kernel: SSAValue, bias: Sequence[SSAValue]) -> SSAValue:
        """The convolution of the input; all steps of all sequences are one batch."""
        shape = shape_of(x.type)
        batch = tensor_type((total(shape[:2]), *shape[2:]), element_of(x.type))
        image = Image(site.add(graph.ReshapeOp.of(x, result=batch), "steps"), self._format)
        return _convolved(site, image, self._window, self.arguments["padding"], kernel, bias)

    def _unfolded(self, site: Site, y: SSAValue, x: SSAValue) -> SSAValue:
        """What was made of all steps, with the steps and the batch of the input again."""
        shape = (*shape_of(x.type)[:2], *shape_of(y.type)[1:])
        return site.add(graph.ReshapeOp.of(y, result=tensor_type(shape, element_of(y.type))))

    def _over_state(self, site: Site, h: SSAValue, kernel: SSAValue, bias: Sequence[SSAValue]) -> SSAValue:
        """A convolution that keeps the size: the window without strides and dilation."""
        plain = Window(self._window.shape, (1,) * self.rank, (1,) * self.rank)
        return _convolved(site, Image(h, self._format), plain, "same", kernel, bias)


def _convolved(
    site: Site, x: Image, window: Window, padding: str, kernel: SSAValue, bias: Sequence[SSAValue]
) -> SSAValue:
    around = padded(site, x, window, padding)
    op = graph.ConvOp.of(
        around.image.value,
        kernel,
        *bias,
        strides=window.strides,
        dilations=window.dilations,
        pads=around.pads,
        data_format=x.data_format,
    )
    return site.add(op)


def conv_lstm(rank: int, arguments: Bound) -> ConvCell:
    return ConvCell(LSTM, rank, arguments)


def conv_gru(rank: int, arguments: Bound) -> ConvCell:
    return ConvCell(GRU, rank, arguments)
