"""What `neuralc bench` measures: a model in rounds beside its peers, its limit, and its launches one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from neuralc.bench.contest import Effort, Engine, Progress, Refused, Subject, measure_rounds
from neuralc.bench.limits import Request
from neuralc.bench.profile import Launch, profile
from neuralc.bench.rounds import Times, bootstrap
from neuralc.bench.work import Work
from neuralc.grammar.diagnostics import Diagnostic, usage_error

if TYPE_CHECKING:
    from neuralc.bench.peers import Peer
    from neuralc.driver import Compilation, Options
    from neuralc.machine import Machine

Told = Callable[[Sequence[Diagnostic]], None]
"""Is told the warnings of reading the model."""


@dataclass(frozen=True)
class Plan:
    """What to measure, and for how long."""

    model: Path
    options: Options
    peers: Sequence[Peer] = ()
    others: Sequence[Path] = ()
    """The same model in other files, for peers that do not read `model`."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    batch: int = 1
    effort: Effort = field(default_factory=Effort)
    profiled: bool = False
    seed: int = 0
    cache: bool = True
    """Whether ours may take native code of an earlier run, so that getting ready says little."""

    @property
    def threads(self) -> int:
        return self.options.threads or 1


@dataclass(frozen=True)
class Outcome:
    """One model at some sizes with some threads. `work` is that of its products and of the bytes a call must move."""

    model: str
    threads: int
    sizes: Mapping[str, int]
    defaults: Sequence[str]
    """Sizes beside the batch that nobody gave."""
    work: Work
    limit: Times
    """The least time that the machine allows, in the rounds of the engines."""
    engines: Sequence[Engine]
    launches: Sequence[Launch]

    def as_dict(self, machine: Machine) -> dict[str, Any]:
        """Plain data; times in seconds, ratios above 1 where neuralc is faster."""
        ours = self.engines[0]
        return {
            "model": self.model,
            "threads": self.threads,
            "sizes": dict(self.sizes),
            "flops": self.work.flops,
            "bytes": self.work.bytes,
            "limit": asdict(bootstrap(self.limit.medians)),
            "engines": {
                each.name: {
                    "min": min(each.times.calls),
                    "median": asdict(bootstrap(each.times.medians)),
                    "p99": float(np.percentile(each.times.calls, 99)),
                    "calls": len(each.times.calls),
                    "rounds": len(each.times.rounds),
                    "ready": each.ready,
                    "share_of_limit": asdict(self.limit.ratio_to(each.times)),
                    "ratio": None if each is ours else asdict(each.times.ratio_to(ours.times)),
                    "runs_written_code": each.written,
                }
                for each in self.engines
            },
            "launches": [{**asdict(each), "share_of_limit": each.share(machine)} for each in self.launches],
        }


def measure_model(plan: Plan, machine: Machine, progress: Progress, refused: Refused, told: Told) -> Outcome:
    """Carry out a plan. Raises UsageError for IR and for sizes that cannot be, NeuralcError where it cannot run."""
    from neuralc import driver
    from neuralc.api import as_diagnostics
    from neuralc.verify.inputs import chosen_sizes, leading_sizes, make_inputs

    progress(f"reading {plan.model.name}")
    compilation = driver.load(plan.model, plan.options)
    told(compilation.notices)
    if compilation.level != "graph":
        raise usage_error(
            "E0814",
            f"{plan.model.name} is IR of the {compilation.level} level",
            help="measure the model it was made from",
        )
    module = _bounded(compilation)
    sizes = chosen_sizes(module, plan.sizes, batch=plan.batch)
    arrays = make_inputs(compilation.module, sizes, plan.seed, {})
    work = _work_of(compilation.name, module, sizes)
    subject = Subject(plan.model, plan.others, {**_for_python(plan.options), "cache": plan.cache}, compilation, arrays)
    limits = Request(work.flops or 0.0, work.bytes, plan.threads)
    with as_diagnostics():
        engines, limit = measure_rounds(subject, plan.peers, limits, plan.effort, progress, refused)
    launches = measure_launches(compilation, sizes, progress) if plan.profiled else []
    defaults = [name for name in sizes if name not in plan.sizes and name not in leading_sizes(module)]
    sizes = {**plan.options.dims, **sizes}
    return Outcome(plan.model.name, plan.threads, sizes, defaults, work, limit, engines, launches)


def _for_python(options: Options) -> dict[str, Any]:
    """The options as `neuralc.compile` takes them, as JSON."""
    return {
        "opt": options.opt,
        "dims": dict(options.dims),
        "weights": None if options.weights is None else str(options.weights.resolve()),
        "network": options.network,
        "set": dict(options.set),
        "winograd": options.winograd,
    }


def work_of_model(compilation: Compilation, sizes: Mapping[str, int]) -> Work:
    """Operations of products and convolutions, bytes of inputs, outputs and weights: what no engine can avoid."""
    return _work_of(compilation.name, _bounded(compilation), sizes)


def _bounded(compilation: Compilation) -> ModuleOp:
    """The model without calls, its sizes with the bounds that the layers set: from 33 where windows need as many."""
    from neuralc.passes.graph.bound_dims import BoundDimsPass
    from neuralc.passes.graph.inline import InlinePass

    module = compilation.module.clone()
    for each in (InlinePass(), BoundDimsPass()):
        each.run(module, compilation.context)
    return module


def _work_of(name: str, module: ModuleOp, sizes: Mapping[str, int]) -> Work:
    from neuralc.inspection.graph_level import summarize

    found = summarize(name, module, sizes)
    products = sum(layer.flops or 0 for layer in found.layers if layer.kind == "product")
    ports = sum(found.values[port.value].bytes or 0 for port in (*found.inputs, *found.outputs))
    return Work(float(products), float(ports + found.weight_bytes))


def measure_launches(compilation: Compilation, sizes: Mapping[str, int], progress: Progress) -> list[Launch]:
    """The launches of a run with these sizes. `compilation` is lowered for it."""
    from neuralc import driver

    driver.compile_to(compilation, "kernel")
    return profile(compilation.module, compilation.target, sizes, progress)
