"""Optimizers as optax has them where that means the same, else as a transformation of the script from a formula."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from neuralc.emit.jax.training.words import WORDS
from neuralc.emit.python.expressions import Value, call, literal, name
from neuralc.emit.python.names import function_name
from neuralc.emit.python.writer import Writer
from neuralc.emit.training.rules import RULES, Rule, decayed
from neuralc.emit.training.settings import Call
from neuralc.emit.training.words import hugged, worded


@dataclass(frozen=True)
class Optimizer:
    """A function from a learning rate to a transformation of gradients, and what stands around it."""

    function: str
    options: Mapping[str, Value] = field(default_factory=dict)
    rule: Rule | None = None
    """The formula that the function of the script keeps to."""
    before: str = ""
    """The transformation that clips gradients."""
    moved: bool = False
    """Whether the learning rate changes: the state holds it."""
    corrected: bool = False
    """Whether an option is a function of the step."""

    def made(self, rate: float, masked: bool) -> str:
        """The source of the optimizer; `masked` where it leaves some parameters alone."""
        injected = self.moved or self.corrected
        function = f"optax.inject_hyperparams({self.function})" if injected else self.function
        text = call(function, rate, **self.options).text
        if self.before:
            text = f"optax.chain({self.before}, {text})"
        return f"optax.partition({{True: {text}, False: optax.set_to_zero()}}, is_trained)" if masked else text


def _sgd(chosen: Call) -> Optimizer:
    options: dict[str, Value] = {key: chosen[key] for key in ("momentum", "nesterov") if chosen[key]}
    return Optimizer("optax.sgd", options)


def _adam(chosen: Call) -> Optimizer | None:
    # optax corrects the largest second moment where Keras keeps the largest before it corrects.
    if chosen["amsgrad"]:
        return None
    options: dict[str, Value] = {}
    options |= {short: chosen[key] for short, key, usual in _BETAS if chosen[key] != usual}
    decay = {"weight_decay": float(chosen["weight_decay"])} if chosen["weight_decay"] else {}
    return Optimizer(
        "optax.adamw" if decay else "optax.adam", {**options, "eps": name("epsilon"), **decay}, corrected=True
    )


_BETAS = (("b1", "beta_1", 0.9), ("b2", "beta_2", 0.999))


def _rmsprop(chosen: Call) -> Optimizer:
    options: dict[str, Value] = {"decay": chosen["rho"], "eps": chosen["epsilon"]}
    options |= {key: chosen[key] for key in ("momentum", "centered") if chosen[key]}
    return Optimizer("optax.rmsprop", options)


def _adagrad(chosen: Call) -> Optimizer:
    start = {"initial_accumulator_value": float(chosen["initial_accumulator_value"])}
    return Optimizer("optax.adagrad", {**start, "eps": chosen["epsilon"]})


def _adadelta(chosen: Call) -> Optimizer:
    return Optimizer("optax.adadelta", {"rho": chosen["rho"], "eps": chosen["epsilon"]})


def _lion(chosen: Call) -> Optimizer:
    return Optimizer("optax.lion", {"b1": chosen["beta_1"], "b2": chosen["beta_2"], "weight_decay": 0.0})


NATIVE: Mapping[str, Callable[[Call], Optimizer | None]] = {
    "Adadelta": _adadelta,
    "Adagrad": _adagrad,
    "Adam": _adam,
    "AdamW": _adam,
    "Lion": _lion,
    "RMSprop": _rmsprop,
    "SGD": _sgd,
}
"""Those that optax has under the same definition."""

_DECAYING = ("Adam", "AdamW")
"""Those of them that pull the weights to 0 as Keras does."""


def optimizer_of(chosen: Call, moved: bool) -> Optimizer:
    """How an optimizer is written; `moved` where its rate changes."""
    make, native = NATIVE.get(chosen.name), None
    # A momentum of optax keeps gradients, one of Keras keeps steps: they are equal while the rate is.
    keeps_steps = moved and chosen.name in ("RMSprop", "SGD") and chosen["momentum"]
    if make is not None and not keeps_steps and (chosen.name in _DECAYING or not decayed(chosen)):
        native = make(chosen)
    found = native or Optimizer(function_name(chosen.name), rule=RULES[chosen.name](chosen))
    return replace(found, before=clipping(chosen), moved=moved)


def write_epsilon(body: Writer, chosen: Call) -> None:
    """The epsilon of Adam as optax takes it."""
    body.blank(2)
    with body.block("def epsilon(step: Array) -> Array:"):
        body.docstring("Keras adds epsilon before the second moment is corrected, optax behind.")
        body.line(f"return {literal(chosen['epsilon'])} / jnp.sqrt(1 - {literal(chosen['beta_2'])} ** (step + 1))")


def write_function(body: Writer, chosen: Call, optimizer: Optimizer) -> None:
    """The transformation of an optimizer that optax has in another definition, or not at all."""
    rule = optimizer.rule
    assert rule is not None
    if rule.vector is not None:
        _write_rule(body, chosen, f"{optimizer.function}_of_vectors", rule.vector)
        _write_rule(body, chosen, f"{optimizer.function}_of_matrices", rule)
        _write_both(body, chosen, optimizer.function)
        return
    _write_rule(body, chosen, optimizer.function, rule)


def _write_both(body: Writer, chosen: Call, function: str) -> None:
    body.blank(2)
    body.definition(function, ["learning_rate: float"], "optax.GradientTransformation")
    with body.indented():
        body.docstring(f"{chosen.name}, which is another one for weights with several axes.")
        kinds = f"{{False: {function}_of_vectors(learning_rate), True: {function}_of_matrices(learning_rate)}}"
        body.code(f"return optax.partition({kinds}, lambda params: jax.tree.map(lambda w: w.ndim > 1, params))")


def _write_rule(body: Writer, chosen: Call, function: str, rule: Rule) -> None:
    slots, decay = list(rule.slots), decayed(chosen)
    counted = any(re.search(r"\bt\b", line) for line in rule.lines)
    body.blank(2)
    body.definition(function, ["learning_rate: float"], "optax.GradientTransformation")
    with body.indented():
        source = "PyTorch" if chosen.source.startswith("torch.") else "Keras"
        body.docstring(f"{chosen.name} as {source} has it.")
        body.blank()
        with body.block("def init(params: Params) -> Params:"):
            kept = ['"t": jnp.zeros(())'] if counted else []
            begins = worded([text.replace("rate", "learning_rate") for text in rule.slots.values()], WORDS)
            kept += [
                f"{literal(slot)}: jax.tree.map(lambda w: {text}, params)"
                for slot, text in zip(slots, begins, strict=True)
            ]
            body.code(f"return {{{', '.join(kept)}}}")
        body.blank()
        body.definition(
            "change",
            ["w: Array", "g: Array", *(f"{slot}: Array" for slot in slots), *(["t: Array"] if counted else [])],
            "tuple[Array, ...]",
        )
        with body.indented():
            body.docstring("What is added to a weight, and what is remembered of it.")
            body.lines(["rate = learning_rate"])
            body.lines([f"before, w = w, w - {decay!r} * rate * w"] if decay else [])
            *lines, last = worded(rule.lines, WORDS)
            body.code(*lines)
            added = f"w - before - ({last})" if decay else f"-({last})"
            body.code(f"return {', '.join([_plain(added), *slots])}" if slots else f"return ({_plain(added)},)")
        body.blank()
        body.definition("update", ["grads: Params", "state: Params", "params: Params"], "tuple[Params, Params]")
        with body.indented():
            if counted:
                body.line('t = state["t"] + 1')
            given = ", ".join(f"state[{literal(slot)}]" for slot in slots)
            trees = f"params, grads{', ' + given if given else ''}"
            function_given = "partial(change, t=t)" if counted else "change"
            body.code(f"changed = jax.tree.map({function_given}, {trees})")
            body.line("parts = jax.tree.transpose(jax.tree.structure(params), None, changed)")
            kept = ['"t": t'] if counted else []
            kept += [f"{literal(slot)}: parts[{i}]" for i, slot in enumerate(slots, 1)]
            body.code(f"return parts[0], {{{', '.join(kept)}}}")
        body.blank()
        body.line("return optax.GradientTransformation(init, update)")


def _plain(expression: str) -> str:
    """An expression without brackets that say nothing."""
    return hugged(ast.unparse(ast.parse(expression, mode="eval")))


def clipping(chosen: Call) -> str:
    """The transformation that comes before an optimizer."""
    if chosen.arguments.get("clipvalue"):
        return f"optax.clip({float(chosen['clipvalue'])!r})"
    if chosen.arguments.get("global_clipnorm"):
        return f"optax.clip_by_global_norm({float(chosen['global_clipnorm'])!r})"
    if chosen.arguments.get("clipnorm"):
        return f"clip_each({float(chosen['clipnorm'])!r})"
    return ""


CLIP_EACH = '''
def clip_each(longest: float) -> optax.GradientTransformation:
    """Makes the gradient of each weight at most so long."""

    def clip(g: Array) -> Array:
        return g * longest / jnp.maximum(jnp.linalg.norm(g), longest)

    return optax.stateless(lambda grads, _: jax.tree.map(clip, grads))
'''
