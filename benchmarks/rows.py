"""Rows of a run: one model, batch and number of threads; what was measured, and what is said of many of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Key = tuple[str, int, int]
"""Model, batch, threads."""


@dataclass(frozen=True)
class Row:
    """What is known of one model, batch and number of threads; plain data, as it is stored."""

    model: str
    title: str
    batch: int
    threads: int
    limit: float = 0.0
    """The least seconds that a call can take on this machine, measured in the rounds of the engines."""
    flops: float = 0.0
    bytes: float = 0.0
    engines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Figures by engine, as `neuralc bench --json` has them; neuralc first."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Peers that could not run it, and why."""
    error: str = ""
    """Why there is nothing."""

    @property
    def key(self) -> Key:
        return (self.model, self.batch, self.threads)

    @property
    def ours(self) -> float:
        """Seconds of neuralc."""
        return float(self.engines["neuralc"]["median"]["median"])

    @property
    def share(self) -> float:
        """The part of the time that the machine's limits account for: limit / time, round by round."""
        return float(self.engines["neuralc"]["share_of_limit"]["median"])

    @property
    def ratios(self) -> Mapping[str, Mapping[str, float]]:
        """How many times as long as neuralc each peer takes."""
        return {name: figures["ratio"] for name, figures in self.engines.items() if figures["ratio"] is not None}

    @property
    def best(self) -> str:
        """The fastest peer, "" where there is none."""
        return min(self.ratios, key=lambda name: self.ratios[name]["median"], default="")


@dataclass
class Run:
    """A whole run, as it is stored: the command, the machine with its limits, versions, and rows."""

    command: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    rows: list[Row] = field(default_factory=list)
    kernels: list[Row] = field(default_factory=list)
    startup: list[Mapping[str, Any]] = field(default_factory=list)

    def store(self, path: Path) -> None:
        """Write it whole: an interrupted run leaves the rows that it has."""
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Run:
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = {name: [Row(**row) for row in data.pop(name)] for name in ("rows", "kernels")}
        return cls(**data, **rows)


def done(rows: Iterable[Row], peers: Sequence[str]) -> set[Key]:
    """The rows that need not be measured again: neuralc ran, and each peer has a figure or a reason."""
    return {
        row.key for row in rows if not row.error and all(name in row.engines or name in row.failed for name in peers)
    }


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive numbers; NaN of none."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


@dataclass(frozen=True)
class Summary:
    """All rows with a batch and a number of threads, as geometric means."""

    batch: int
    threads: int
    count: int
    share: float
    """limit / time."""
    best: float
    """best peer / neuralc."""
    peers: Mapping[str, float]
    """peer / neuralc, over the rows that the peer ran."""
    behind: int


def summaries(rows: Sequence[Row]) -> list[Summary]:
    """One for each batch and number of threads, in order."""
    measured = [row for row in rows if not row.error]
    names = list(dict.fromkeys(name for row in measured for name in row.ratios))
    found = []
    for batch, threads in sorted({(row.batch, row.threads) for row in measured}):
        group = [row for row in measured if (row.batch, row.threads) == (batch, threads)]
        by_peer = {name: [row.ratios[name]["median"] for row in group if name in row.ratios] for name in names}
        best = [row.ratios[row.best]["median"] for row in group if row.best]
        found.append(
            Summary(
                batch,
                threads,
                len(group),
                geometric_mean([row.share for row in group]),
                geometric_mean(best),
                {name: geometric_mean(values) for name, values in by_peer.items()},
                len(behind(group)),
            )
        )
    return found


def behind(rows: Iterable[Row]) -> list[Row]:
    """Rows where the best peer is faster: the whole interval of the ratio is below 1. The worst first."""
    found = [row for row in rows if not row.error and row.best and row.ratios[row.best]["high"] < 1.0]
    return sorted(found, key=lambda row: row.ratios[row.best]["median"])
