"""What can be wrong when a model is loaded or run. The runtime stands alone, so it has a table of its own.

The codes are part of the compiler's table too, where `neuralc explain E0904` finds them; a test compares the two.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "E0902": "cannot read the artifact",
    "E0903": "not a shared library for this machine",
    "E0904": "an input does not fit the model",
    "E0905": "not a model of neuralc",
    "E0906": "artifact of another version",
    "E0907": "the processor lacks a feature",
    "E0908": "an output does not fit the model",
    "E0909": "the model could not run",
    "E0910": "an index is out of range",
    "E0911": "integer division by zero",
    "E0912": "a state has other sizes",
    "E0913": "nothing here runs the artifact",
    "E0990": "cannot write the product",
}
"""Code -> title."""


class ModelError(Exception):
    """A model cannot be loaded, or not be run on what it was given: a code, the reason, and the remedy."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        if code not in CODES:
            raise KeyError(f"code {code} is not in neuralc/runtime/errors.py")
        super().__init__(code, message, help)
        self.code = code
        self.message = message
        self.help = help

    def __str__(self) -> str:
        text = f"error[{self.code}]: {self.message}"
        return text if self.help is None else f"{text}\n  = help: {self.help}"
