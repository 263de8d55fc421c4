"""The `.nr` front end: a model file becomes a module of the graph dialect."""

from neuralc.frontends.nr.load import LoadedProgram, WeightDeclaration, load

__all__ = ["LoadedProgram", "WeightDeclaration", "load"]
