"""What training does beside the optimizer, as functions of the emitted file: `penalty` and `constrain`.

`penalty(params)` is what regularizers add to the loss, `constrain(params)` gives parameters that keep to their
constraints, for the end of a step (keras.regularizers, keras.constraints).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from neuralc.dialects.graph import WeightOp
from neuralc.emit.jax.tree import access
from neuralc.emit.python.expressions import literal
from neuralc.emit.python.plan import Row
from neuralc.emit.python.weight_rules import Rule, constrained, regularized
from neuralc.emit.python.writer import Writer


def write_rules(writer: Writer, rows: Sequence[Row], declared: Mapping[str, WeightOp]) -> set[str]:
    """The functions, for a model that has any use for them. Returns the helper functions that they call."""
    terms = [term for rule in regularized(rows, declared) for term in _terms(rule)]
    rules = constrained(rows, declared)
    if terms:
        writer.blank(2)
        with writer.block("def penalty(params: Params) -> Array:"):
            writer.docstring("What the regularizers of the parameters add to the loss.")
            writer.code(f"return {' + '.join(terms)}")
    if rules:
        writer.blank(2)
        with writer.block("def constrain(params: Params) -> Params:"):
            _write_constrain(writer, rules)
    orthogonal = {"orthogonality"} if any("orthogonality(" in term for term in terms) else set()
    return orthogonal | {rule.name for rule in rules if rule.name != "non_neg"}


def _terms(rule: Rule) -> list[str]:
    value = access("params", rule.row.parameter)
    if rule.name == "orthogonal_regularizer":
        turned = (rule.arguments["mode"] == "columns") == (rule.row.axes == (0, 1))
        return [f"{rule.arguments['factor']!r} * orthogonality({value}{'.T' if turned else ''})"]
    sums = {"l1": f"jnp.abs({value}).sum()", "l2": f"jnp.square({value}).sum()"}
    return [f"{rule.arguments[key]!r} * {sums[key]}" for key in sums if rule.arguments.get(key)]


def _write_constrain(writer: Writer, rules: Sequence[Rule]) -> None:
    writer.docstring("The parameters as their constraints want them, after a step of the optimizer.")
    entries = [f"{literal(rule.row.parameter)}: lambda x: {_CONSTRAINED[rule.name](rule)}" for rule in rules]
    writer.code(f"rules = {{{', '.join(entries)}}}")
    writer.blank()
    with writer.block("def constrained(keys: tuple[Any, ...], x: Array) -> Array:"):
        writer.line('rule = rules.get(keystr(keys, simple=True, separator="."))')
        writer.line("return x if rule is None else rule(x)")
    writer.blank()
    writer.line("return jax.tree.map_with_path(constrained, params)")


_CONSTRAINED: Mapping[str, Callable[[Rule], str]] = {
    "non_neg": lambda _: "jnp.maximum(x, 0)",
    "max_norm": lambda rule: f"max_norm(x, {rule.arguments['max_value']!r}, {rule.axes})",
    "unit_norm": lambda rule: f"unit_norm(x, {rule.axes})",
    "min_max_norm": lambda rule: (
        "min_max_norm(x, "
        + ", ".join(repr(rule.arguments[key]) for key in ("min_value", "max_value", "rate"))
        + f", {rule.axes})"
    ),
}
"""A parameter x with its constraint, by the name of the constraint."""
