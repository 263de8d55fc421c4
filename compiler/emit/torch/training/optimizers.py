"""Optimizers as PyTorch has them where that means the same, else as a class of the script that keeps to a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.python.writer import Writer
from neuralc.emit.torch.training.words import WORDS
from neuralc.emit.training.rules import RULES, Rule, decayed
from neuralc.emit.training.settings import Call, schedule_of
from neuralc.emit.training.words import worded


@dataclass(frozen=True)
class Optimizer:
    """The constructor behind the parameters, and statements for each `group` before a step."""

    function: str
    options: Mapping[str, Value]
    before: Sequence[str] = ()
    rule: Rule | None = None
    """The formula that the class of the script keeps to."""

    def made(self, rate: Value) -> Expression:
        return call(self.function, name("model.parameters()"), lr=rate, **self.options)


def _sgd(chosen: Call) -> Optimizer | None:
    if chosen["weight_decay"]:
        return None
    options: dict[str, Value] = {key: chosen[key] for key in ("momentum", "nesterov") if chosen[key]}
    return Optimizer("torch.optim.SGD", options)


def _adam(chosen: Call) -> Optimizer:
    decay, second = chosen["weight_decay"], chosen["beta_2"]
    options: dict[str, Value] = {}
    options |= {"betas": (chosen["beta_1"], second)} if (chosen["beta_1"], second) != (0.9, 0.999) else {}
    options |= {"weight_decay": decay} if decay else {}
    options |= {"amsgrad": True} if chosen["amsgrad"] else {}
    before = [
        "# Keras adds epsilon before the second moment is corrected, torch behind.",
        f'group["eps"] = {literal(chosen["epsilon"])} / math.sqrt(1 - {literal(second)} ** (step + 1))',
    ]
    return Optimizer("torch.optim.AdamW" if decay else "torch.optim.Adam", options, before)


def _adadelta(chosen: Call) -> Optimizer | None:
    if chosen["weight_decay"]:
        return None
    return Optimizer("torch.optim.Adadelta", {"rho": chosen["rho"], "eps": chosen["epsilon"]})


def _own(chosen: Call) -> Optimizer:
    """One that only PyTorch has, under its own names."""
    given = {key: value for key, value in chosen.arguments.items() if key in chosen.written}
    options = {key: tuple(each) if isinstance(each, list) else each for key, each in given.items()}
    options.pop("learning_rate", None)
    return Optimizer(f"torch.optim.{chosen.name}", options)


NATIVE: Mapping[str, Callable[[Call], Optimizer | None]] = {
    "ASGD": _own,
    "Adadelta": _adadelta,
    "Adam": _adam,
    "AdamW": _adam,
    "LBFGS": _own,
    "RAdam": _own,
    "Rprop": _own,
    "SGD": _sgd,
}
"""Those that PyTorch has under the same definition."""

ANY_ORDER = 2
"""Axes up to which the last two are the same ones in PyTorch, maybe swapped."""


def optimizer_of(chosen: Call, moved: bool) -> Optimizer:
    """How an optimizer is written; `moved` where its rate changes between steps."""
    make = NATIVE.get(chosen.name)
    native = None if make is None else make(chosen)
    # PyTorch's momentum keeps gradients, Keras's keeps steps: they are equal while the rate is.
    keeps_steps = moved and chosen.name == "SGD" and chosen["momentum"] and not cycles_momentum(chosen)
    if native is not None and not keeps_steps:
        return native
    return Optimizer(chosen.name, {}, rule=RULES[chosen.name](chosen))


def cycles_momentum(chosen: Call) -> bool:
    """Whether a schedule moves a momentum, which then is that of PyTorch."""
    schedule = schedule_of(chosen)
    return schedule is not None and bool(schedule.arguments.get("cycle_momentum"))


def write_class(body: Writer, chosen: Call, rule: Rule) -> None:
    """The class of an optimizer that PyTorch has in another definition, or not at all."""
    body.blank(2)
    with body.block(f"class {chosen.name}(torch.optim.Optimizer):"):
        body.docstring(f"{chosen.name} as Keras has it.")
        body.blank()
        with body.block("def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:"):
            body.line('super().__init__(parameters, {"lr": lr})')
        body.blank()
        body.line("@torch.no_grad()")
        with body.block("def step(self) -> None:"), body.block("for group in self.param_groups:"):
            body.line('rate = group["lr"]')
            body.line('weights = [w for w in group["params"] if w.grad is not None]')
            with body.block("for w in weights:"):
                decay = decayed(chosen)
                body.lines([f"w.mul_(1 - {decay!r} * rate)"] if decay else [])
                change = "self.change"
                if rule.vector is not None:
                    change = "change"
                    body.line("change = self.change if w.ndim > 1 else self.change_of_vector")
                body.line(f"w.sub_({change}(w, w.grad, rate, self.state[w]))")
        _write_change(body, "change", rule, "a weight")
        if rule.vector is not None:
            _write_change(body, "change_of_vector", rule.vector, "a weight with one axis")


def _write_change(body: Writer, method: str, rule: Rule, of: str) -> None:
    body.blank()
    body.definition(method, ["self", "w: Tensor", "g: Tensor", "rate: float", "state: dict"], "Tensor")
    with body.indented():
        body.docstring(f"What a step takes from {of}.")
        slots = worded(rule.slots.values(), WORDS)
        counted = any(" t " in f" {line} " or "t)" in line for line in rule.lines)
        begins = ['"t": 0'] if counted else []
        begins += [f"{literal(slot)}: {text}" for slot, text in zip(rule.slots, slots, strict=True)]
        if begins:
            with body.block("if not state:"):
                body.code(f"state.update({{{', '.join(begins)}}})")
        body.lines(['state["t"] += 1', 't = state["t"]'] if counted else [])
        body.lines([f"{slot} = state[{literal(slot)}]" for slot in rule.slots])
        *lines, last = worded(rule.lines, WORDS)
        body.code(*lines)
        if rule.slots:
            kept = ", ".join(f"{literal(slot)}: {slot}" for slot in rule.slots)
            body.code(f"state.update({{{kept}}})")
        body.code(f"return {last}")


def clipping(chosen: Call) -> list[str]:
    """Statements between the gradients and the step."""
    every = "for value in model.parameters():"
    longest = None if chosen.arguments.get("clipnorm") is None else f"{chosen['clipnorm']!r}"
    if chosen.arguments.get("clipvalue"):
        return [f"nn.utils.clip_grad_value_(model.parameters(), {chosen['clipvalue']!r})"]
    if longest is not None:
        return [
            every,
            "    if value.grad is not None:",
            f"        value.grad *= {longest} / value.grad.norm().clamp(min={longest})",
        ]
    if chosen.arguments.get("global_clipnorm"):
        longest = f"{chosen['global_clipnorm']!r}"
        return [
            "grads = [each.grad for each in model.parameters() if each.grad is not None]",
            "norm = torch.stack([grad.norm() for grad in grads]).norm()",
            "for grad in grads:",
            f"    grad *= {longest} / norm.clamp(min={longest})",
        ]
    return []
