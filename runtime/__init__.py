"""Runs compiled models. Needs numpy alone, and never the compiler.

from neuralc.runtime import load
model = load("m.so")
y = model(x)
"""

from neuralc.runtime.description import Dim, Port
from neuralc.runtime.errors import ModelError
from neuralc.runtime.library import load
from neuralc.runtime.model import Model

__all__ = ["Dim", "Model", "ModelError", "Port", "load"]
