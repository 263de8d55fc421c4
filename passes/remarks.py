"""Remarks: what a pass did, or did not do and why, said about an op and shown by `--remarks=passed,missed,analysis`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Operation

from neuralc.passes.locations import describe_location


class RemarkKind(StrEnum):
    """The three kinds LLVM has, with the same meaning."""

    PASSED = "passed"
    """The transformation was applied."""
    MISSED = "missed"
    """It was considered and not applied; the message says why."""
    ANALYSIS = "analysis"
    """A fact that decided something: a tile, a size, a count."""


@dataclass(frozen=True)
class Remark:
    """One sentence about one op, remembered after the op is gone."""

    kind: RemarkKind
    pass_name: str
    op_name: str
    location: LocationAttr
    message: str

    def __str__(self) -> str:
        place = describe_location(self.location)
        prefix = f"{place}: " if place else ""
        return f"{prefix}{self.kind}: {self.op_name}: {self.message} [{self.pass_name}]"


@dataclass
class Remarks:
    """The remarks of one compilation, in the order they were first made.

    A driver visits an op more than once and would repeat itself: an equal remark is kept once.
    """

    _remarks: dict[Remark, None] = field(default_factory=dict)

    def add(self, kind: RemarkKind | str, pass_name: str, op: Operation, message: str) -> None:
        self._remarks[Remark(RemarkKind(kind), pass_name, op.name, op.location, message)] = None

    def of_kind(self, *kinds: RemarkKind | str) -> list[Remark]:
        """The remarks of the given kinds; of all kinds when none is given."""
        wanted = {RemarkKind(kind) for kind in kinds} or set(RemarkKind)
        return [remark for remark in self._remarks if remark.kind in wanted]
