"""Element types by the names Triton, torch and the launch signature have for them."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1
from xdsl.ir import Attribute


@dataclass(frozen=True)
class Element:
    """One element type. `signature` is what `triton.compile` calls it: a pointer to it is `*fp32`."""

    triton: str
    torch: str
    signature: str


def _integer(width: int, unsigned: bool) -> tuple[Attribute, Element]:
    name = f"{'u' if unsigned else ''}int{width}"
    type_ = IntegerType(width, Signedness.UNSIGNED if unsigned else Signedness.SIGNLESS)
    return type_, Element(f"tl.{name}", f"torch.{name}", f"{'u' if unsigned else 'i'}{width}")


ELEMENTS: dict[Attribute, Element] = {
    f16: Element("tl.float16", "torch.float16", "fp16"),
    bf16: Element("tl.bfloat16", "torch.bfloat16", "bf16"),
    f32: Element("tl.float32", "torch.float32", "fp32"),
    f64: Element("tl.float64", "torch.float64", "fp64"),
    i1: Element("tl.int1", "torch.bool", "i1"),
    **dict(_integer(width, unsigned) for width in (8, 16, 32, 64) for unsigned in (False, True)),
}
"""The types a kernel may use; others are refused before anything is printed."""
