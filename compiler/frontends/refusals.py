"""What of a model neuralc does not compile, collected over the whole graph and said in one message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from neuralc.grammar.diagnostics import Diagnostic, NeuralcError

LISTED = 50
"""Lines of the message; more than that nobody reads."""


class Refused(Exception):
    """Raised by a handler: the node is valid, and neuralc does not compile it; the message is the reason."""

    by_values = False
    """True where it would be compiled if the values that it needs were known beforehand."""


class NeedsValues(Refused):
    """Sizes would follow from values that only a run knows."""

    by_values = True


class UnsupportedModel(NeuralcError):
    """The error of a model that is valid and not compiled, with all that stands in the way."""

    refusals: Refusals


@dataclass
class Refusals:
    """Operators that are not compiled: each with its reason, how often, and the first node."""

    found: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    code: str = "E0620"
    by_values: bool = True
    """Nothing but values stands in the way: `load` with those of some inputs may succeed."""

    def add(self, operator: str, reason: str, node: str, *, by_values: bool = False) -> None:
        self.found.setdefault((operator, reason), []).append(node)
        self.by_values &= by_values

    def check(self) -> None:
        """Raise NeuralcError of `code` where anything was refused."""
        if self.found:
            raise self.as_error()

    def as_error(self) -> NeuralcError:
        lines = list(self._lines())
        if len(lines) > LISTED:
            lines = [*lines[:LISTED], f"and {len(lines) - LISTED} more"]
        operators = sorted({operator for operator, _ in self.found})
        named = f"`{operators[0]}`" if len(operators) == 1 else f"{len(operators)} things"
        message = f"the model uses {named} that neuralc does not compile"
        found = UnsupportedModel(
            [Diagnostic(self.code, message, None, tuple(lines), "docs/ops.md lists what is compiled")]
        )
        found.refusals = self
        return found

    def _lines(self) -> Iterable[str]:
        for (operator, reason), nodes in sorted(self.found.items()):
            times = "once" if len(nodes) == 1 else f"{len(nodes)} times"
            yield f"{operator}, {times}, first `{shown(nodes[0])}`: {reason}"


def shown(name: str, limit: int = 80) -> str:
    """A name of the model in a message: on one line, and not longer than a line."""
    text = "".join(c if c.isprintable() else "?" for c in name[: limit + 1])
    return text if len(text) <= limit else text[:limit] + "..."
