"""Rows measured one after the other: each through `neuralc bench`'s own code, stored as soon as it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.prepare import Files, Unavailable, files_of
from benchmarks.rows import Row, Run, done
from benchmarks.suite import Kernel, Subject
from neuralc.bench.contest import Effort, Progress
from neuralc.bench.measure import Plan, measure_model
from neuralc.bench.peers import OWN, Peer, reasons
from neuralc.driver import Options
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.machine import Machine

Wanted = tuple[Subject, int, int]
"""A model, batch and threads."""


@dataclass(frozen=True)
class Measurement:
    """A run that is being made."""

    run: Run
    path: Path
    machine: Machine
    peers: Sequence[Peer]
    effort: Effort
    given: Path | None = None
    """A folder with trained models."""

    def missing(self, subjects: Sequence[Subject], pairs: Sequence[tuple[int, int]]) -> list[Wanted]:
        """What is not measured yet: model, batch, threads."""
        known = done([*self.run.rows, *self.run.kernels], [each.name for each in self.peers])
        wanted = [(each, *pair) for each in subjects for pair in _pairs(each, pairs)]
        return [(each, batch, threads) for each, batch, threads in wanted if (each.name, batch, threads) not in known]

    def add(self, subject: Subject, batch: int, threads: int, progress: Progress) -> Row:
        """Measure a row and store it, in the place of what was known of it. A row that fails says why."""
        try:
            row = self._measured(subject, files_of(subject, self.given), batch, threads, progress)
        except Unavailable as problem:
            row = Row(subject.name, subject.title, batch, threads, error=str(problem))
        except NeuralcError as problem:
            row = Row(subject.name, subject.title, batch, threads, error=reasons(problem))
        except Exception as problem:  # a fault of neuralc is a row as well: the others are still measured
            row = Row(subject.name, subject.title, batch, threads, error=f"{type(problem).__name__}: {problem}")
        rows = self.run.kernels if isinstance(subject, Kernel) else self.run.rows
        rows[:] = [each for each in rows if each.key != row.key] + [row]
        self.run.store(self.path)
        return row

    def _measured(self, subject: Subject, files: Files, batch: int, threads: int, progress: Progress) -> Row:
        suffixes = {each.suffix for each in (files.path, *files.others)}
        able = [each for each in self.peers if suffixes & {".nr", *OWN[each.takes]}]
        failed = {each.name: f"it reads no {files.path.suffix} files" for each in self.peers if each not in able}

        def refused(engine: str, problem: NeuralcError) -> None:
            failed[engine] = reasons(problem)

        options = Options(opt=2, threads=threads, dims=dict(subject.dims(batch)))
        plan = Plan(files.path, options, able, files.others, effort=self.effort, cache=False)
        outcome = measure_model(plan, self.machine, progress, refused, lambda warnings: None)
        figures = outcome.as_dict(self.machine)
        return Row(
            subject.name,
            subject.title,
            batch,
            threads,
            figures["limit"]["median"],
            outcome.work.flops or 0.0,
            outcome.work.bytes,
            figures["engines"],
            failed,
        )


def _pairs(subject: Subject, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs of batch and threads that a model is measured with: a kernel at its own batch, on one core."""
    if isinstance(subject, Kernel):
        return [(batch, 1) for batch in subject.batches]
    return [(batch, threads) for batch, threads in pairs if not subject.batches or batch in subject.batches]
