"""Optimizers of Keras as those of torch: how they are made, and what is set before each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.torch.training.settings import Call


@dataclass(frozen=True)
class Optimizer:
    """The constructor behind the parameters; statements for each `group` before a step; a class of the file."""

    function: str
    options: Mapping[str, Value]
    before: Sequence[str] = ()
    source: str = ""

    def made(self, rate: Value) -> Expression:
        return call(self.function, name("trained"), lr=rate, **self.options)


RMSPROP = '''\
class RMSprop(torch.optim.Optimizer):
    """Keras's RMSprop, which adds epsilon below the root; torch adds it to the root."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        rho: float,
        momentum: float,
        epsilon: float,
        centered: bool,
    ) -> None:
        options = {"lr": lr, "rho": rho, "momentum": momentum}
        options |= {"epsilon": epsilon, "centered": centered}
        super().__init__(parameters, options)

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for value in group["params"]:
                if value.grad is not None:
                    self.update(value, value.grad, group, self.state[value])

    def update(self, value: Tensor, grad: Tensor, group: dict, state: dict) -> None:
        rho, zeros = group["rho"], torch.zeros_like(value)
        square = state.setdefault("square", zeros.clone())
        square.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        divisor = square + group["epsilon"]
        if group["centered"]:
            mean = state.setdefault("mean", zeros.clone())
            mean.mul_(rho).add_(grad, alpha=1 - rho)
            divisor = divisor - mean.square()
        change = group["lr"] * grad * divisor.rsqrt()
        if group["momentum"]:
            before = state.setdefault("change", zeros)
            change = before.mul_(group["momentum"]).add_(change)
        value.sub_(change)
'''


def _sgd(chosen: Call) -> Optimizer | str:
    if chosen.rate is not None and chosen["momentum"]:
        return "torch's momentum keeps gradients, Keras's keeps steps: with a schedule they differ"
    if chosen["weight_decay"]:
        return "torch's SGD has no weight decay apart from the gradient"
    options: dict[str, Value] = {}
    if chosen["momentum"]:
        options["momentum"] = chosen["momentum"]
    if chosen["nesterov"] and chosen["momentum"]:
        options["nesterov"] = True
    return Optimizer("torch.optim.SGD", options)


def _adam(chosen: Call) -> Optimizer | str:
    decay: Any = chosen["weight_decay"]
    options: dict[str, Value] = {"betas": (chosen["beta_1"], chosen["beta_2"])}
    if decay:
        options["weight_decay"] = decay
    if chosen["amsgrad"]:
        options["amsgrad"] = True
    before = [
        "# Keras adds epsilon before the second moment is corrected, torch behind.",
        f'group["eps"] = {literal(chosen["epsilon"])} / math.sqrt(1 - {literal(chosen["beta_2"])} ** (step + 1))',
    ]
    return Optimizer("torch.optim.AdamW" if decay else "torch.optim.Adam", options, before)


def _rmsprop(chosen: Call) -> Optimizer | str:
    if chosen["weight_decay"]:
        return "weight decay is not written for it"
    names = ("rho", "momentum", "epsilon", "centered")
    return Optimizer("RMSprop", {key: chosen[key] for key in names}, source=RMSPROP)


OPTIMIZERS: Mapping[str, Callable[[Call], Optimizer | str]] = {
    "Adam": _adam,
    "AdamW": _adam,
    "RMSprop": _rmsprop,
    "SGD": _sgd,
}
"""Each by its name, or why it cannot be written."""

USUAL = {
    "use_ema": False,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
    "exclude_from_weight_decay": None,
}
"""What no optimizer here takes otherwise."""


def clipping(chosen: Call) -> list[str]:
    """Statements between the gradients and the step."""
    if chosen.arguments.get("clipvalue"):
        return [f"nn.utils.clip_grad_value_(trained, {chosen['clipvalue']!r})"]
    if chosen.arguments.get("clipnorm"):
        longest = f"{chosen['clipnorm']!r}"
        return [
            "for value in trained:",
            f"    value.grad *= {longest} / value.grad.norm().clamp(min={longest})",
        ]
    if chosen.arguments.get("global_clipnorm"):
        longest = f"{chosen['global_clipnorm']!r}"
        return [
            "norm = torch.stack([value.grad.norm() for value in trained]).norm()",
            "for value in trained:",
            f"    value.grad *= {longest} / norm.clamp(min={longest})",
        ]
    return []
