"""Layers that make one value of several."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, Parameter, Several, Whole
from neuralc.grammar.signatures.base import MANY, Inputs, Signature, p


def _elementwise(name: str, doc: str) -> Signature:
    return Signature(
        name,
        (),
        f"Keras 3 {name}",
        doc,
        inputs=MANY,
        shapes="any number of values whose shapes broadcast",
        masking="keep",
        example=f"input: {{ a: (4, 8), b: (4, 8) }} layers: {name}(a, b)",
    )


SIGNATURES: tuple[Signature, ...] = (
    _elementwise("Add", "a + b + ..."),
    Signature(
        "Subtract",
        (),
        "Keras 3 Subtract",
        "a - b",
        inputs=Inputs(("x", "y")),
        shapes="two values whose shapes broadcast",
        masking="keep",
        example="input: { a: (4, 8), b: (4, 8) } layers: Subtract(a, b)",
    ),
    _elementwise("Multiply", "a * b * ..."),
    _elementwise("Average", "(a + b + ...) / number of values"),
    _elementwise("Maximum", "largest of the values at each place"),
    _elementwise("Minimum", "smallest of the values at each place"),
    Signature(
        "Concatenate",
        (p("axis", Whole(), -1, "the axis along which they stand behind each other; the batch is axis 0"),),
        "Keras 3 Concatenate",
        "the values behind each other",
        ("Concat",),
        inputs=MANY,
        shapes="values of equal sizes but along the axis",
        masking="keep",
        example="input: { a: (4, 8), b: (6, 8) } layers: Concatenate(a, b, axis=1)",
    ),
    Signature(
        "Dot",
        (
            Parameter("axes", Several(Whole()), doc="the axis of both, or one of each, that is summed over"),
            p("normalize", Flag(), False, "divide each by its L2 norm along its axis: cosine similarity"),
        ),
        "Keras 3 Dot",
        "sums of products along an axis of each, for each member of the batch",
        inputs=Inputs(("x", "y")),
        shapes="(batch, ..., n, ...), (batch, ..., n, ...) -> (batch, other axes of x, other axes of y)",
        example="input: { a: (4, 8), b: (8, 3) } layers: Dot(a, b, axes=(2, 1))",
    ),
)
