"""graph.einsum: diagonals, sums of what one operand alone has, then contractions of two operands at a time.

    graph.einsum "ij,jk,kl->il" %a, %b, %c      ->      %0 = tensor.contract "ij,jk->ik" %a, %b
                                                        %1 = tensor.contract "ik,kl->il" %0, %c

The next pair is the one whose product is smallest against what it replaces, the rule that opt_einsum calls greedy
(Smith and Gray 2018); a symbolic size counts as `NOMINAL`. Dims of size 1 have no loop: they are taken off before and
put back behind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from xdsl.dialects.builtin import i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.contraction import einsum_sizes, einsum_words
from neuralc.dialects.types import shape_of
from neuralc.passes.lower.layers.dense import contract
from neuralc.passes.lower.lowering import Conversion, Lowering
from neuralc.passes.lower.scalar_functions import ScalarBuilder

NOMINAL = 64
"""What a symbolic size counts as where orders are compared."""


@dataclass(frozen=True, eq=False)
class Term:
    """An operand with one letter per dim; each is one of its own, whatever it holds."""

    word: str
    value: SSAValue


def _einsum(at: Lowering, op: graph.EinsumOp) -> SSAValue:
    words, result = einsum_words(op.literal("spec"), len(op.xs))
    sizes = einsum_sizes(words, [shape_of(x.type) for x in op.xs])
    terms = [_diagonal(at, _without_ones(at, Term(word, x))) for word, x in zip(words, op.xs, strict=True)]
    kept = "".join(letter for letter in result if any(letter in term.word for term in terms))
    terms = [_summed(at, term, kept, [*terms[:i], *terms[i + 1 :]]) for i, term in enumerate(terms)]
    while len(terms) > 1:
        first, second = _cheapest(terms, kept, sizes)
        rest = [term for term in terms if term not in (first, second)]
        product = _product(at, first, second, kept, rest)
        terms = [*rest, _summed(at, product, kept, rest)]
    (last,) = terms
    y = at.transpose(last.value, [last.word.index(letter) for letter in kept])
    return at.reshape(y, shape_of(op.result.type))


def _without_ones(at: Lowering, term: Term) -> Term:
    """Without dims of size 1: a letter of size 1 has no loop, and one that broadcasts only those of other operands."""
    shape = shape_of(term.value.type)
    kept = [i for i, size in enumerate(shape) if size != 1]
    return Term("".join(term.word[i] for i in kept), at.reshape(term.value, [shape[i] for i in kept]))


def _diagonal(at: Lowering, term: Term) -> Term:
    """A letter that stands twice walks both dims at once."""
    letters = "".join(dict.fromkeys(term.word))
    if letters == term.word:
        return term
    shape = shape_of(term.value.type)

    def body(b: ScalarBuilder, whole: SSAValue) -> SSAValue:
        places = {letter: b.position(letter, i64) for letter in letters}
        return b.at(whole, [places[letter] for letter in term.word])

    sizes = tuple(shape[term.word.index(letter)] for letter in letters)
    return Term(letters, at.map(f"*->{letters}", [term.value], sizes, body))


def _summed(at: Lowering, term: Term, result: str, others: Sequence[Term]) -> Term:
    """Without the letters that only this operand has and the result lacks."""
    alone = [i for i, c in enumerate(term.word) if c not in result and not any(c in other.word for other in others)]
    if not alone:
        return term
    value = at.emit(tensor.ReduceOp.of(term.value, kind="add", dims=tuple(alone)))
    return Term("".join(c for i, c in enumerate(term.word) if i not in alone), value)


def _cheapest(terms: Sequence[Term], result: str, sizes: Mapping[str, int | Dim]) -> tuple[Term, Term]:
    """The pair whose product is smallest against what it replaces; of equal ones the pair with the fewest products."""

    def count(letters: str) -> int:
        return math.prod(NOMINAL if isinstance(size := sizes[c], Dim) else size for c in {*letters})

    def cost(pair: tuple[Term, Term]) -> tuple[int, int]:
        first, second = pair
        rest = result + "".join(term.word for term in terms if term not in pair)
        kept = "".join(c for c in first.word + second.word if c in rest)
        return count(kept) - count(first.word) - count(second.word), count(first.word + second.word)

    return min(combinations(terms, 2), key=cost)


def _product(at: Lowering, lhs: Term, rhs: Term, result: str, others: Sequence[Term]) -> Term:
    """Two operands as one; in the order of the result where it is the last product."""
    both = "".join(dict.fromkeys(lhs.word + rhs.word))
    wanted = result + "".join(term.word for term in others)
    kept = result if not others else "".join(c for c in both if c in wanted)
    if {*kept} == {*both}:
        shape = _sizes(lhs, rhs)
        spec = f"{lhs.word},{rhs.word}->{kept}"
        return Term(kept, at.binary("mul", lhs.value, rhs.value, spec, tuple(shape[c] for c in kept)))
    return Term(kept, contract(at, f"{lhs.word},{rhs.word}->{kept}", lhs.value, rhs.value))


def _sizes(lhs: Term, rhs: Term) -> dict[str, int | Dim]:
    pairs = [
        *zip(lhs.word, shape_of(lhs.value.type), strict=True),
        *zip(rhs.word, shape_of(rhs.value.type), strict=True),
    ]
    return dict(pairs)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.EinsumOp: _einsum,
}
