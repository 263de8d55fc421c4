"""The training script that stands beside JAX code: a jitted step of optax, as the clauses of the program say."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import declared_states, the_model
from neuralc.emit.jax.training.main_function import MainFunction
from neuralc.emit.jax.training.model import Model
from neuralc.emit.jax.training.optimizers import CLIP_EACH, optimizer_of, write_epsilon, write_function
from neuralc.emit.jax.training.words import WORDS
from neuralc.emit.python.writer import Writer
from neuralc.emit.refusals import Refusals
from neuralc.emit.training.clauses import WITHOUT_LOOP, Clauses
from neuralc.emit.training.frozen import refuse_frozen_norms
from neuralc.emit.training.loop import (
    Loop,
    finished,
    standard_imports,
    write_header,
    write_rate,
)
from neuralc.emit.training.measures import Measured, MeasureForm, Measures
from neuralc.emit.training.rules import UNWRITTEN, WITHOUT_RULE
from neuralc.grammar.diagnostics import error

MEASURES = MeasureForm(
    WORDS,
    "Array",
    {
        "dense": "t = t.reshape(p.shape).astype(p.dtype)",
        "sparse": "t = t.reshape(p.shape[:-1]).astype(int)",
        "labels": "t = t.astype(int)",
    },
)

CTC_LOSS = '''
def ctc_loss(p: Array, t: Array) -> Array:
    """Connectionist temporal classification; class 0 is the blank, and fills up targets."""
    return optax.ctc_loss(p, jnp.zeros(p.shape[:2]), t, (t == 0).astype(p.dtype))
'''


def training_script(module: ModuleOp, code: str) -> Callable[[str | None], str]:
    """The text of the script as a function of the stem of the module's file; `code` is the text of that.

    Raises NeuralcError: E0850 with every clause that cannot be written, E0615 without optax.
    """
    if find_spec("optax") is None:
        raise error("E0615", "JAX training scripts need the package `optax`", help="pip install 'neuralc[jax]'")
    refusals = Refusals("a JAX training script")
    clauses = Clauses(the_model(module), refusals)
    clauses.check_loop(WITHOUT_LOOP.get)
    model = Model.of(module, code)
    _check(module, clauses, model)
    loop = Loop.of(clauses)
    if loop.rate is not None and loop.rate.refused:
        clauses.refuse(f"the schedule of the learning rate: {loop.rate.refused}")
    refusals.raise_if_any()
    return lambda stem: _text(loop, model, stem or "model")


def _check(module: ModuleOp, clauses: Clauses, model: Model) -> None:
    if "init" not in model.functions:
        clauses.refuse("the model has no weights")
    if declared_states(module):
        clauses.refuse("a model with states is trained by a loop over sequences, which is not written")
    refuse_frozen_norms(clauses, model.fixed, "moving_mean", ("gamma", "beta"))
    chosen = clauses.settings.optimizer
    if chosen is None:
        return
    if chosen.name in WITHOUT_RULE:
        clauses.refuse(f"the optimizer {chosen.name}: {WITHOUT_RULE[chosen.name]}")
    for argument in chosen.given(UNWRITTEN):
        clauses.refuse(f"`{argument}` of the optimizer {chosen.name} is not written for JAX")
    clauses.check_first_rate()


def _text(loop: Loop, model: Model, stem: str) -> str:
    chosen = loop.clauses.optimizer
    body = Writer()
    optimizer = optimizer_of(chosen, loop.rate is not None or loop.one("ReduceLROnPlateau") is not None)
    if optimizer.rule is not None:
        write_function(body, chosen, optimizer)
    if optimizer.corrected:
        write_epsilon(body, chosen)
    if optimizer.before.startswith("clip_each"):
        body.blank()
        body.lines(CLIP_EACH.rstrip().splitlines())
    if any("ctc(p, t)" in loss.measure.lines for loss in loop.losses):
        body.lines(["", *CTC_LOSS.rstrip().splitlines()])
    measured = Measured.of(loop, Measures(body, MEASURES))
    write_rate(body, loop.rate)
    MainFunction(body, model, measured, loop, optimizer).write()
    text = finished(body)
    return _header(loop, model, text, stem) + text


def _header(loop: Loop, model: Model, body: str, stem: str) -> str:
    head = Writer()
    write_header(head, loop.clauses.model.sym_name.data, loop.clauses, stem)
    standard = standard_imports(body)
    standard += ["from functools import partial"] if "partial(" in body else []
    standard += ["from typing import Any"] if re.search(r"\bAny\b|\bParams\b", body) else []
    order = {"import": 0, "from": 1}
    head.lines([*sorted(standard, key=lambda line: (order[line.split()[0]], line.split()[1])), ""])
    head.line("import jax")
    if re.search(r"\bjnp\.", body):
        head.line("import jax.numpy as jnp")
    head.line("import numpy as np")
    head.line("import optax")
    used = sorted(each for each in model.functions if re.search(rf"\b{each}\(", body) and each in _IMPORTED)
    own = [each for each in ("nn",) if re.search(rf"\b{each}\.", body)]
    lines = [f"from {stem} import {', '.join(used)}", f"from jax import {', '.join(['Array', *own])}"]
    head.lines(sorted(lines, key=lambda line: line.split()[1].lower()))
    head.blank()
    head.line("Params = dict[str, Any]")
    return head.text


_IMPORTED = ("constrain", "forward", "init", "load", "name_of", "penalty", "save", "train_forward")
"""What a script takes from the code of the model."""
