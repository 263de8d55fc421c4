"""Which loop each dim of an operand runs along, in Einstein notation: `"nhwijc,ijco->nhwo"`.

Each letter is one loop. A letter of the result is a parallel loop, one that only operands have is a reduction.
`1` stands for a dim of size one that no loop runs along (broadcasting). `*` alone stands for an operand that a map
reads as a whole, at places it computes (`tensor.at`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import Shape, ShapeError, format_shape

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
ONE = "1"
WHOLE = "*"


@dataclass(frozen=True)
class Subscripts:
    """The letters of each operand and of the result."""

    operands: tuple[str, ...]
    result: str

    @staticmethod
    def parse(text: str, count: int | None = None) -> Subscripts:
        """Raises ShapeError where the text is not of the form `ab,bc->ac`.

        With nothing left of the arrow, `count` tells no operand from one operand without dims.
        """
        left, arrow, result = text.replace(" ", "").partition("->")
        operands = tuple(left.split(",")) if left or count == 1 else ()
        looped = [word for word in operands if word != WHOLE]
        if not arrow or any(c not in LETTERS + ONE for word in (*looped, result) for c in word):
            raise ShapeError(f'subscripts are written "ab,bc->ac", not "{text}"')
        if len(set(result)) != len(result) or ONE in result:
            raise ShapeError(f'each letter stands once in the result of "{text}"')
        for word in operands:
            named = word.replace(ONE, "")
            if len(set(named)) != len(named):
                raise ShapeError(f'each letter stands once in an operand of "{text}"')
        return Subscripts(operands, result)

    def __str__(self) -> str:
        return ",".join(self.operands) + "->" + self.result

    @property
    def reduced(self) -> str:
        """The letters that are summed over, in the order operands name them."""
        seen = dict.fromkeys(c for word in self.operands for c in word if c not in (ONE, WHOLE))
        return "".join(c for c in seen if c not in self.result)

    def sizes(self, shapes: Sequence[Shape]) -> dict[str, int | Dim]:
        """The size of every loop. Raises ShapeError where operands disagree or have another rank."""
        if len(shapes) != len(self.operands):
            raise ShapeError(f'"{self}" has {len(self.operands)} operands, got {len(shapes)}')
        found: dict[str, int | Dim] = {}
        for word, shape in zip(self.operands, shapes, strict=True):
            if word == WHOLE:
                continue
            if len(word) != len(shape):
                raise ShapeError(f'"{word}" does not fit shape {format_shape(shape)}')
            for letter, size in zip(word, shape, strict=True):
                if letter == ONE:
                    if size != 1:
                        raise ShapeError(f'"{word}" broadcasts a dim of size {size}')
                elif found.setdefault(letter, size) != size:
                    raise ShapeError(f"loop `{letter}` has sizes {found[letter]} and {size}")
        return found


def identity(rank: int) -> str:
    """`abc..` for a tensor of that rank."""
    return LETTERS[:rank]
