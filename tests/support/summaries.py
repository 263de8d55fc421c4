"""Summaries of models that exist for a test only: layers by op and by the values they read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from neuralc.inspection.summary import Layer, Port, Summary, Value

KINDS = {"conv": "product", "dense": "product", "relu": "elementwise", "sigmoid": "elementwise", "mul": "elementwise"}

Made = tuple[str, Sequence[int]]
"""An op and the values it reads: 0 is the input, n the result of the n-th layer, counted from 1."""


def summary_of(layers: Sequence[Made], outputs: Sequence[int] | None = None, names: Sequence[str] = ()) -> Summary:
    """A model of 4 x 4 values; each layer costs 100 flops, convolutions and dense layers have 10 parameters."""
    names = names or [f"{op}_{index}" for index, (op, _) in enumerate(layers)]
    value = Value("float32", (4, 4), (4, 4), 64)
    made = [
        Layer(
            name=name,
            path=tuple(name.split("/")),
            op=op,
            kind=KINDS.get(op, "move"),
            place=f"test.nr:{index + 1}:1",
            dtype="float32",
            shape=(4, 4),
            parameters=10 if op in ("conv", "dense") else 0,
            flops=100,
            flops_formula="100",
            bytes=64,
            live_bytes=128,
            operands=tuple(operands),
            results=(index + 1,),
        )
        for index, (name, (op, operands)) in enumerate(zip(names, layers, strict=True))
    ]
    ends = [len(layers)] if outputs is None else outputs
    return Summary(
        name="test.nr",
        inputs=[Port("x", "float32", (4, 4), 0)],
        outputs=[Port(f"y{index}", "float32", (4, 4), number) for index, number in enumerate(ends)],
        states=[],
        sizes=[],
        values=[value] * (len(layers) + 1),
        layers=made,
        operators=dict(Counter(op for op, _ in layers).most_common()),
        parameters=sum(layer.parameters for layer in made),
        weight_bytes=4 * sum(layer.parameters for layer in made),
        flops=100 * len(layers),
        flops_formula=str(100 * len(layers)),
        peak_bytes=128,
        peak_layer=0 if layers else None,
    )


def chain(*ops: str) -> list[Made]:
    """Each layer reads the one before it."""
    return [(op, [index]) for index, op in enumerate(ops)]
