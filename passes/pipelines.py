"""The pipelines -O0, -O1 and -O2: each a list of passes with the reason why it stands there. Read it top to bottom.

A pipeline runs through the levels graph, tensor and kernel; `slice_pipeline` cuts out what lies between two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from xdsl.dialects.builtin import ModuleOp

from neuralc.passes.base import ModulePass
from neuralc.passes.registry import level_change, parse_pipeline

Level = Literal["graph", "tensor", "kernel"]
OptLevel = Literal[0, 1, 2]
Winograd = Literal["auto", "off", "f2", "f4"]
"""Which forms a 3x3 convolution may take on a CPU: the direct one, F(2, 3) too, F(4, 3) with its larger error too."""

LEVELS: tuple[Level, ...] = get_args(Level)


def level_of(module: ModuleOp) -> Level:
    """The level of a module, by the dialects of its ops: the lowest one found."""
    found = {op.name.partition(".")[0] for op in module.walk()}
    return next((level for level in reversed(LEVELS) if level in found), "graph")


@dataclass(frozen=True)
class Entry:
    """One line of a pipeline."""

    spec: str
    """The pass with its options, as on the command line."""
    reason: str
    since: OptLevel = 0
    """The first optimization level that has it."""
    target: str | None = None
    """The only target that has it; all have it when None."""
    until: OptLevel = 2
    """The last optimization level that has it."""


PIPELINE: tuple[Entry, ...] = (
    Entry("graph-inline", "one flat model: blocks, macros and repeats are expanded"),
    Entry("graph-expand-custom", "ops of plugins are written in ops of the graph level"),
    Entry("graph-bound-dims", "sizes with which a window has no place are refused before a run"),
    Entry("graph-specialize-inference", "dropout goes, batch norm uses its moving statistics"),
    Entry("graph-canonicalize", "one form for each thing, so that later passes match less", since=1),
    Entry("graph-fold-batch-norm", "scale and shift move into the weights of the convolution before", since=1),
    Entry("graph-fold-constants", "what depends on weights alone becomes a derived weight", since=1),
    Entry("graph-cse", "equal ops on equal operands are one op", since=1),
    Entry("graph-dce", "what nobody reads goes, unused weights too", since=1),
    Entry("graph-to-tensor", "layers become loops: contractions, maps, reductions, windows"),
    Entry("tensor-canonicalize", "reshapes and transposes that cancel out go", since=1),
    Entry(
        "tensor-winograd", "3x3 convolutions with fewer products, where the target gains by it", since=2, target="cpu"
    ),
    Entry("tensor-choose-layouts", "pictures lie channels last, so that vectors are channels", since=2, target="cpu"),
    Entry("tensor-canonicalize", "loops are named as values lie now", since=2, target="cpu"),
    Entry("tensor-fuse-elementwise", "chains of maps become one map", since=1),
    Entry("tensor-fuse-groups{fuse=false}", "every loop nest is a kernel of its own", until=0),
    Entry("tensor-fuse-groups", "maps join the contraction or reduction that feeds them: one kernel each", since=1),
    Entry("tensor-fuse-attention", "scores of attention stay in a cache", since=2, target="cpu"),
    Entry("tensor-split-batch", "layers whose values outgrow a cache go sample by sample", since=2, target="cpu"),
    Entry("tensor-fuse-gates", "a step of a recurrence is one kernel", since=2, target="cpu"),
    Entry("tensor-pack-weights", "weights are laid out as the kernels read them", since=2, target="cpu"),
    Entry(
        "tensor-skip-padding",
        "zeros above and below a small picture are neither written nor read",
        since=2,
        target="cpu",
    ),
    Entry("tensor-to-kernel", "tiles, grid and memory are chosen for the target"),
    Entry("kernel-expand-math", "exp, erf and tanh become polynomials", target="cpu"),
    Entry("kernel-canonicalize", "address arithmetic is simplified", since=1),
    Entry("kernel-dedup", "equal kernels are one function", since=1),
    Entry("kernel-plan-parallel", "which launches are worth more than one thread", since=1, target="cpu"),
    Entry("kernel-plan-memory", "one arena; buffers that do not live together share its bytes"),
    Entry("kernel-place-barriers", "threads wait where launches need each other", since=1, target="cpu"),
    Entry("kernel-verify-target", "what the target cannot run is refused here, in the words of the model"),
)


def pipeline(opt: int, target: str = "cpu") -> tuple[Entry, ...]:
    """The lines of `-O<opt>` for a target."""
    return tuple(entry for entry in PIPELINE if entry.since <= opt <= entry.until and entry.target in (None, target))


def with_winograd(entries: Sequence[Entry], form: Winograd) -> tuple[Entry, ...]:
    """The lines with the forms of 3x3 convolutions that are allowed."""
    specs = {
        "auto": "tensor-winograd",
        "off": None,
        "f2": "tensor-winograd{growth=-1.0}",
        "f4": "tensor-winograd{tiles=2,4 growth=-1.0}",
    }
    changed = {"tensor-winograd": specs[form]}
    found = [(entry, changed.get(entry.spec, entry.spec)) for entry in entries]
    return tuple(replace(entry, spec=spec) for entry, spec in found if spec is not None)


def slice_pipeline(entries: Sequence[Entry], start: Level = "graph", stop: Level = "kernel") -> tuple[Entry, ...]:
    """The lines that take a module of level `start` to the end of level `stop`.

    `start == stop` gives the passes of that level: a dump from the middle of a level runs through the level again.
    """
    kept: list[Entry] = []
    level: Level = "graph"
    for entry in entries:
        begins = _level_begun_by(entry)
        if LEVELS.index(start) <= LEVELS.index(level) and LEVELS.index(begins or level) <= LEVELS.index(stop):
            kept.append(entry)
        level = begins or level
    return tuple(kept)


def _level_begun_by(entry: Entry) -> Level | None:
    change = level_change(entry.spec.partition("{")[0])
    return next((level for level in LEVELS if change is not None and level == change[1]), None)


def load(entries: Sequence[Entry]) -> tuple[ModulePass, ...]:
    """The passes of the lines."""
    return parse_pipeline(",".join(entry.spec for entry in entries))


def describe(entries: Sequence[Entry]) -> str:
    """What `--print-pipeline` prints, and what `--pass-pipeline=` reads: a pass a line, its reason as a comment."""
    width = max((len(entry.spec) for entry in entries), default=0) + 1
    lines = [f"{entry.spec + ',' * (entry is not entries[-1]):<{width}}  # {entry.reason}\n" for entry in entries]
    return "".join(lines)
