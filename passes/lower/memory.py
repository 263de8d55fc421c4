"""Where a tensor lies while the host program is built."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import SSAValue

from neuralc.dialects.kernel import RefType


@dataclass(frozen=True)
class Memory:
    """Where a tensor lies: a host value and its type; packed weights have panels of their last dim outermost."""

    value: SSAValue
    ref: RefType
    packed: bool = False
