"""What loops over epochs need beside the framework: means, a bar, what callbacks do."""

import csv
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np


class Means:
    """Means of the numbers of batches over all examples."""

    def __init__(self) -> None:
        self.totals: dict[str, float] = {}
        self.count = 0

    def add(self, numbers: dict, count: int) -> None:
        """Add the numbers of a batch with so many examples."""
        for name, value in numbers.items():
            self.totals[name] = self.totals.get(name, 0.0) + count * value.item()
        self.count += count

    def result(self, prefix: str = "") -> dict[str, float]:
        """The means by name."""
        return {
            prefix + name: total / self.count for name, total in self.totals.items()
        }


def progress(batches: Sequence, title: str) -> Iterator:
    """The batches, with a bar on a terminal for how many are done."""
    shown = sys.stderr.isatty()
    for done, batch in enumerate(batches, 1):
        yield batch
        if shown:
            bar = "=" * (30 * done // len(batches))
            sys.stderr.write(f"\r{title} [{bar:<30}] {done}/{len(batches)}")
    if shown:
        sys.stderr.write("\r\033[K")


class EarlyStopping:
    """Watches a number, and ends training when it gets no better."""

    def __init__(
        self,
        monitor: str,
        rises: bool = False,
        min_delta: float = 0.0,
        patience: int = 0,
        baseline: float | None = None,
        start_from_epoch: int = 0,
    ) -> None:
        self.monitor, self.sign = monitor, -1 if rises else 1
        self.min_delta, self.patience, self.baseline = min_delta, patience, baseline
        self.start_from_epoch = start_from_epoch
        self.best: float | None = None
        self.wait, self.over = 0, False

    def is_best(self, epoch: int, logs: dict[str, float]) -> bool:
        """Whether the epoch is the best so far; sets `over` when it is time to end."""
        value = logs[self.monitor]
        if epoch <= self.start_from_epoch:
            return False
        self.wait += 1
        if self.better(value, self.best):
            self.best = value
            if self.baseline is None or self.better(value, self.baseline):
                self.wait = 0
            return True
        self.over = self.wait >= self.patience and epoch > 1
        return False

    def better(self, value: float, than: float | None) -> bool:
        """Whether a number is better by `min_delta`."""
        return than is None or self.sign * value + self.min_delta < self.sign * than


class Plateau:
    """Watches a number, and lowers the learning rate when it gets no better."""

    def __init__(
        self,
        monitor: str,
        rises: bool = False,
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 0.0001,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self.monitor, self.sign = monitor, -1 if rises else 1
        self.factor, self.patience, self.min_delta = factor, patience, min_delta
        self.cooldown, self.min_lr = cooldown, min_lr
        self.best, self.wait, self.resting = math.inf, 0, 0

    def rate(self, rate: float, logs: dict[str, float]) -> float:
        """The learning rate after an epoch."""
        value = self.sign * logs[self.monitor]
        if self.resting:
            self.resting, self.wait = self.resting - 1, 0
        if value + self.min_delta < self.best:
            self.best, self.wait = value, 0
        elif not self.resting:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                self.resting, self.wait = self.cooldown, 0
                return max(rate * self.factor, self.min_lr)
        return rate


class Checkpoint:
    """Says when the weights are to be written: when a number is better."""

    def __init__(
        self, monitor: str, rises: bool = False, best: float | None = None
    ) -> None:
        self.monitor, self.sign, self.best = monitor, -1 if rises else 1, best

    def is_due(self, logs: dict[str, float]) -> bool:
        """Whether the number is better than all before."""
        value = logs[self.monitor]
        if self.best is not None and self.sign * value >= self.sign * self.best:
            return False
        self.best = value
        return True


class Log:
    """Writes a line for each epoch into a file."""

    def __init__(self, path: str, separator: str = ",", append: bool = False) -> None:
        self.path, self.separator = Path(path), separator
        self.headed = append and self.path.exists()
        if not self.headed:
            self.path.write_text("")

    def write(self, epoch: int, logs: dict[str, float]) -> None:
        """A line for an epoch, below a line of names."""
        names = sorted(logs)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, delimiter=self.separator)
            if not self.headed:
                rows.writerow(["epoch", *names])
            rows.writerow([epoch - 1, *(logs[name] for name in names)])
        self.headed = True


def slices(
    count: int, size: int, generator: np.random.Generator | None = None
) -> list[np.ndarray]:
    """The places of the examples of each batch, in random order with a generator."""
    order = np.arange(count) if generator is None else generator.permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]
