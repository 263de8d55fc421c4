"""Syntax errors people make, as small wrong models: the state the parser fails in tells which mistake it was.

To explain one more mistake: add an example of it to `MISTAKES`. Nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A mistake people make: what to say, and models that make it (and nothing else)."""

    message: str
    help: str
    examples: tuple[str, ...]


def _layers(text: str) -> str:
    return f"network M {{ input: (8) layers: {text} }}"


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "a `network` needs a name and a block",
        "write `network Name { ... }`",
        ("network { input: (8) }", "network M input: (8)", "network M ( )", 'network "M" { }', "network 3 { }"),
    ),
    Mistake(
        "a macro needs a name and a block",
        "write `define Name(parameter, other=1) { ... }`",
        ("define { Dense(3) }", "define M Dense(3)", "define M(a) Dense(3)", "define M() Dense(3)"),
    ),
    Mistake(
        "several inputs with names or types stand in braces",
        "write `input: { a: (8) int64, b: (8) int64 }`",
        (
            "network M { input: a: (8), b: (8) }",
            "network M { input: a: (8) int64, b: (8) }",
            "network M { input: (8) int64, (8) int64 }",
        ),
    ),
    Mistake(
        "macro parameters are names, with or without a default",
        "write `define Name(parameter, other=1) { ... }`",
        ("define M(3) { }", 'define M("a") { }', "define M(a b) { }", "define M(a=) { }", "define M((a)) { }"),
    ),
    Mistake(
        "only `network`, `define`, `from` and `research` may stand here",
        "put layers into a network: `network Name { input: (...) layers: ... }`",
        (
            "Dense(3)",
            "network M { } Dense(3)",
            "layers: Dense(3)",
            "network M { } input: (3)",
            "network M { } ,",
            "train { }",
            "image: { }",
        ),
    ),
    Mistake(
        "a shape is written in parentheses",
        "write `input: (28, 28, 1)`, or `input: { image: (28, 28, 1), meta: (10) }` for several named ones",
        (
            "network M { input: 28 }",
            "network M { input: x }",
            "network M { input: } ",
            'network M { input: "x" }',
            "network M { input: image: 28 }",
            "network M { input: { image: 28 } }",
            "network M { input: { (3) } }",
            "network M { input: { } }",
            "network M { input: { image } }",
            "network M { input: layers: Dense(3) }",
            "network M { input: loss: 3 }",
            "network M { input: HPO(choice(1)) }",
        ),
    ),
    Mistake(
        "this is no element type",
        "float16, float32, float64, int8 to int64, uint8 to uint64 and bool are; float32 need not be written",
        ("network M { input: (8) float33 layers: }", "network M { input: x: (8) string layers: }"),
    ),
    Mistake(
        "the word before this needs a colon, or a block of its own",
        'clauses look like `loss: "mse"` and `train { epochs: 15 }`; layers stand after `layers:`',
        (
            "network M { input (8) }",
            "network M { layers Dense(3) }",
            "network M { loss }",
            "network M { Dense(3) }",
            "network M { Dense }",
            "network M { train }",
            "network M { a = Dense(3) }",
            "network M { image: { } }",
            "network M { input: (8) , Dense(3) }",
            'network M { loss: "x" Dense(3) }',
            'network M { loss: "x" d = Dense(3) }',
            "network M { train { } Dense(3) }",
            "network M { train { } a = Dense(3) }",
        ),
    ),
    Mistake(
        "a value is missing",
        "values are numbers, strings, names, (tuples), [lists], calls like `Adam(0.001)` and `HPO(choice(1, 2))`",
        (
            _layers("Dense(units=)"),
            _layers("Dense(units=,)"),
            _layers("Dense(,)"),
            _layers("Dense(3,,)"),
            "network M { loss: }",
            "network M { loss: train { } }",
            "network M { loss: , }",
            "network M { loss: layers: }",
            "network M { loss: input: (3) }",
            "network M { loss: metrics: 3 }",
            "network M { train { epochs: } }",
            "network M { train { epochs: batch_size: 3 } }",
        ),
    ),
    Mistake(
        "two arguments need a comma between them",
        'write `Dense(128, activation="relu")`',
        (
            _layers("Dense(3 4)"),
            _layers('Dense(3 "relu")'),
            _layers("Dense(3 activation=3)"),
            _layers("Dense(3 activation: 3)"),
            _layers("Dense(a=3 4)"),
            _layers("Dense(3 (3))"),
            _layers("Dense(3 [3])"),
            _layers("Dense(3 x)"),
            _layers("Dense((3 3))"),
            _layers("Dense([3 3])"),
            "network M { input: (3 3) }",
            "network M { input: (3 x) }",
        ),
    ),
    Mistake(
        "a repetition needs a number",
        "write `Dense(128) * 2`",
        (_layers("Dense(3) *"), _layers("Dense(3) * (3)"), _layers('Dense(3) * "3"'), _layers("Dense(3) * *")),
    ),
    Mistake(
        "a device is a string",
        'write `Dense(128) @ "cuda:0"`',
        (_layers("Dense(3) @ cpu"), _layers("Dense(3) @"), _layers("Dense(3) @ 0")),
    ),
    Mistake(
        "a layer was expected here",
        'layers look like `Dense(128, "relu")`, `x = Conv2D(64, 3)` or `ResidualConnection { ... }`',
        (
            _layers("3"),
            _layers('"x"'),
            _layers("(3)"),
            _layers("[3]"),
            _layers("Dense(3) 3"),
            _layers('Dense(3) "x"'),
            _layers("x = 3"),
            _layers("x = "),
            _layers("Dense(3) { 3 }"),
            _layers("Dense(3), ,"),
            _layers("{ Dense(3) }"),
            _layers("Dense(3) {{ }}"),
            _layers("Residual { input: (3) }"),
            _layers("Residual { loss: 3 }"),
            _layers("image: { 3 }"),
            _layers("= 3"),
        ),
    ),
    Mistake(
        "HPO takes `choice`, `range` or `log_range`",
        "write `HPO(choice(32, 64))`, `HPO(range(0.1, 0.5, step=0.1))` or `HPO(log_range(1e-4, 1e-2))`",
        (
            _layers("Dense(HPO(3))"),
            _layers("Dense(HPO(x))"),
            _layers("Dense(HPO())"),
            _layers("Dense(HPO(HPO(choice(3))))"),
            _layers("Dense(HPO(choice(3) 3))"),
            _layers("Dense(HPO(choice(3,)))"),
            _layers("Dense(HPO(choice()))"),
            _layers("Dense(HPO(choice 3))"),
            _layers("Dense(HPO(range(3)))"),
            _layers("Dense(HPO(range(3,)))"),
            _layers("Dense(HPO(range(3, 4,)))"),
            _layers("Dense(HPO(range(3, 4, 5, 6)))"),
            _layers("Dense(HPO(log_range(3)))"),
            _layers("Dense(HPO(log_range(3, 4, 5)))"),
            _layers("Dense(HPO(log_range(3, 4,)))"),
        ),
    ),
    Mistake(
        "an import names a file and what to take from it",
        'write `from "blocks.nr" import ConvBlock, Encoder`',
        (
            "from blocks import A",
            'from "b.nr" A',
            'from "b.nr" import',
            'from "b.nr" import "A"',
            'from "b.nr" import A,',
        ),
    ),
    Mistake(
        'a research block holds `metrics { name: number }` and `references { paper: "..." }`',
        "numbers stand without quotes, papers with quotes",
        (
            'research { metrics { accuracy: "high" } }',
            "research { metrics { accuracy } }",
            "research { references { paper: 3 } }",
            "research { accuracy: 3 }",
            "research { Dense(3) }",
        ),
    ),
    Mistake(
        "a constraint compares two sizes",
        "write `input: (S, 512) where S <= 2048`, or `T == 2 * S`",
        (
            "network M { input: (S) where }",
            "network M { input: (S) where S }",
            "network M { input: (S) where S < }",
            "network M { input: (S) where S = 3 }",
        ),
    ),
)
