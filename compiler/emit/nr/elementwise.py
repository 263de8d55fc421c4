"""Functions of each value as formulas, and as layers where they stand alone: activations, merges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import broadcast
from neuralc.dialects.types import element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.nr.body import Body
from neuralc.emit.nr.expressions import binary, function, method, negated, number, power
from neuralc.emit.nr.values import Call, Number, Value
from neuralc.emit.python.expressions import Expression

Unary: TypeAlias = Callable[[Expression, Mapping[str, Any]], Expression]


# --- functions of one value ------------------------------------------------------------------------------------------
def _named(text: str, *parameters: str) -> Unary:
    return lambda x, found: function(text, x, *(f"{own}={number(found[key])}" for own, key in _pairs(parameters)))


def _pairs(parameters: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(own, key or own) for own, _, key in (each.partition(":") for each in parameters)]


def _is_inf(x: Expression, found: Mapping[str, Any]) -> Expression:
    if found["positive"] and found["negative"]:
        return function("isinf", x)
    if not found["positive"] and not found["negative"]:
        return binary("<", x, x)
    return binary("==", x, number(float("inf") if found["positive"] else float("-inf")))


def _hard_sigmoid(x: Expression, found: Mapping[str, Any]) -> Expression:
    if (found["alpha"], found["beta"]) == (1 / 6, 0.5):
        return function("hard_sigmoid", x)
    line = binary("+", binary("*", x, number(found["alpha"])), number(found["beta"]))
    return function("clip", line, "0", "1")


UNARY: Mapping[type[Operation], Unary] = {
    graph.AbsOp: _named("abs"),
    graph.AcosOp: _named("arccos"),
    graph.AcoshOp: _named("arccosh"),
    graph.AsinOp: _named("arcsin"),
    graph.AsinhOp: _named("arcsinh"),
    graph.AtanOp: _named("arctan"),
    graph.AtanhOp: _named("arctanh"),
    graph.BitwiseNotOp: lambda x, _: Expression(
        f"~{x.within(negated(x).precedence)}", precedence=negated(x).precedence
    ),
    graph.CeilOp: _named("ceil"),
    graph.CosOp: _named("cos"),
    graph.CoshOp: _named("cosh"),
    graph.EluOp: _named("elu", "alpha"),
    graph.ErfOp: _named("erf"),
    graph.ExpOp: _named("exp"),
    graph.FloorOp: _named("floor"),
    graph.GeluOp: lambda x, found: function("gelu", x, *(["approximate=True"] if found["approximate"] else [])),
    graph.HardSigmoidOp: _hard_sigmoid,
    graph.HardSwishOp: _named("hard_swish"),
    graph.IsInfOp: _is_inf,
    graph.IsNanOp: _named("isnan"),
    graph.LeakyReluOp: _named("leaky_relu", "negative_slope:alpha"),
    graph.LogOp: _named("log"),
    graph.LogicalNotOp: _named("logical_not"),
    graph.MishOp: _named("mish"),
    graph.NegOp: lambda x, _: negated(x),
    graph.Relu6Op: _named("relu6"),
    graph.ReluOp: _named("relu"),
    graph.RoundOp: _named("round"),
    graph.RsqrtOp: _named("rsqrt"),
    graph.SeluOp: _named("selu"),
    graph.SigmoidOp: _named("sigmoid"),
    graph.SignOp: _named("sign"),
    graph.SiluOp: _named("silu"),
    graph.SinOp: _named("sin"),
    graph.SinhOp: _named("sinh"),
    graph.SoftplusOp: _named("softplus"),
    graph.SoftsignOp: _named("softsign"),
    graph.SqrtOp: _named("sqrt"),
    graph.TanOp: _named("tan"),
    graph.TanhOp: _named("tanh"),
}

ACTIVATIONS: Mapping[type[Operation], tuple[str, Mapping[str, str]]] = {
    graph.EluOp: ("ELU", {"alpha": "alpha"}),
    graph.ExpOp: ("Exponential", {}),
    graph.GeluOp: ("GELU", {"approximate": "approximate"}),
    graph.HardSwishOp: ("HardSwish", {}),
    graph.LeakyReluOp: ("LeakyReLU", {"negative_slope": "alpha"}),
    graph.MishOp: ("Mish", {}),
    graph.Relu6Op: ("ReLU6", {}),
    graph.ReluOp: ("ReLU", {}),
    graph.SeluOp: ("SELU", {}),
    graph.SigmoidOp: ("Sigmoid", {}),
    graph.SiluOp: ("SiLU", {}),
    graph.SoftplusOp: ("Softplus", {}),
    graph.SoftsignOp: ("Softsign", {}),
    graph.TanhOp: ("Tanh", {}),
}
"""The layers that activation functions are, and which property each of their parameters is."""

_OFTEN_IN_FORMULAS = (graph.ExpOp, graph.SigmoidOp, graph.TanhOp)


def _activation(op: Operation, literals: Mapping[str, Any]) -> Call | None:
    if isinstance(op, graph.HardSigmoidOp):
        return Call("HardSigmoid") if (literals["alpha"], literals["beta"]) == (1 / 6, 0.5) else None
    found = ACTIVATIONS.get(type(op))
    if found is None or not is_float(element_of(op.results[0].type)):
        return None
    return Call(found[0], {own: literals[key] for own, key in found[1].items()})


def unary(body: Body, op: graph.UnaryOp) -> Value:
    (x,), literals, write = body.operands(op), op.literals(), UNARY[type(op)]
    layer = _activation(op, literals)
    apart = layer is not None and not isinstance(op, _OFTEN_IN_FORMULAS)
    result = op.results[0].type
    if isinstance(op, graph.ReluOp) and not is_float(x.element):
        return body.formula([x], lambda e: function("maximum", e[0], "0"), x.shape, x.element)
    return body.formula(
        [x], lambda e: write(e[0], literals), shape_of(result), element_of(result), layer=layer, apart=apart
    )


def identity(body: Body, op: graph.IdentityOp) -> Value:
    return body[op.x]


# --- functions of two values -----------------------------------------------------------------------------------------
def _infix(operator: str) -> Callable[[Expression, Expression], Expression]:
    return lambda x, y: binary(operator, x, y)


def _called(text: str) -> Callable[[Expression, Expression], Expression]:
    return lambda x, y: function(text, x, y)


BINARY: Mapping[type[Operation], Callable[[Expression, Expression], Expression]] = {
    graph.AddOp: _infix("+"),
    graph.BitwiseAndOp: _infix("&"),
    graph.BitwiseOrOp: _infix("|"),
    graph.BitwiseXorOp: _infix("^"),
    graph.DivOp: _infix("/"),
    graph.EqualOp: _infix("=="),
    graph.FmodOp: _called("fmod"),
    graph.GreaterEqualOp: _infix(">="),
    graph.GreaterOp: _infix(">"),
    graph.LessEqualOp: _infix("<="),
    graph.LessOp: _infix("<"),
    graph.LogicalAndOp: _infix("&"),
    graph.LogicalOrOp: _infix("|"),
    graph.LogicalXorOp: _infix("^"),
    graph.MaximumOp: _called("maximum"),
    graph.MinimumOp: _called("minimum"),
    graph.MulOp: _infix("*"),
    graph.NotEqualOp: _infix("!="),
    graph.PowOp: power,
    graph.RemainderOp: _infix("%"),
    graph.ShiftLeftOp: _called("left_shift"),
    graph.ShiftRightOp: _called("right_shift"),
    graph.SubOp: _infix("-"),
}

MERGES: Mapping[type[Operation], str] = {
    graph.AddOp: "Add",
    graph.MaximumOp: "Maximum",
    graph.MinimumOp: "Minimum",
    graph.MulOp: "Multiply",
    graph.SubOp: "Subtract",
}


def _quotient(x: Expression, y: Expression) -> Expression:
    """Truncated toward zero: what is left when the remainder, which has the sign of x, is taken away."""
    return binary("//", binary("-", x, function("fmod", x, y)), y)


def pair(body: Body, op: graph.BinaryOp) -> Value:
    x, y = body.operands(op)
    shape, element = shape_of(op.results[0].type), element_of(op.results[0].type)
    write = BINARY[type(op)]
    if isinstance(op, graph.DivOp) and not is_float(x.element):
        write = _quotient
    if isinstance(op, graph.MulOp) and x is y and not isinstance(x.source, Number):
        return body.formula([x], lambda e: power(e[0], number(2)), shape, element)
    inputs = [each for each in (x, y) if not _is_literal(each, shape, x, y)]
    numbers = [each.source.value if each not in inputs and isinstance(each.source, Number) else None for each in (x, y)]

    def render(expressions: Any) -> Expression:
        given = iter(expressions)
        return write(*(next(given) if found is None else number(found) for found in numbers))

    merged = len(inputs) == 2 and x.rank == y.rank > 1 and type(op) in MERGES and element != i1
    return body.formula(inputs, render, shape, element, layer=Call(MERGES[type(op)]) if merged else None)


def _is_literal(value: Value, shape: Any, x: Value, y: Value) -> bool:
    """Whether a value is one number that does not decide the shape of the result, or its type."""
    other = y if value is x else x
    return isinstance(value.source, Number) and other.shape == shape and not isinstance(other.source, Number)


def where(body: Body, op: graph.WhereOp) -> Value:
    condition, on, off = body.operands(op)
    shape, element = shape_of(op.result.type), element_of(op.result.type)
    inputs = [condition, on, off]
    # A number takes the type of the other choice; of two, one has to be a tensor of their type.
    inline: dict[Value, Number] = {}
    for value, other in ((on, off), (off, on)):
        fits = value is not other and broadcast(condition.shape, other.shape) == shape
        if isinstance(value.source, Number) and fits and not inline:
            inline[value] = value.source
            inputs.remove(value)

    def render(expressions: Any) -> Expression:
        given = iter(expressions)
        choices = (number(inline[each].value) if each in inline else next(given) for each in (condition, on, off))
        return function("where", *choices)

    return body.formula(inputs, render, shape, element)


def cast(body: Body, op: graph.CastOp) -> Value:
    x, element = body[op.x], element_of(op.result.type)
    name = numpy_dtype(element).name
    if x.element == element:
        return x
    if is_float(element):
        # Behind it layers compute in this type, which a formula would not say.
        return body.layer("Cast", x, x.shape, {"to": name}, element=element)
    layer = Call("Cast", {"to": name})
    return body.formula([x], lambda e: method(e[0], "astype", name), x.shape, element, layer=layer)


LOWERINGS: Mapping[type[Operation], Callable[..., Any]] = {
    **dict.fromkeys(UNARY, unary),
    **dict.fromkeys(BINARY, pair),
    graph.IdentityOp: identity,
    graph.WhereOp: where,
    graph.CastOp: cast,
}
