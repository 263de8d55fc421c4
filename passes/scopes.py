"""The modules of the source that an op of an imported model is in, kept in its location: `encoder.layer.0` a BertLayer.

An importer writes them around the name of the op, the nearest first, a class behind its path where it is known:

    loc("linear_3"("encoder.layer.0: BertLayer"("encoder: BertEncoder")))

Passes keep locations, so scopes need no care of theirs; an op that does the work of several is in what these have in
common. Names with slashes (`/encoder/layer.0/Add`) are scopes themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, CallSiteLoc, FusedLoc, LocationAttr, NameLoc, StringAttr, UnknownLoc
from xdsl.ir import Attribute

CALLED = "()"
"""Behind the kind of what is a function in the source, and not only a place: it is one whatever its size."""


@dataclass(frozen=True)
class Scope:
    """A module, by its path from the outermost one, and its class."""

    path: str
    kind: str = ""

    @property
    def is_function(self) -> bool:
        return self.kind.endswith(CALLED)


def located(name: str, scopes: Sequence[Scope]) -> LocationAttr:
    """The location of an op of that name in modules, the outermost first."""
    around: LocationAttr = UnknownLoc()
    for scope in scopes:
        text = f"{scope.path}: {scope.kind}" if scope.kind else scope.path
        around = NameLoc(StringAttr(text), around)
    return NameLoc(StringAttr(name), around)


def scopes_of(location: Attribute) -> tuple[Scope, ...]:
    """The modules of an op, the outermost first; of several places what they have in common."""
    match location:
        case CallSiteLoc():
            return scopes_of(location.callee)
        case FusedLoc(locations=ArrayAttr() as parts):
            return common([found for part in parts if (found := scopes_of(part))])
        case NameLoc(location=NameLoc() as around):
            return tuple(reversed(_chain(around)))
        case NameLoc():
            return scopes_of_name(location.desc.data)
        case _:
            return ()


def scopes_of_name(name: str) -> tuple[Scope, ...]:
    """`/layer1/layer1.0/conv1/Conv` is in layer1, layer1.0 and layer1.0.conv1; a name without slashes is in nothing.

    A part that begins with the one before it repeats it, as PyTorch's exporter does for the members of a Sequential.
    """
    found: list[Scope] = []
    before = ""
    for part in [part for part in name.split("/") if part][:-1]:
        member = part.removeprefix(f"{before}.") if before else part
        found.append(Scope(f"{found[-1].path}.{member}" if found else member))
        before = part
    return tuple(found)


def _chain(location: Attribute) -> list[Scope]:
    found = []
    while isinstance(location, NameLoc):
        path, _, kind = location.desc.data.partition(": ")
        found.append(Scope(path, kind))
        location = location.location
    return found


def common(several: Iterable[Sequence[Scope]]) -> tuple[Scope, ...]:
    """The modules that several ops are in, all of them."""
    shared: list[Scope] = []
    for level in zip(*several, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return tuple(shared)
