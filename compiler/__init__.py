"""neuralc: compile neural networks. The package's face; every name loads what it needs on first use.

    model = neuralc.compile("m.nr", opt=2)      # .nr programs and IR dumps
    y = model(x)
    model.save("m.so"); neuralc.load("m.so")
    net = neuralc.Network("N"); x = net.input("x", (8,)); net.output(neuralc.layers.Dense(4)(x))

`import neuralc.runtime` must cost numpy and nothing else, so nothing is imported here.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuralc import layers
    from neuralc.api import compile, convert, load
    from neuralc.builder import Network
    from neuralc.frontends.keras.load import from_keras
    from neuralc.frontends.stablehlo.from_jax import from_jax
    from neuralc.frontends.torch.api import from_torch

__all__ = ["Network", "__version__", "compile", "convert", "from_jax", "from_keras", "from_torch", "layers", "load"]

_MODULES = dict.fromkeys(("compile", "convert", "load"), "neuralc.api") | {
    "Network": "neuralc.builder",
    "from_jax": "neuralc.frontends.stablehlo.from_jax",
    "from_keras": "neuralc.frontends.keras.load",
    "from_torch": "neuralc.frontends.torch.api",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("neuralc")
    if name == "layers":
        from importlib import import_module

        return import_module("neuralc.layers")
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'neuralc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
