"""Codes E99: faults of neuralc."""

from __future__ import annotations

from neuralc.grammar.codes.code import Code

CODES: dict[str, Code] = {
    "E9901": Code(
        "internal error",
        "neuralc itself failed. Report it with the reproducer it wrote.",
        ">>> # no model should trigger this",
    ),
    "E9902": Code(
        "rewriting did not come to an end",
        "Patterns of a pass undo each other, or one makes new work for itself for ever.",
        ">>> # no model should trigger this",
    ),
    "E9903": Code(
        "a pass left invalid IR",
        "The IR was valid before the pass and is not after it. Report it with the reproducer.",
        ">>> # no model should trigger this",
    ),
    "E9904": Code(
        "a pass changed the results",
        "`--check-each` ran the module before and after each pass on the same inputs; the results differ by more than "
        "the pass declares.",
        "$ neuralc model.nr --check-each",
    ),
}
