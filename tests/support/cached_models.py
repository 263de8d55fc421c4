"""A small program of two files, and what loading it through the cache gives."""

from collections.abc import Callable
from typing import TypeAlias

from neuralc.grammar.diagnostics import Diagnostic
from neuralc.runtime import Model

MODEL = """from "head.nr" import Head

network Small {
  input: (6)
  layers:
    Dense(4, "relu")
    Head()
  init: seed(3)
}
"""
HEAD = 'define Head() { Output(3, "softmax") }\n'

Loaded: TypeAlias = tuple[Model, str, list[Diagnostic]]
"""The model, what was said of the cache, and the messages that were shown."""
Load: TypeAlias = Callable[..., Loaded]
