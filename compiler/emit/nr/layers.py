"""Layers with weights: dense maps, convolutions, norms, embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import f32, f64
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import CHANNELS_FIRST, SPATIAL, normalize_axis, static_shape
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import is_float, shape_of
from neuralc.emit.nr.body import Body
from neuralc.emit.nr.expressions import Expression, as_float32, binary, function, method, number
from neuralc.emit.nr.graph_ops import as_function
from neuralc.emit.nr.values import Formula, Number, Value
from neuralc.emit.nr.views import padded, reshaped, transposed
from neuralc.emit.nr.weights import Move
from neuralc.frontends.nr.layers.images import padding_of


# --- dense -----------------------------------------------------------------------------------------------------------
def dense(body: Body, op: graph.DenseOp) -> Value | Sequence[Value]:
    x, kernel, *bias = body.operands(op)
    shape = shape_of(op.result.type)
    if bias and isinstance(bias[0].source, Number):
        return _raised(body, op, bias[0].source)
    if not (
        body.is_held(kernel)
        and all(map(body.is_held, bias))
        and is_float(x.element)
        and x.rank > 1
        and isinstance(x.shape[-1], int)
    ):
        return _product(body, x, kernel, bias, shape, op)
    before = x.source
    if isinstance(before, Formula) and before.layer is None and _keeps_last(before, x):
        # A dense layer is over the last axis: what only joins the others is left out on the way in, and put behind it.
        x = before.inputs[0]
    arguments = {"units": shape[-1], "use_bias": bool(bias)}
    held = {"kernel": kernel, **({"bias": bias[0]} if bias else {})}
    result = body.layer("Dense", x, (*x.shape[:-1], shape[-1]), arguments, held)
    return reshaped(body, result, shape)


def _keeps_last(before: Formula, x: Value) -> bool:
    source = before.inputs[0] if before.inputs else None
    return before.view and source is not None and source.rank > 1 and source.shape[-1] == x.shape[-1]


def _product(body: Body, x: Value, kernel: Value, bias: Sequence[Value], shape: Any, op: Operation) -> Value:
    def render(e: Sequence[Expression]) -> Expression:
        product = binary("@", e[0], e[1])
        return binary("+", product, e[2]) if len(e) > 2 else product

    return body.formula([x, kernel, *bias], render, shape, x.element)


# --- convolutions ----------------------------------------------------------------------------------------------------
def format_of(data_format: str) -> dict[str, Any]:
    return {"data_format": "channels_first"} if data_format in CHANNELS_FIRST.values() else {}


def window_padding(
    op: Any, x: Value, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int], *, causal: bool = False
) -> str | None:
    """The padding of a layer that gives the pads of an op; None where they are others."""
    pads, axes = op.literal("pads"), SPATIAL[op.literal("data_format")]
    rank = len(axes)
    for kind in ("valid", "same", *(["causal"] if causal else [])):
        wanted = [
            padding_of(kind, x.shape[axis], dilations[i] * (window[i] - 1) + 1, strides[i])
            for i, axis in enumerate(axes)
        ]
        if all(each.is_known for each in wanted) and all(
            (each.low, each.high) == (pads[i], pads[i + rank]) for i, each in enumerate(wanted)
        ):
            return kind
    return None


def around(x: Value, op: Any, pads: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Pads of the spatial axes as those of all axes."""
    axes = SPATIAL[op.literal("data_format")]
    low, high = [0] * x.rank, [0] * x.rank
    for i, axis in enumerate(axes):
        low[axis], high[axis] = pads[i], pads[i + len(axes)]
    return tuple(low), tuple(high)


def padded_shape(x: Value, low: Sequence[int], high: Sequence[int]) -> tuple[Any, ...]:
    return tuple(size if a + b == 0 else size + a + b for size, a, b in zip(x.shape, low, high, strict=True))


def _raised(body: Body, op: graph.DenseOp | graph.ConvOp | graph.ConvTransposeOp, bias: Number) -> Value:
    """A layer whose bias is one number: the number is added behind it."""
    alone = type(op).of(op.x, op.kernel, **op.literals())
    made = body.lowered(alone, LOWERINGS[type(op)])
    if not bias.value:
        return made
    return body.formula([made], lambda e: binary("+", e[0], number(bias.value)), made.shape, made.element)


