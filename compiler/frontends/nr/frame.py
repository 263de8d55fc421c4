"""The names within one body: values, and layers that are applied again by their names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from neuralc.frontends.nr.functions import Function, Scope
from neuralc.frontends.nr.site import Values
from neuralc.grammar.program import Node

Running: TypeAlias = Values | None
"""The values that run at a place; None after something that was reported to be wrong."""


class Broken(Exception):
    """A part of a layer was reported to be wrong: the layer has no result."""


@dataclass
class Frame:
    """The names within one body: values, and layers that are applied again by their names."""

    function: Function
    scope: Scope
    values: dict[str, Running] = field(default_factory=dict)
    shared: dict[str, tuple[Node, str]] = field(default_factory=dict)
    """Name -> the layer, and the path of its weights."""
    outer: Frame | None = None

    def look_up(self, name: str) -> Running:
        """A value by its name: of this body, or of one around it. The names were checked before."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.values:
                return frame.values[name]
            frame = frame.outer
        return None

    def layer(self, name: str) -> tuple[Node, str]:
        frame: Frame | None = self
        while frame is not None and name not in frame.shared:
            frame = frame.outer
        if frame is None:
            raise Broken
        return frame.shared[name]

    def inside(self, path: str) -> Frame:
        """The body of a block at a path within this one."""
        return Frame(self.function, Scope(path), outer=self)
