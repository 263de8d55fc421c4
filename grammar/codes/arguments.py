"""Codes E03: arguments."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "E0301": Code(
        "missing argument",
        "The parameter has no default, so it must be given.",
        "network M { input: (8) layers: Dense() }",
    ),
    "E0302": Code(
        "unknown parameter",
        "The layer, macro, optimizer or section has no parameter of this name. The note lists those it has.",
        "network M { input: (8) layers: Dense(units=3, activaton=relu) }",
    ),
    "E0303": Code(
        "too many arguments",
        "More positional arguments than there are parameters.",
        "network M { input: (8) layers: Identity(3) }",
    ),
    "E0304": Code(
        "argument given twice",
        "A parameter is given by position and by name, or twice by name.",
        "network M { input: (8) layers: Dense(3, units=4) }",
    ),
    "E0305": Code(
        "argument of the wrong kind",
        "The parameter takes another kind of value: a number, a string, a pair.",
        'network M { input: (8) layers: Dense("10") }',
    ),
    "E0306": Code(
        "argument out of range",
        "The value lies outside what the parameter allows.",
        "network M { input: (8) layers: Dropout(1.1) }",
    ),
    "E0307": Code(
        "not one of the choices",
        "The parameter takes one of a few words.",
        'network M { input: (8, 8, 1) layers: Conv2D(3, 3, padding="full") }',
    ),
    "E0308": Code(
        "impossible search space",
        "A choice holds values of one kind; a range goes up, by a step above 0; a logarithmic range starts above 0.",
        "network M { input: (8) layers: Dense(HPO(range(10, 5))) }",
    ),
    "E0309": Code(
        "block not taken",
        "Only blocks such as ResidualConnection take layers in braces.",
        "network M { input: (8) layers: Dense(3) { Dense(4) } }",
    ),
    "E0310": Code(
        "block missing",
        "The layer is made of the layers in its braces.",
        "network M { input: (8) layers: ResidualConnection() }",
    ),
    "E0312": Code(
        "impossible repetition",
        "A layer, block or macro is repeated a whole number of times, at least once.",
        "network M { input: (8) layers: Dense(3) * 0 }",
    ),
    "E0313": Code(
        "larger than the compiler takes",
        "Repetitions and macros expand to more layers than the compiler takes, or layers to more ops; an argument "
        "grows from macro to macro, or holds more searches than can be checked; or a macro has more parameters than "
        "anyone can read.",
        "network M { input: (8) layers: Dense(8) * 1000000 }",
    ),
    "E0314": Code(
        "arguments that do not go together",
        "Each argument is right by itself, and they contradict each other.",
        "network M { input: (8) layers: Dense(3) optimizer: SGD(0.1, nesterov=true) }",
    ),
    "E0315": Code(
        "losses and outputs do not match",
        "A network has one loss for all of its outputs, or one for each in their order.",
        "network M { input: (8) layers: Dense(3) loss: mse, mae }",
    ),
    "E0316": Code(
        "impossible arithmetic",
        "Arithmetic is on numbers: those that are written, and parameters. Nothing is divided by 0, and a result has "
        "at most 20 digits.",
        'network M { input: (8) layers: Dense(4 * "a") }',
    ),
}
