"""What a form cannot say: collected over the whole module, reported at once."""

from __future__ import annotations

from xdsl.ir import Operation

from neuralc.grammar.diagnostics import Diagnostic, NeuralcError
from neuralc.passes.locations import span_of

CODE = "E0850"


class Refusals:
    """The reasons found so far, each with the place of its op; `form` is what was to be written, `PyTorch code`."""

    def __init__(self, form: str) -> None:
        self.form = form
        self._found: list[Diagnostic] = []

    def add(self, op: Operation, reason: str, *, help: str | None = None) -> None:
        self._found.append(Diagnostic(CODE, f"{op.name} as {self.form}: {reason}", span_of(op.location), (), help))

    @property
    def found(self) -> bool:
        """Whether there is a reason."""
        return bool(self._found)

    def extend(self, others: Refusals) -> None:
        """Reasons that were found apart."""
        self._found += others._found

    def raise_if_any(self) -> None:
        """Raises NeuralcError with every reason, in the order of the module."""
        if self._found:
            raise NeuralcError(self._found)
