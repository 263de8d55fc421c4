"""The helper functions of JAX code, which are the modules of `helpers`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from neuralc.emit.python import helper_source
from neuralc.emit.python.helper_source import Function

FOLDER = Path(__file__).parent / "helpers"


def functions() -> Mapping[str, Function]:
    """All helper functions by name."""
    return helper_source.functions_in(FOLDER)


def closure(names: Iterable[str]) -> list[str]:
    """The functions with those that they call, each behind what it calls."""
    return helper_source.closure(functions(), names)
