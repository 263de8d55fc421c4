"""Learning rates that change, as plain Python: the statements of `learning_rate(step)` or `learning_rate(epoch)`.

Schedules of Keras count steps from 0, those of PyTorch epochs, but for OneCycleLR and CyclicLR.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from neuralc.emit.training.settings import Call


@dataclass(frozen=True)
class Rate:
    """The statements; what the function counts; whether it has to know the number of all steps, as `total`."""

    lines: Sequence[str]
    counts: Literal["step", "epoch"] = "step"
    needs_total: bool = False
    refused: str = ""
    each_epoch: bool = False
    """Called with the number of the epoch, whatever it counts."""

    @property
    def by_epoch(self) -> bool:
        return self.each_epoch or self.counts == "epoch"

    @property
    def parameters(self) -> list[str]:
        return [f"{self.counts}: int", *(["total: int"] if self.needs_total else [])]


def _between(least: float, most: float, height: str) -> str:
    """The value at a height between 0 and 1."""
    return f"{_short(least)} + {_short(most - least)} * {height}" if least else f"{most!r} * {height}"


def _short(number: float) -> str:
    """A number without the noise of its computation."""
    return repr(float(f"{number:.12g}"))


def _power(base: str, exponent: float) -> str:
    whole = int(exponent) if exponent == int(exponent) else exponent
    return base if whole == 1 else f"{base} ** {whole!r}"


def _staircase(call: Call) -> str:
    return f"step {'//' if call['staircase'] else '/'} {call['decay_steps']}"


def _exponential(call: Call) -> Rate:
    return Rate([f"return {call['initial_learning_rate']!r} * {call['decay_rate']!r} ** ({_staircase(call)})"])


def _inverse(call: Call) -> Rate:
    return Rate([f"return {call['initial_learning_rate']!r} / (1 + {call['decay_rate']!r} * ({_staircase(call)}))"])


def _polynomial(call: Call) -> Rate:
    start, end, steps = call["initial_learning_rate"], call["end_learning_rate"], call["decay_steps"]
    if call["cycle"]:
        lines = [f"length = {steps} * max(1, math.ceil(step / {steps}))", "part = step / length"]
    else:
        lines = [f"part = min(step, {steps}) / {steps}"]
    return Rate([*lines, f"return {_between(end, start, _power('(1 - part)', call['power']))}"])


def _cosine(call: Call) -> Rate:
    start, warm, target = call["initial_learning_rate"], call["warmup_steps"], call["warmup_target"]
    lines = []
    if target is not None:
        lines = [f"if step < {warm}:", f"    return {_between(start, target, f'step / {warm}')}", f"step -= {warm}"]
        start = target
    return Rate(
        [
            *lines,
            f"part = min(step, {call['decay_steps']}) / {call['decay_steps']}",
            "height = (1 + math.cos(math.pi * part)) / 2",
            f"return {_between(start * call['alpha'], start, 'height')}",
        ]
    )


def _restarts(call: Call) -> Rate:
    start, alpha = call["initial_learning_rate"], call["alpha"]
    return Rate(
        [
            f"length, height = {call['first_decay_steps']}, 1.0",
            "while step >= length:",
            f"    step, length, height = step - length, length * {call['t_mul']!r}, height * {call['m_mul']!r}",
            "height *= (1 + math.cos(math.pi * step / length)) / 2",
            f"return {_between(start * alpha, start, 'height')}",
        ]
    )


def _pieces(call: Call) -> Rate:
    bounds = ", ".join(map(str, _listed(call["boundaries"])))
    rates = ", ".join(repr(float(rate)) for rate in _listed(call["values"]))
    return Rate([f"rates = [{rates}]", f"return rates[sum(step > bound for bound in [{bounds}])]"])


def _listed(value: object) -> Sequence[float]:
    return value if isinstance(value, Sequence) else (float(str(value)),)


# -- those of PyTorch --------------------------------------------------------------------------------------------------


def _by_epoch(expression: Callable[[Call], str]) -> Callable[[Call], Rate]:
    return lambda call: Rate([f"return {call['initial_learning_rate']!r} * {expression(call)}"], "epoch")


def _milestones(call: Call) -> str:
    milestones = ", ".join(map(str, _listed(call["milestones"])))
    return f"{call['gamma']!r} ** sum(epoch >= milestone for milestone in [{milestones}])"


def _linear(call: Call) -> str:
    start, end, total = call["start_factor"], call["end_factor"], call["total_iters"]
    return f"({start!r} + {end - start!r} * min(epoch, {total}) / {total})"


def _annealing(call: Call) -> Rate:
    least, start = call["eta_min"], call["initial_learning_rate"]
    height = f"(1 + math.cos(math.pi * epoch / {call['T_max']})) / 2"
    return Rate([f"return {_between(least, start, height)}"], "epoch")


def _warm_restarts(call: Call) -> Rate:
    least, start = call["eta_min"], call["initial_learning_rate"]
    return Rate(
        [
            f"length = {call['T_0']}",
            "while epoch >= length:",
            f"    epoch, length = epoch - length, length * {call['T_mult']}",
            f"return {_between(least, start, '(1 + math.cos(math.pi * epoch / length)) / 2')}",
        ],
        "epoch",
    )


_MOVES = "it moves the momentum as well; `cycle_momentum=false` leaves that alone"


def _one_cycle(call: Call) -> Rate:
    high = float(call["max_lr"])
    low = high / call["div_factor"]
    last = low / call["final_div_factor"]
    total = call["total_steps"]
    if total is None and call["epochs"] and call["steps_per_epoch"]:
        total = call["epochs"] * call["steps_per_epoch"]
    share = float(call["pct_start"])
    if call["three_phase"]:
        ends = [_end(total, share, 1), _end(total, 2 * share, 2), _end(total, 1.0, 1)]
        levels = [low, high, low, last]
    else:
        ends, levels = [_end(total, share, 1), _end(total, 1.0, 1)], [low, high, last]
    phases = ", ".join(f"({end}, {_short(a)}, {_short(b)})" for end, (a, b) in zip(ends, pairwise(levels), strict=True))
    height = "(1 - math.cos(math.pi * part)) / 2" if call["anneal_strategy"] == "cos" else "part"
    lines = [
        f"phases = [{phases}]",
        "start = 0",
        "for end, low, high in phases:",
        "    if step <= end:",
        "        part = (step - start) / (end - start)",
        f"        return low + (high - low) * {height}",
        "    start = end",
        f"return {_short(last)}",
    ]
    return Rate(lines, needs_total=total is None, refused=_MOVES if call["cycle_momentum"] else "")


def _end(total: int | None, share: float, before: int) -> str:
    """The last step of a part of all steps."""
    if total is not None:
        return f"{share * total - before:.12g}"
    return f"total - {before}" if share == 1 else f"{_short(share)} * total - {before}"


def _cyclic(call: Call) -> Rate:
    low, high, up = float(call["base_lr"]), float(call["max_lr"]), call["step_size_up"]
    down = call["step_size_down"] or up
    length = up + down
    # PyTorch counts cycles for the first two and steps for the third, whatever `scale_mode` says.
    scale = {
        "triangular": "",
        "triangular2": f" * 0.5 ** (step // {length})",
        "exp_range": f" * {call['gamma']!r} ** step",
    }[call["mode"]]
    lines = [
        f"place = step % {length}",
        f"height = place / {up} if place <= {up} else ({length} - place) / {down}",
        f"return {_between(low, high, f'height{scale}')}",
    ]
    return Rate(lines, refused=_MOVES if call["cycle_momentum"] else "")


SCHEDULES: Mapping[str, Callable[[Call], Rate]] = {
    "CosineAnnealingLR": _annealing,
    "CosineAnnealingWarmRestarts": _warm_restarts,
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _restarts,
    "CyclicLR": _cyclic,
    "ExponentialDecay": _exponential,
    "ExponentialLR": _by_epoch(lambda call: f"{call['gamma']!r} ** epoch"),
    "InverseTimeDecay": _inverse,
    "LinearLR": _by_epoch(_linear),
    "MultiStepLR": _by_epoch(_milestones),
    "OneCycleLR": _one_cycle,
    "PiecewiseConstantDecay": _pieces,
    "PolynomialDecay": _polynomial,
    "PolynomialLR": _by_epoch(
        lambda call: _power(f"(1 - min(epoch, {call['total_iters']}) / {call['total_iters']})", call["power"])
    ),
    "StepLR": _by_epoch(lambda call: f"{call['gamma']!r} ** (epoch // {call['step_size']})"),
}
"""Each by its name."""
