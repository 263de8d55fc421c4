"""Subscripts: the text of the loops of an op, and their sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralc.dialects.dims import Dim
from neuralc.dialects.tensor import Subscripts
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import ShapeError

words = st.text("abcd1", max_size=4).filter(lambda word: len(set(word.replace("1", ""))) == len(word.replace("1", "")))


@given(st.lists(words, max_size=3), st.permutations("abcd"))
def test_what_is_printed_parses_back(operands: list[str], result: list[str]) -> None:
    subscripts = Subscripts(tuple(operands), "".join(result))
    assert Subscripts.parse(str(subscripts), len(operands)) == subscripts


def test_nothing_left_of_the_arrow_is_no_operand_or_one_without_dims() -> None:
    assert Subscripts.parse("->ab").operands == ()
    assert Subscripts.parse("->ab", 0).operands == ()
    assert Subscripts.parse("->ab", 1).operands == ("",)
    assert Subscripts.parse(",->ab", 2).operands == ("", "")


def test_sizes_and_reductions() -> None:
    batch = Dim.symbol("batch")
    subscripts = Subscripts.parse("n h w c, c o -> n h w o")
    assert str(subscripts) == "nhwc,co->nhwo"
    assert subscripts.sizes([(batch, 3, 4, 5), (5, 6)]) == {"n": batch, "h": 3, "w": 4, "c": 5, "o": 6}
    assert subscripts.reduced == "c"
    assert Subscripts.parse("a1,b->ab").sizes([(2, 1), (3,)]) == {"a": 2, "b": 3}


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ("ab", [(2, 3)], 'subscripts are written "ab,bc->ac"'),
        ("a2->a", [(2, 3)], 'subscripts are written "ab,bc->ac"'),
        ("aa->a", [(2, 2)], "each letter stands once in an operand"),
        ("ab->aa", [(2, 3)], "each letter stands once in the result"),
        ("ab->a1", [(2, 3)], "each letter stands once in the result"),
        ("ab->ab", [(2,)], r'"ab" does not fit shape \(2,\)'),
        ("ab->ab", [(2, 3), (2,)], '"ab->ab" has 1 operands, got 2'),
        ("ab,b->ab", [(2, 3), (4,)], "loop `b` has sizes 3 and 4"),
        ("a1->a", [(2, 3)], '"a1" broadcasts a dim of size 3'),
        ("ab,b->ab", [(2, Dim.symbol("S")), (4,)], "loop `b` has sizes S and 4"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, shapes: list[tuple[int | Dim, ...]], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Subscripts.parse(text).sizes(shapes)


@given(st.integers(0, 6))
def test_identity_names_every_dim(rank: int) -> None:
    assert len(set(identity(rank))) == rank
    assert Subscripts.parse(f"{identity(rank)}->{identity(rank)}", 1).sizes([tuple(np.arange(rank))]) == dict(
        zip(identity(rank), range(rank), strict=True)
    )
