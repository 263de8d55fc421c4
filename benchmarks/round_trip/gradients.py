"""Whether written PyTorch code has the gradients of the module that it was written for, in doubles."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.round_trip.compare import Different, distance
from benchmarks.round_trip.original import Array, Original
from neuralc.emit.placements import WeightPlan

TOLERANCE = 1e-9
"""Of doubles, relative to max(1, the largest gradient of the parameter)."""


def check_gradients(source: Path, plan: WeightPlan, original: Original) -> None:
    """The code saves parameters, so it can save their gradients: `plan` says of which weights. Raises Different."""
    import torch

    if original.torch is None:
        return
    module = copy.deepcopy(original.torch).double().eval()
    _backward(module, original.inputs)
    wanted = {name: parameter.grad for name, parameter in module.named_parameters() if parameter.grad is not None}
    space: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(source.read_text("utf-8"), str(source), "exec"), space)
    model = space["load"](str(source.with_suffix(".safetensors"))).double().eval()
    _backward(model, original.inputs)
    with torch.no_grad():
        for each in model.parameters():
            each.copy_(torch.zeros_like(each) if each.grad is None else each.grad)
    target = source.with_name("gradients.safetensors")
    space["save"](model, str(target))
    from safetensors.numpy import load_file

    found = load_file(target)
    parameters = {each.name: found[each.name] for each in plan.placements}
    for name, gradient in wanted.items():
        if not plan.holds(name, tuple(gradient.shape)):
            raise Different(f"no gradient of `{name}`")
        difference = distance(plan.weight(name, np.dtype(np.float64), parameters), gradient.numpy())
        if not difference <= TOLERANCE:
            raise Different(f"the gradient of `{name}` is {difference:.1e} from that of the original")


def _backward(module: Any, inputs: Iterable[Array]) -> None:
    """Gradients of a sum of all float outputs with fixed factors."""
    import torch

    given = [torch.from_numpy(each) for each in inputs]
    found = module(*(each.double() if each.is_floating_point() else each for each in given))
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, tuple) else [found]
    generator = np.random.default_rng(0)
    total = sum(
        (part * torch.from_numpy(generator.standard_normal(tuple(part.shape)))).sum()
        for part in parts
        if part.is_floating_point()
    )
    torch.as_tensor(total).backward()
