"""What a pass is: a frozen dataclass whose fields are its command-line options, and the context it runs in."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from xdsl import passes as xdsl_passes
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from neuralc.passes.remarks import RemarkKind, Remarks

if TYPE_CHECKING:
    from neuralc.dialects.weights import WeightStore
    from neuralc.passes.target import Target

Numerics = Literal["exact", "rounded"]
"""How values before and after a pass are compared: in float64 without rounding, or with one rounding per op."""


@dataclass
class PassContext:
    """What a compilation hands from pass to pass beside the module."""

    target: Target | None = None
    """The machine the code is for. Passes of the kernel level need one; `--target` and `--mcpu` give it."""
    weights: WeightStore | None = None
    """The bytes of the module's `graph.weight` symbols."""
    options: dict[str, str] = field(default_factory=dict)
    """Settings of the whole compilation that a pass may read and need not declare, such as `threads`."""
    remarks: Remarks = field(default_factory=Remarks)
    statistics: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often what happened: (pass, pattern or event) -> count."""
    current_pass: str = ""
    """Name of the running pass; remarks and statistics are filed under it."""

    def remark(self, kind: RemarkKind | Literal["passed", "missed", "analysis"], op: Operation, message: str) -> None:
        """Say something about an op: `context.remark("missed", op, "two users")`."""
        self.remarks.add(kind, self.current_pass, op, message)

    @property
    def threads(self) -> int:
        """How many threads a run may have: those that were asked for, else as many as the target has."""
        asked = self.options.get("threads", "")
        return int(asked) if asked.isdigit() else 1 if self.target is None else self.target.threads

    def count(self, event: str, amount: int = 1) -> None:
        """Add to a statistic of the running pass."""
        self.statistics[self.current_pass, event] += amount


@dataclass(frozen=True)
class ModulePass(xdsl_passes.ModulePass):
    """A pass over a whole module: implement `run`, give each option a default and a docstring.

    It stays an xDSL pass so that specs such as `tensor-fuse-elementwise{max-ops=3}` parse and print.
    """

    numerics: ClassVar[Numerics] = "exact"
    """Passes that change precision say "rounded"; `--check-each` compares accordingly."""
    tolerance: ClassVar[float] = 1e-9
    """Largest difference allowed by `--check-each`, times max(1, max|y|)."""

    @abstractmethod
    def run(self, module: ModuleOp, context: PassContext) -> None:
        """Rewrite the module in place. It is valid before, and must be valid after."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Entry for xDSL's own tools, which know no target and no weights."""
        self.run_in(op, PassContext())

    def run_in(self, module: ModuleOp, context: PassContext) -> None:
        """Run with remarks and statistics filed under this pass; a pass may run another one through this."""
        outer, context.current_pass = context.current_pass, self.name
        try:
            self.run(module, context)
        finally:
            context.current_pass = outer
