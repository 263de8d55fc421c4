"""Codes E04: shapes and types."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "E0401": Code(
        "shapes do not fit",
        "A layer cannot take the shape that the layers before it give. The message shows both.",
        "network M { input: (8) layers: Conv2D(4, 3) }",
    ),
    "E0402": Code(
        "impossible input shape",
        "An input shape holds whole numbers of at least 1; a leading None stands for the batch.",
        'network M { input: (8, "x") layers: Dense(3) }',
    ),
    "E0403": Code(
        "unknown size",
        "`where` speaks of the named sizes of the inputs, and of `batch`.",
        "network M { input: (S, 8) where T <= 128 layers: Dense(3) }",
    ),
    "E0404": Code(
        "residual block changes the shape",
        'The input of a residual block is added to its result, so both have one shape; `shortcut="projection"` brings '
        "the input to the shape of the result by a 1x1 convolution (He et al. 2016, eq. 2).",
        "network M { input: (8) layers: ResidualConnection { Dense(3) } }",
    ),
    "E0405": Code(
        "number of values",
        "The layer takes another number of values than come here. After branches all their results come; a merge such "
        "as `Concatenate()` makes one value of them, or name the one that is meant: `Dense(3)(a)`.",
        "network M { input: { a: (8), b: (8) } layers: Dense(3) }",
    ),
    "E0406": Code(
        "input of a network",
        "A network is used as a layer with a value that is not what its `input:` clause says: another rank, size or "
        "element type. Equal names in the clause are equal sizes.",
        "network Inner { input: (4) layers: Dense(3) }\nnetwork M { input: (8) layers: Inner() Dense(2) }",
    ),
    "E0407": Code(
        "constraint",
        "A `where` clause contradicts itself or the layers, or has a form that is not checked. Bounds of one name, "
        "equations and remainders of 0 are: `S <= 512`, `T == 2 * S`, `H % 16 == 0`.",
        "network M { input: (S, 8) where S > 9, S < 4 layers: Dense(3) }",
    ),
    "E0411": Code(
        "unknown name in an expression",
        "An expression of a `Lambda` knows the names of its values, the functions of numpy that the language has, its "
        "element types, `pi`, `e`, `inf`, `nan`, `True`, `False` and `None`.",
        'network M { input: (8) layers: Lambda("x: exq(x)") Dense(3) }',
    ),
    "E0412": Code(
        "expression does not fit",
        "A part of the expression of a `Lambda` cannot take the values that come to it: their shapes, their types, or "
        "how many there are. The message shows the part.",
        'network M { input: (8) layers: Lambda("x: x[:, 9]") Dense(3) }',
    ),
    "E0490": Code(
        "invalid IR",
        "An op breaks one of its rules, a value is used before it is defined, or a symbol is missing.",
        "$ echo 'graph.model @m(%x: tensor<2xf32>) { graph.return %x : tensor<3xf32> }' | neuralc-opt",
    ),
}