def conv(body: Body, op: graph.ConvOp) -> Value | Sequence[Value]:
    x, kernel, *bias = body.operands(op)
    if bias and isinstance(bias[0].source, Number):
        return _raised(body, op, bias[0].source)
    if not (body.is_held(kernel) and all(map(body.is_held, bias)) and is_float(x.element)):
        return as_function(body, op)
    *window, depth, filters = static_shape("a kernel", op.kernel.type)
    rank, strides, dilations, groups = len(window), op.literal("strides"), op.literal("dilations"), op.literal("groups")
    channels = depth * groups
    padding = window_padding(op, x, window, strides, dilations, causal=rank == 1 and groups == 1)
    if padding is None:
        low, high = around(x, op, op.literal("pads"))
        x, padding = padded(body, x, low, high, padded_shape(x, low, high)), "valid"
    arguments: dict[str, Any] = {
        "kernel_size": tuple(window),
        "strides": tuple(strides),
        "padding": padding,
        **format_of(op.literal("data_format")),
        "dilation_rate": tuple(dilations),
        "use_bias": bool(bias),
    }
    held = {"kernel": kernel, **({"bias": bias[0]} if bias else {})}
    shape = shape_of(op.result.type)
    if groups > 1 and groups == channels and depth == 1 and rank < 3:
        multiplier = filters // groups
        per_channel = body.weight_moved(kernel, Move(shape=(*window, channels, multiplier)))
        return body.layer(
            f"DepthwiseConv{rank}D",
            x,
            shape,
            {**arguments, "depth_multiplier": multiplier},
            {**held, "kernel": per_channel},
        )
    return body.layer(f"Conv{rank}D", x, shape, {"filters": filters, **arguments, "groups": groups}, held)


def conv_transpose(body: Body, op: graph.ConvTransposeOp) -> Value | Sequence[Value]:
    x, kernel, *bias = body.operands(op)
    if bias and isinstance(bias[0].source, Number):
        return _raised(body, op, bias[0].source)
    held = body.is_held(kernel) and all(map(body.is_held, bias))
    if not held or op.literal("groups") != 1 or not is_float(x.element):
        return as_function(body, op)
    *window, _, filters = static_shape("a kernel", op.kernel.type)
    rank, strides, dilations = len(window), op.literal("strides"), op.literal("dilations")
    pads, more = op.literal("pads"), op.literal("output_padding")
    reaches = [dilation * (size - 1) + 1 for size, dilation in zip(window, dilations, strict=True)]
    cut = [(pads[i], pads[i + rank] - more[i]) for i in range(rank)]
    shape = shape_of(op.result.type)
    arguments: dict[str, Any] = {
        "filters": filters,
        "kernel_size": tuple(window),
        "strides": tuple(strides),
        **format_of(op.literal("data_format")),
        "dilation_rate": tuple(dilations),
        "use_bias": bool(bias),
    }
    parts = {
        "kernel": body.weight_moved(kernel, Move(axes=(*range(rank), rank + 1, rank))),
        **({"bias": bias[0]} if bias else {}),
    }
    found = transposed_padding(cut, reaches, strides)
    if found is not None:
        return body.layer(f"Conv{rank}DTranspose", x, shape, {**arguments, **found}, parts)
    return _cropped_transpose(body, op, x, cut, reaches, strides, arguments, parts)


def transposed_padding(
    cut: Sequence[tuple[int, int]], reaches: Sequence[int], strides: Sequence[int]
) -> dict[str, Any] | None:
    """The padding and output padding of Keras that cut these numbers of places; None where none do."""
    for padding in ("valid", "same"):
        for more in (None, *range(max(strides))):
            extra = [more] * len(strides)
            if more is not None and any(more >= stride for stride in strides):
                continue
            if [keras_cut(padding, *each) for each in zip(reaches, strides, extra, strict=True)] == list(cut):
                given = {} if more is None else {"output_padding": (more,) * len(strides)}
                return {"padding": padding, **given}
    return None


