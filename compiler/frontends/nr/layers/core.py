"""Dense maps, reshaping, tokens, masks, activations by name."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerType, Signedness, i32, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product
from neuralc.dialects.types import (
    ShapeError,
    element_of,
    element_type_of,
    format_shape,
    is_float,
    shape_of,
    tensor_type,
)
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.expressions import evaluate_expression
from neuralc.frontends.nr.layers.shared import Lowering, adapted, known, weight
from neuralc.frontends.nr.site import LayerError, Site, Values, shown
from neuralc.frontends.sizes import Size, exact_quotient
from neuralc.grammar.binding import Bound
from neuralc.grammar.expression import parse_expression

_LARGE = (IntegerType(32, Signedness.UNSIGNED), IntegerType(64, Signedness.UNSIGNED))
"""Unsigned integers that i32 does not hold."""


def dense(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    if len(shape) < 2:
        raise ShapeError(f"it needs an axis besides the batch, its input is {shown(x)}")
    units: int = arguments["units"]
    kernel = weight(site, arguments, "kernel", (known(shape[-1], "the last axis"), units), x)
    bias = [weight(site, arguments, "bias", (units,), x)] if arguments["use_bias"] else []
    op = graph.DenseOp.of(x, adapted(site, arguments, "kernel", kernel), *bias)
    return activate(site, site.add(op), arguments["activation"])


def identity(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return site.add(graph.IdentityOp.of(x))


def activation(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return activate(site, x, arguments["activation"])


# --- shapes ----------------------------------------------------------------------------------------------------------
def flatten(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    if arguments["data_format"] == "channels_first" and len(shape) > 2:
        # Keras: the order of the result is that of channels last, whatever the input has.
        x = site.add(graph.TransposeOp.of(x, perm=(0, *range(2, len(shape)), 1)), "channels_last")
    result = tensor_type((shape[0], product(shape[1:])), element_of(x.type))
    return site.add(graph.ReshapeOp.of(x, result=result))


def reshape(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape, target = shape_of(x.type), list(arguments["target_shape"])
    if target.count(-1) > 1:
        raise ShapeError(f"one size may be left open, {format_shape(target)} leaves {target.count(-1)}")
    if -1 in target:
        target[target.index(-1)] = _left_over(x, target)
    else:
        _same_count(site, x, target)
    return site.add(graph.ReshapeOp.of(x, result=tensor_type((shape[0], *target), element_of(x.type))))


def _left_over(x: SSAValue, target: Sequence[int]) -> Size:
    """The size that -1 stands for. Raises LayerError where there is none."""
    total, rest = product(shape_of(x.type)[1:]), product([size for size in target if size != -1])
    left = exact_quotient(total, rest)
    if left is None:
        help = None if total.is_static else f"say so where the sizes are named: `where {total} % {rest} == 0`"
        raise LayerError(f"the {total} values of {shown(x)} make no {format_shape(target)}", help=help)
    return left


def _same_count(site: Site, x: SSAValue, target: Sequence[int]) -> None:
    total = product(shape_of(x.type)[1:])
    try:
        site.equal(total, product(list(target)))
    except ShapeError:
        raise ShapeError(f"the {total} values of {shown(x)} make no {format_shape(target)}") from None


def permute(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    dims, rank = tuple(arguments["dims"]), len(shape_of(x.type))
    if sorted(dims) != list(range(1, rank)):
        axes = ", ".join(map(str, range(1, rank)))
        raise ShapeError(f"`dims` {format_shape(dims)} is no order of the axes {axes} of its input {shown(x)}")
    return site.add(graph.TransposeOp.of(x, perm=(0, *dims)))


def repeat_vector(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    if len(shape) != 2:
        raise ShapeError(f"it takes vectors (batch, features), its input is {shown(x)}")
    batch, features = shape
    row = site.add(graph.ReshapeOp.of(x, result=tensor_type((batch, 1, features), element_of(x.type))))
    return site.add(graph.ExpandOp.of(row, result=tensor_type((batch, arguments["n"], features), element_of(x.type))))


# --- tokens and masks ------------------------------------------------------------------------------------------------
def embedding(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Keras: the input as integers picks rows; a mask of it is of what it was before."""
    sizes = arguments["input_dim"], arguments["output_dim"]
    table = weight(site, arguments, "embeddings", sizes, site.float_of(x))
    result = site.add(graph.GatherOp.of(adapted(site, arguments, "embeddings", table), _tokens(site, x), axis=0))
    if arguments["mask_zero"]:
        padding = _constant(site, element_of(x.type), 0.0, "padding")
        site.put_mask(result, site.add(graph.NotEqualOp.of(x, padding), "mask"))
    return result


