"""neuralc: compile neural networks. The package's face; every name loads what it needs on first use.

    model = neuralc.compile("m.nr", opt=2)      # .nr programs and IR dumps
    y = model(x)
    model.save("m.so"); neuralc.load("m.so")

`import neuralc.runtime` must cost numpy and nothing else, so nothing is imported here.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralc.api import compile, load

__all__ = ["__version__", "compile", "load"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("neuralc")
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("neuralc.api"), name)
    raise AttributeError(f"module 'neuralc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
