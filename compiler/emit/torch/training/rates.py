"""Learning rates that change with the step, as Keras's schedules have them: statements of `learning_rate(step)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from neuralc.emit.torch.training.settings import Call


def _exponential(call: Call) -> list[str]:
    divided = f"step {'//' if call['staircase'] else '/'} {call['decay_steps']}"
    return [f"return {call['initial_learning_rate']!r} * {call['decay_rate']!r} ** ({divided})"]


def _inverse(call: Call) -> list[str]:
    divided = f"step {'//' if call['staircase'] else '/'} {call['decay_steps']}"
    return [f"return {call['initial_learning_rate']!r} / (1 + {call['decay_rate']!r} * ({divided}))"]


def _polynomial(call: Call) -> list[str]:
    start, end, steps = call["initial_learning_rate"], call["end_learning_rate"], call["decay_steps"]
    if call["cycle"]:
        lines = [f"length = {steps} * max(1, math.ceil(step / {steps}))", "part = step / length"]
    else:
        lines = [f"part = min(step, {steps}) / {steps}"]
    return [*lines, f"return {start - end!r} * (1 - part) ** {call['power']!r} + {end!r}"]


def _cosine(call: Call) -> list[str]:
    start, warm, target = call["initial_learning_rate"], call["warmup_steps"], call["warmup_target"]
    lines = []
    if target is not None:
        lines = [f"if step < {warm}:", f"    return {start!r} + {target - start!r} * step / {warm}", f"step -= {warm}"]
        start = target
    return [
        *lines,
        f"part = min(step, {call['decay_steps']}) / {call['decay_steps']}",
        "height = (1 + math.cos(math.pi * part)) / 2",
        f"return {start!r} * ({1 - call['alpha']!r} * height + {call['alpha']!r})",
    ]


def _restarts(call: Call) -> list[str]:
    start, alpha = call["initial_learning_rate"], call["alpha"]
    return [
        f"length, height = {call['first_decay_steps']}, 1.0",
        "while step >= length:",
        f"    step, length, height = step - length, length * {call['t_mul']!r}, height * {call['m_mul']!r}",
        "height *= (1 + math.cos(math.pi * step / length)) / 2",
        f"return {start!r} * ({1 - alpha!r} * height + {alpha!r})",
    ]


def _pieces(call: Call) -> list[str]:
    bounds = ", ".join(map(str, call["boundaries"]))
    rates = ", ".join(map(repr, call["values"]))
    return [f"rates = [{rates}]", f"return rates[sum(step > bound for bound in [{bounds}])]"]


SCHEDULES: Mapping[str, Callable[[Call], Sequence[str]]] = {
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _restarts,
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse,
    "PiecewiseConstantDecay": _pieces,
    "PolynomialDecay": _polynomial,
}
"""Each by its name; those of torch change between epochs."""
