"""Modules of PyTorch as their users write them, with example arguments: what importing and going back is tried on."""

from support.torch_modules import generative, sequences, structured, vision
from support.torch_modules.example import Example

MODULES: list[Example] = [*vision.EXAMPLES, *generative.EXAMPLES, *sequences.EXAMPLES, *structured.EXAMPLES]