def keras_cut(padding: str, reach: int, stride: int, more: int | None) -> tuple[int, int]:
    """How many places Keras cuts off the whole result at the low and the high end of an axis."""
    if padding == "valid":
        return 0, -(max(stride - reach, 0) if more is None else more)
    total = stride + reach - 2 if more is None else reach + reach % 2 - 2 + more
    low = min((total + 1) // 2, reach - 1)
    return reach - 1 - low, reach - 1 - (total - low)


def _cropped_transpose(
    body: Body,
    op: graph.ConvTransposeOp,
    x: Value,
    cut: Sequence[tuple[int, int]],
    reaches: Sequence[int],
    strides: Sequence[int],
    arguments: Mapping[str, Any],
    held: Mapping[str, Value],
) -> Value | Sequence[Value]:
    """The whole result, and what is taken from its ends behind it."""
    extra = [max(stride - reach, 0) for reach, stride in zip(reaches, strides, strict=True)]
    ends = [(low, high + more) for (low, high), more in zip(cut, extra, strict=True)]
    if any(low < 0 or high < 0 for low, high in ends):
        return as_function(body, op)
    shape, axes = list(shape_of(op.result.type)), SPATIAL[op.literal("data_format")]
    for axis, (low, high) in zip(axes, ends, strict=True):
        shape[axis] = shape[axis] + low + high
    whole = body.layer(f"Conv{len(axes)}DTranspose", x, tuple(shape), arguments, held)
    return body.formula(
        [whole],
        lambda e: Expression(f"{e[0]}[{', '.join(_cuts(whole.rank, dict(zip(axes, ends, strict=True))))}]"),
        shape_of(op.result.type),
        x.element,
    )


def _cuts(rank: int, ends: Mapping[int, tuple[int, int]]) -> list[str]:
    items = []
    for axis in range(rank):
        low, high = ends.get(axis, (0, 0))
        items.append(f"{low or ''}:{f'-{high}' if high else ''}")
    while len(items) > 1 and items[-1] == ":":
        items.pop()
    return items


# --- norms -----------------------------------------------------------------------------------------------------------
def _is_number(value: Value, usual: float) -> bool:
    return isinstance(value.source, Number) and value.source.value == usual


def _scale_and_center(
    body: Body, gamma: Value | None, beta: Value | None
) -> tuple[dict[str, Any], dict[str, Value]] | None:
    """The arguments and the weights of a norm; None where its factors are neither weights nor absent."""
    scale, center = not (gamma is None or _is_number(gamma, 1)), not (beta is None or _is_number(beta, 0))
    held = {**({"gamma": gamma} if scale and gamma else {}), **({"beta": beta} if center and beta else {})}
    if not all(map(body.is_held, held.values())):
        return None
    return {"center": center, "scale": scale}, held


def last_axis(axis: int, rank: int) -> int:
    return -1 if axis % rank == rank - 1 else axis % rank


def _number(op: PlainOp, x: Value, name: str) -> float:
    """A property of a norm as one writes it, where it is a constant of 32 bits or less."""
    value: float = op.literal(name)
    return value if x.element == f64 else as_float32(value)


def batch_norm(body: Body, op: graph.BatchNormOp) -> Value:
    x, gamma, beta, mean, variance = body.operands(op)
    found = _scale_and_center(body, gamma, beta)
    axis = normalize_axis(op.literal("axis"), x.rank)
    if found is None or not body.is_held(mean) or not body.is_held(variance) or axis == 0:
        return _normalized(body, x, mean, variance, gamma, beta, _number(op, x, "epsilon"), axis)
    arguments, held = found
    arguments = {
        "axis": last_axis(axis, x.rank),
        "momentum": _number(op, x, "momentum"),
        "epsilon": _number(op, x, "epsilon"),
        **arguments,
    }
    statistics = {"moving_mean": mean, "moving_variance": variance}
    return body.layer("BatchNormalization", x, x.shape, arguments, {**held, **statistics})


def _normalized(
    body: Body, x: Value, mean: Value, variance: Value, gamma: Value, beta: Value, epsilon: float, axis: int
) -> Value:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, the vectors along an axis."""
    behind = x.rank - 1 - axis
    vectors = [
        reshaped(body, each, (*each.shape, *[1] * behind)) if behind else each for each in (mean, variance, gamma, beta)
    ]

    def render(e: Sequence[Expression]) -> Expression:
        root = function("sqrt", binary("+", e[2], number(epsilon)))
        return binary("+", binary("*", binary("/", binary("-", e[0], e[1]), root), e[3]), e[4])

    return body.formula([x, *vectors], render, x.shape, x.element)


def layer_norm(body: Body, op: graph.LayerNormOp) -> Value:
    x, gamma, *rest = body.operands(op)
    beta, epsilon = rest[0] if rest else None, _number(op, x, "epsilon")
    axes = tuple(range(normalize_axis(op.literal("axis"), x.rank), x.rank))
    found = _scale_and_center(body, gamma, beta)
    sizes = tuple(x.shape[axis] for axis in axes)
    if found is None or any(value.shape != sizes for value in found[1].values()):
        return _layer_norm(body, x, gamma, beta, epsilon, axes)
    arguments, held = found
    shown = tuple(axis - x.rank for axis in axes)
    return body.layer("LayerNormalization", x, x.shape, {"axis": shown, "epsilon": epsilon, **arguments}, held)


def _layer_norm(body: Body, x: Value, gamma: Value, beta: Value | None, epsilon: float, axes: Sequence[int]) -> Value:
    shown = f"axis={axes[0] if len(axes) == 1 else tuple(axes)}"
    given = [each for each in (gamma, beta) if each is not None]

    def render(e: Sequence[Expression]) -> Expression:
        mean, variance = (method(e[0], name, shown, "keepdims=True") for name in ("mean", "var"))
        root = function("sqrt", binary("+", variance, number(epsilon)))
        scaled = binary("*", binary("/", binary("-", e[0], mean), root), e[1])
        return binary("+", scaled, e[2]) if len(e) > 2 else scaled

    return body.formula([x, *given], render, x.shape, x.element)


def group_norm(body: Body, op: graph.GroupNormOp) -> Value:
    x, gamma, beta = body.operands(op)
    found = _scale_and_center(body, gamma, beta)
    if found is None:
        ones = {"center": False, "scale": False}
        plain = _group_norm(body, op, x, ones, {})
        behind = x.rank - 1 - normalize_axis(op.literal("axis"), x.rank)
        vectors = [reshaped(body, each, (*each.shape, *[1] * behind)) for each in (gamma, beta)]
        return body.formula([plain, *vectors], lambda e: binary("+", binary("*", e[0], e[1]), e[2]), x.shape, x.element)
    return _group_norm(body, op, x, *found)


def _group_norm(
    body: Body, op: graph.GroupNormOp, x: Value, arguments: Mapping[str, Any], held: Mapping[str, Value]
) -> Value:
    axis, groups, epsilon = op.literal("axis"), op.literal("groups"), _number(op, x, "epsilon")
    shown = last_axis(axis, x.rank)
    channels = x.shape[normalize_axis(axis, x.rank)]
    if groups == channels and x.rank > 2 and arguments["center"] == arguments["scale"]:
        given = {"eps": epsilon, "affine": arguments["scale"], "axis": shown}
        return body.layer("InstanceNormalization", x, x.shape, given, held)
    given = {"groups": groups, "axis": shown, "epsilon": epsilon, **arguments}
    return body.layer("GroupNormalization", x, x.shape, given, held)


def rms_norm(body: Body, op: graph.RmsNormOp) -> Value:
    x, scale = body.operands(op)
    axes = tuple(range(normalize_axis(op.literal("axis"), x.rank) - x.rank, 0))
    if body.is_held(scale) and scale.shape == tuple(x.shape[axis] for axis in axes):
        given = {"axis": axes, "epsilon": _number(op, x, "epsilon")}
        return body.layer("RMSNormalization", x, x.shape, given, {"scale": scale})
    shown = f"axis={axes[0] if len(axes) == 1 else axes}"

    def render(e: Sequence[Expression]) -> Expression:
        square = method(binary("*", e[0], e[0]), "mean", shown, "keepdims=True")
        root = function("sqrt", binary("+", square, number(_number(op, x, "epsilon"))))
        return binary("*", binary("/", e[0], root), e[1])

    return body.formula([x, scale], render, x.shape, x.element)


# --- tables ----------------------------------------------------------------------------------------------------------
def gather(body: Body, op: graph.GatherOp) -> Value:
    x, indices = body.operands(op)
    axis, shape = op.literal("axis") % max(x.rank, 1), shape_of(op.result.type)
    if (
        axis == 0
        and body.is_held(x, 2)
        and x.element == f32
        and indices.rank
        and not isinstance(indices.source, Number)
    ):
        sizes = {"input_dim": x.shape[0], "output_dim": x.shape[1]}
        return body.layer("Embedding", indices, shape, sizes, {"embeddings": x}, element=x.element)
    return body.formula([x, indices], lambda e: function("take", e[0], e[1], f"axis={axis}"), shape, x.element)


def prelu(body: Body, op: graph.PreluOp) -> Value:
    x, alpha = body.operands(op)
    wide = (1,) * (x.rank - alpha.rank) + alpha.shape
    if (
        body.is_held(alpha)
        and x.rank > 1
        and wide[0] == 1
        and all(
            (size in (1, own) and isinstance(own, int)) or size == 1
            for size, own in zip(wide[1:], x.shape[1:], strict=True)
        )
    ):
        shared = tuple(
            axis for axis, (size, own) in enumerate(zip(wide, x.shape, strict=True)) if axis and size == 1 != own
        )
        sizes = tuple(size for size in wide[1:] if isinstance(size, int))
        held = alpha if alpha.shape == wide[1:] else body.weight_moved(alpha, Move(shape=sizes))
        return body.layer("PReLU", x, x.shape, {"shared_axes": shared or None}, {"alpha": held})

    def render(e: Sequence[Expression]) -> Expression:
        return function("where", binary(">=", e[0], number(0)), e[0], binary("*", e[0], e[1]))

    return body.formula([x, alpha], render, x.shape, x.element)


LOWERINGS: Mapping[type[Operation], Callable[..., Any]] = {
    graph.DenseOp: dense,
    graph.ConvOp: conv,
    graph.ConvTransposeOp: conv_transpose,
    graph.BatchNormOp: batch_norm,
    graph.LayerNormOp: layer_norm,
    graph.GroupNormOp: group_norm,
    graph.RmsNormOp: rms_norm,
    graph.GatherOp: gather,
    graph.PreluOp: prelu,
}

__all__ = ["LOWERINGS", "around", "format_of", "padded_shape", "transposed", "window_padding"]
