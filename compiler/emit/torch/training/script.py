"""The training script that stands beside an emitted module: what its clauses say, as a person writes it in PyTorch.

Losses, metrics and optimizers mean what they mean in Keras; what a loop does not have is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import WeightOp, the_model
from neuralc.dialects.types import shape_of
from neuralc.emit.python.plan import Layer
from neuralc.emit.python.planned import planned
from neuralc.emit.python.structure import Structure
from neuralc.emit.python.writer import Writer
from neuralc.emit.refusals import Refusals
from neuralc.emit.torch.form import FORM
from neuralc.emit.torch.training.main_function import MainFunction
from neuralc.emit.torch.training.optimizers import ANY_ORDER, Optimizer, optimizer_of, write_class
from neuralc.emit.torch.training.schedulers import Scheduler, scheduler_of
from neuralc.emit.torch.training.words import WORDS
from neuralc.emit.training.clauses import WITHOUT_LOOP, Clauses
from neuralc.emit.training.frozen import fixed_parameters, refuse_frozen_norms
from neuralc.emit.training.loop import (
    Loop,
    finished,
    standard_imports,
    write_header,
    write_rate,
)
from neuralc.emit.training.measures import Measured, MeasureForm, Measures
from neuralc.emit.training.rules import UNWRITTEN, WITHOUT_RULE

MEASURES = MeasureForm(
    WORDS,
    "Tensor",
    {
        "dense": "t = t.reshape(p.shape).to(p.dtype)",
        "sparse": "t = t.reshape(p.shape[:-1]).long()",
        "labels": "t = t.long()",
    },
)

WITHOUT_OPTIMIZER = {name: reason for name, reason in WITHOUT_RULE.items() if name != "LBFGS"}
"""Optimizers that are not written, and why."""

CTC_LOSS = '''
def ctc_loss(p: Tensor, t: Tensor) -> Tensor:
    """Connectionist temporal classification; class 0 is the blank, and fills up targets."""
    logs = p.log_softmax(dim=-1).transpose(0, 1)
    lengths = torch.full((len(p),), p.shape[1])
    return F.ctc_loss(logs, t, lengths, (t != 0).sum(dim=-1), reduction="none")
'''


def training_script(module: ModuleOp, code: str) -> Callable[[str | None], str]:
    """The text of the script as a function of the stem of the module's file; `code` is the text of that.

    Raises NeuralcError E0850 with every clause that cannot be written.
    """
    refusals = Refusals("a PyTorch training script")
    clauses = Clauses(the_model(module), refusals)
    clauses.check_loop(WITHOUT_LOOP.get)
    _check_optimizer(module, clauses)
    plan = planned(module, FORM).structure
    fixed = fixed_parameters(module, plan.placements(plan.rows))
    refuse_frozen_norms(clauses, fixed, "running_mean", ("weight", "bias"))
    loop = Loop.of(clauses)
    scheduler = None if clauses.settings.optimizer is None else scheduler_of(loop)
    refusals.raise_if_any()
    optimizer = optimizer_of(clauses.optimizer, loop.rate is not None or bool(clauses.callback("ReduceLROnPlateau")))
    frozen = _frozen_layers(plan, fixed)
    return lambda stem: _text(loop, optimizer, scheduler, frozen, code, stem or "model")


def _frozen_layers(plan: Structure, fixed: Collection[str]) -> list[str]:
    """The layers that are not trained, by their paths."""
    layers = [(path, member.spec) for path, member, _ in plan.model.holders() if isinstance(member, Layer)]
    return [
        path
        for path, spec in layers
        for own in [{f"{path}.{each.name}" for each in spec.parameters}]
        if own and own.issubset(fixed)
    ]


def _check_optimizer(module: ModuleOp, clauses: Clauses) -> None:
    chosen = clauses.settings.optimizer
    if chosen is None:
        return
    if chosen.name in WITHOUT_OPTIMIZER:
        clauses.refuse(f"the optimizer {chosen.name}: {WITHOUT_OPTIMIZER[chosen.name]}")
    for name in chosen.given(UNWRITTEN):
        clauses.refuse(f"`{name}` of the optimizer {chosen.name} is not written for PyTorch")
    ranks = [len(shape_of(op.type)) for op in module.walk() if isinstance(op, WeightOp)]
    if chosen.name == "Adafactor" and any(rank > ANY_ORDER for rank in ranks):
        clauses.refuse("the optimizer Adafactor looks at the last two axes of a kernel, and PyTorch has others there")


def _text(
    loop: Loop, optimizer: Optimizer, scheduler: Scheduler | None, frozen: Sequence[str], code: str, stem: str
) -> str:
    name = re.findall(r"^class (\w+)\(nn\.Module\)", code, re.MULTILINE)[-1]
    functions = [each for each in ("constrain", "load", "penalty", "save") if f"\ndef {each}(" in code]
    body = Writer()
    if optimizer.rule is not None:
        write_class(body, loop.clauses.optimizer, optimizer.rule)
    if any("ctc(p, t)" in loss.measure.lines for loss in loop.losses):
        body.lines(["", *CTC_LOSS.rstrip().splitlines()])
    measured = Measured.of(loop, Measures(body, MEASURES))
    if scheduler is None or not scheduler.native:
        write_rate(body, loop.rate)
    MainFunction(body, name, functions, measured, loop, optimizer, scheduler, frozen).write()
    text = finished(body)
    return _header(loop, name, functions, text, stem) + text


def _header(loop: Loop, name: str, functions: list[str], body: str, stem: str) -> str:
    head = Writer()
    write_header(head, name, loop.clauses, stem)
    head.lines([*standard_imports(body), ""])
    head.line("import numpy as np")
    head.line("import torch")
    if re.search(r"\bF\.", body):
        head.line("import torch.nn.functional as F")
    imported = f"from {stem} import {', '.join([name, *functions])}"
    own = ["Tensor", *(["nn"] if re.search(r"\bnn\.", body) else [])]
    # Ruff sorts third-party modules by their names, those with a capital letter after them.
    lines = [imported, f"from torch import {', '.join(own)}", "from torch.utils.data import DataLoader, TensorDataset"]
    head.lines(sorted(lines, key=lambda line: line.split()[1].lower()))
    return head.text