def reversible_embedding(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Integers are tokens, floats vectors on their way back: what Keras is told by an argument of the call."""
    if not is_float(element_of(x.type)):
        return embedding(site, arguments, x)
    tokens, width = arguments["input_dim"], arguments["output_dim"]
    if shape_of(x.type)[-1] != width:
        raise LayerError(
            f"the way back to {tokens} tokens starts from vectors of {width}, its input is {shown(x)}",
            help="floats are vectors on their way back; write `int32` behind the shape of an input of tokens",
        )
    if arguments["tie_weights"]:
        table = adapted(site, arguments, "embeddings", weight(site, arguments, "embeddings", (tokens, width), x))
        kernel = site.add(graph.TransposeOp.of(table, perm=(1, 0)), "reverse")
    else:
        kernel = site.weight("reverse_embeddings", (width, tokens), x, arguments["embeddings_initializer"])
    logits = site.add(graph.DenseOp.of(x, kernel))
    cap = arguments["logit_soft_cap"]
    if cap is None:
        return logits
    bound = _constant(site, element_of(x.type), cap, "logit_soft_cap")
    return site.add(graph.MulOp.of(site.add(graph.TanhOp.of(site.add(graph.DivOp.of(logits, bound)))), bound))


def _tokens(site: Site, x: SSAValue) -> SSAValue:
    """The input as indices; none of them becomes negative."""
    element = element_of(x.type)
    if element in (i32, i64):
        return x
    index = i64 if element in _LARGE else i32
    return site.add(graph.CastOp.of(x, result=tensor_type(shape_of(x.type), index)), "tokens")


def masking(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape, element = shape_of(x.type), element_of(x.type)
    if len(shape) < 2:
        raise ShapeError(f"it needs features besides the batch, its input is {shown(x)}")
    padding = _constant(site, element, arguments["mask_value"], "mask_value")
    differs = site.add(graph.NotEqualOp.of(x, padding))
    mask = site.add(graph.ReduceOp.of(differs, kind="any", axes=(len(shape) - 1,)), "mask")
    column = site.add(graph.ReshapeOp.of(mask, result=tensor_type((*shape[:-1], 1), element_of(mask.type))))
    result = site.add(graph.WhereOp.of(column, x, _constant(site, element, 0.0, "zero")))
    site.put_mask(result, mask)
    return result


def _constant(site: Site, element: Attribute, value: float, name: str) -> SSAValue:
    number: float | int = value
    if not is_float(element):
        number = int(value)
        if number != value:
            raise ShapeError(f"`{name}` is {value:g}, and its input holds {element}")
    return site.add(graph.ConstantOp.of(result=tensor_type((), element), value=number), name)


def weight_(site: Site, arguments: Bound) -> SSAValue:
    """A weight as a value; those of integers and truth values are data, not trained."""
    element = element_type_of(arguments["type"])
    return site.weight(
        "",
        arguments["shape"],
        element,
        arguments["initializer"],
        trainable=is_float(element),
        regularizer=arguments["regularizer"],
        constraint=arguments["constraint"],
        of_floats=False,
    )


def lambda_(site: Site, arguments: Bound, *values: SSAValue) -> Values:
    """The ops of an expression; several results are those of a tuple."""
    place = arguments.spans.get("function", site.span)
    results = evaluate_expression(site, parse_expression(arguments["function"], place), values)
    wanted, found = arguments["output_shape"], shape_of(results[0].type)[1:]
    if wanted is None:
        return results
    if len(wanted) != len(found) or any(n not in (-1, m) for n, m in zip(wanted, found, strict=True)):
        raise ShapeError(f"its result is {shown(results[0])}, `output_shape` says {format_shape(wanted)}")
    return results


LOWERINGS: dict[str, Lowering] = {
    "Dense": dense,
    "Output": dense,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "RepeatVector": repeat_vector,
    "Embedding": embedding,
    "ReversibleEmbedding": reversible_embedding,
    "Masking": masking,
    "Lambda": lambda_,
    "Weight": weight_,
    "Identity": identity,
    "Activation": activation,
}
