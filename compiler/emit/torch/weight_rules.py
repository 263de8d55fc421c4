"""What training does beside the optimizer, as functions of the emitted file: `penalty` and `constrain`.

A torch module has no place for the regularizers and constraints of its weights. `penalty(model)` is what they add to
the loss, `constrain(model)` brings the weights to their constraints after a step (keras.regularizers, .constraints).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuralc.dialects.graph import WeightAttr, WeightOp
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import shape_of
from neuralc.emit.python.expressions import literal
from neuralc.emit.python.plan import Row
from neuralc.emit.python.writer import Writer
from neuralc.grammar.configured import Configured
from neuralc.grammar.initializers import CONSTRAINT, REGULARIZER, AnEntry

EPSILON = 1e-7
"""keras.backend.epsilon(), which norms are raised by before they divide."""

_ORTHOGONALITY = '''\
def orthogonality(x: Tensor) -> Tensor:
    """The mean of |cosine| over pairs of rows."""
    x = F.normalize(x, dim=1)
    products = (x @ x.T).abs()
    return (products.sum() - products.diagonal().sum()) / (len(x) * (len(x) - 1))
'''


@dataclass(frozen=True)
class _Rule:
    """A parameter of the torch model, and what its weight says."""

    row: Row
    sizes: tuple[int, ...]
    """Of the weight."""
    name: str
    arguments: Mapping[str, Any]

    @property
    def value(self) -> str:
        """The parameter with the axes of the weight, in another order."""
        taken = f"weights[{literal(self.row.parameter)}]"
        own = [str(self.sizes[axis]) for axis in self.row.axes]
        return f"{taken}.view({', '.join(own)})" if self.row.shape else taken

    @property
    def dims(self) -> str:
        """Where the axes that a norm is taken over stand in `value`."""
        rank = len(self.row.axes)
        return literal(tuple(sorted(self.row.axes.index(axis % rank) for axis in self.arguments["axis"])))


def write_rules(
    body: Writer, model: str, rows: Sequence[Row], declared: Mapping[str, WeightOp], *, activity: bool
) -> None:
    """The functions, for a model that has any use for them; with `activity` values add to the loss too."""
    trained = [row for row in rows if _is_trained(declared[row.key])]
    regularized = _rules(trained, declared, REGULARIZER, lambda weight: weight.regularizer)
    constrained = _rules(trained, declared, CONSTRAINT, lambda weight: weight.constraint)
    if any(rule.name == "orthogonal_regularizer" for rule in regularized):
        body.blank(2)
        body.lines(_ORTHOGONALITY.splitlines())
    if regularized or activity:
        _write_penalty(body, model, regularized, activity)
    if constrained:
        _write_constrain(body, model, constrained)


def _is_trained(weight: WeightOp) -> bool:
    return "trainable" not in weight.attributes or bool(to_literal(weight.attributes["trainable"]))


def _rules(
    rows: Sequence[Row],
    declared: Mapping[str, WeightOp],
    table: AnEntry,
    given: Callable[[WeightOp], WeightAttr | None],
) -> list[_Rule]:
    rules = []
    for row in rows:
        weight = declared[row.key]
        found = given(weight)
        if found is not None:
            name, sizes = found.called.data, tuple(int(str(size)) for size in shape_of(weight.type))
            rules.append(_Rule(row, sizes, name, table.arguments(Configured(name, found.plain_arguments))))
    return rules


# --- regularizers ----------------------------------------------------------------------------------------------------
def _write_penalty(body: Writer, model: str, rules: Sequence[_Rule], activity: bool) -> None:
    body.blank(2)
    with body.block(f"def penalty(model: {model}) -> Tensor:"):
        body.docstring(
            f"What the regularizers of {'weights and values' if activity else 'the weights'} add to the loss."
        )
        terms = [term for rule in rules for term in _terms(rule)]
        if terms or not activity:
            body.line("weights = dict(model.named_parameters())")
        if activity:
            body.line("layers = [x for x in model.modules() if isinstance(x, ActivityRegularization)]")
            terms.append("sum(layer.penalty for layer in layers)")
        if not terms:
            body.line("return torch.zeros(())")
        elif body.fits(f"return {' + '.join(terms)}"):
            body.line(f"return {' + '.join(terms)}")
        else:
            with body.block("return ("):
                body.lines([terms[0], *(f"+ {term}" for term in terms[1:])])
            body.line(")")


def _terms(rule: _Rule) -> list[str]:
    if rule.name == "orthogonal_regularizer":
        # A parameter of torch has the axes of the weight swapped, or not.
        swapped = (rule.arguments["mode"] == "columns") == (rule.row.axes == (0, 1))
        return [f"{rule.arguments['factor']!r} * orthogonality({rule.value}{'.T' if swapped else ''})"]
    sums = {"l1": "abs().sum()", "l2": "square().sum()"}
    factors = {name: rule.arguments[name] for name in sums if rule.arguments.get(name)}
    return [f"{factor!r} * {rule.value}.{sums[name]}" for name, factor in factors.items()]


# --- constraints -----------------------------------------------------------------------------------------------------
def _write_constrain(body: Writer, model: str, rules: Sequence[_Rule]) -> None:
    body.blank(2)
    body.line("@torch.no_grad()")
    with body.block(f"def constrain(model: {model}) -> None:"):
        body.docstring("Bring the weights to their constraints, after a step of the optimizer.")
        body.line("weights = dict(model.named_parameters())")
        for rule in rules:
            if rule.name == "non_neg":
                body.line(f"{rule.value}.clamp_(min=0.0)")
                continue
            body.line(f"weight = {rule.value}")
            body.line(f"norm = weight.norm(dim={rule.dims}, keepdim=True)")
            body.line(f"weight *= {_WANTED[rule.name](rule.arguments)} / (norm + {EPSILON!r})")


def _between(arguments: Mapping[str, Any]) -> str:
    low, high, rate = (arguments[name] for name in ("min_value", "max_value", "rate"))
    clamped = f"norm.clamp({low!r}, {high!r})"
    return clamped if rate == 1.0 else f"({rate!r} * {clamped} + {1.0 - rate!r} * norm)"


_WANTED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "max_norm": lambda arguments: f"norm.clamp(max={arguments['max_value']!r})",
    "unit_norm": lambda arguments: "1.0",
    "min_max_norm": _between,
}
"""The norm that a constraint brings a weight to."""
