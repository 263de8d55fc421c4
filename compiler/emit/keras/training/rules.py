"""An optimizer that Keras does not have, as a class of the script that keeps to a formula."""

from __future__ import annotations

import ast

from neuralc.emit.python.expressions import literal
from neuralc.emit.python.writer import Writer
from neuralc.emit.training.rules import RULES, Rule
from neuralc.emit.training.settings import Call
from neuralc.emit.training.words import Words, worded

WORDS: Words = {
    "abs": "ops.abs(a)",
    "clip": "ops.clip(a, b, c)",
    "either": "ops.where(a, b, c)",
    "expm1": "ops.expm1(a)",
    "sign": "ops.sign(a)",
    "sqrt": "ops.sqrt(a)",
    "where": "ops.where(a, b, c)",
    "zeros": "ops.zeros_like(a)",
}
"""What Keras calls the functions of formulas."""


def write_class(body: Writer, chosen: Call) -> None:
    """The class of an optimizer, as keras.optimizers.Optimizer is extended."""
    rule = RULES[chosen.name](chosen)
    body.blank(2)
    with body.block(f"class {chosen.name}(keras.optimizers.Optimizer):"):
        body.docstring(f"{chosen.name} as PyTorch has it.")
        body.blank()
        with body.block("def build(self, variables):"):
            body.line("super().build(variables)")
            for slot, begins in rule.slots.items():
                initial = (
                    f"keras.initializers.Constant({float(chosen['learning_rate'])!r})"
                    if "rate" in begins
                    else '"zeros"'
                )
                body.code(f"self.{slot} = self.add_optimizer_variables(variables, {literal(slot)}, {initial})")
        body.blank()
        with body.block("def update_step(self, gradient, variable, learning_rate):"):
            body.line("index = self._get_variable_index(variable)")
            body.lines([f"{slot} = ops.convert_to_tensor(self.{slot}[index])" for slot in rule.slots])
            body.lines(["w = ops.convert_to_tensor(variable)"] if _reads(rule, "w") else [])
            body.line("g = ops.cast(gradient, variable.dtype)")
            body.line("rate = ops.cast(learning_rate, variable.dtype)")
            body.lines(["t = ops.cast(self.iterations + 1, variable.dtype)"] if _reads(rule, "t") else [])
            *lines, last = worded(rule.lines, WORDS)
            body.code(*lines)
            body.code(f"self.assign_sub(variable, {last})")
            body.lines([f"self.assign(self.{slot}[index], {slot})" for slot in rule.slots])


def _reads(rule: Rule, name: str) -> bool:
    """Whether a step reads a variable."""
    return any(
        isinstance(node, ast.Name) and node.id == name for line in rule.lines for node in ast.walk(ast.parse(line))
    )
