"""Codes E01: syntax."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "E0101": Code(
        "syntax error",
        "The text is not a `.nr` model at this place. The message names what was expected, or the mistake made.",
        "network M { input: (8) layers: Dense(3 4) }",
    ),
    "E0102": Code(
        "unterminated string",
        "A string begins and ends on one line, with the same kind of quote. There are no escapes.",
        'network M { input: (8) layers: Dense(3, "relu) }',
    ),
    "E0103": Code(
        "unbalanced bracket",
        "A `(`, `[` or `{` is not closed, or closed by another kind. A definition that starts at the margin inside an "
        "open block is taken as a sign that the block should have ended before it.",
        "network M { input: (8) layers: Dense(3)",
    ),
    "E0104": Code(
        "unexpected character",
        "The character belongs to no word of the language. Curly quotes and non-breaking blanks come from word "
        "processors; write plain ones.",
        "network M { input: (8) layers: Dense(3) ? }",
    ),
    "E0105": Code(
        "empty model",
        "The file is empty or holds comments only. A model needs at least one `network`.",
        "# nothing here yet",
    ),
    "E0106": Code(
        "nested too deeply",
        "Brackets nest deeper than the compiler follows. Move inner parts into macros.",
        "network M { input: (8) layers: " + "Residual { " * 1100 + "Dense(8) " + "} " * 1100 + "}",
    ),
    "E0107": Code(
        "not UTF-8",
        "A model file is UTF-8 text. Other encodings, and compiled or compressed files, are refused.",
        "$ printf 'network M \\377' > m.nr; neuralc m.nr",
    ),
    "E0108": Code(
        "positional argument after a named one",
        "Positional arguments come first, as in Python; after the first named one every argument needs a name.",
        'network M { input: (8) layers: Dense(units=3, "relu") }',
    ),
    "E0109": Code(
        "misplaced part of a layer",
        "A layer takes at most one list of arguments, one list of values it is applied to, one device, one block and "
        "one repetition.",
        "network M { input: (8) layers: Dense(3) * 2 * 3 }",
    ),
    "E0110": Code(
        "number too large",
        "Whole numbers have 64 bits: they lie between -9223372036854775808 and 9223372036854775807.",
        "network M { input: (8) layers: Dense(1" + "0" * 30 + ") }",
    ),
    "E0111": Code(
        "missing clause",
        "A network needs one `input:` and one `layers:` clause.",
        "network M { layers: Dense(3) }",
    ),
    "E0112": Code(
        "clause given twice",
        "Each clause stands once in a network.",
        'network M { input: (8) layers: Dense(3) loss: "mse" loss: "mae" }',
    ),
    "E0113": Code("no layers", "`layers:` holds at least one layer.", "network M { input: (8) layers: }"),
    "E0114": Code(
        "expression",
        "What a `Lambda` computes is not written right: it is `values: expression`, and an expression is written as in "
        "Python, with functions by their numpy names.",
        'network M { input: (8) layers: Lambda("x: x +") Dense(3) }',
    ),
    "E0190": Code(
        "IR does not parse",
        "The text is not valid IR. A dump of another version of neuralc may have to be made again.",
        "$ echo 'graph.model @m(' | neuralc-opt",
    ),
}
