"""Layers that installed packages bring, by the names that a model uses.

    [project.entry-points."neuralc.layers"]
    FourierFeatures = "neuralc_fourier:LAYER"

`LAYER` is a `LayerPlugin`: a signature, and either a macro of the language or a function that writes graph ops. A
package is imported when a model names its layer, never before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from neuralc.grammar.diagnostics import Source, error
from neuralc.grammar.entry_points import load_entry_point
from neuralc.grammar.library import Definition, Unit
from neuralc.grammar.parser import parse
from neuralc.grammar.signatures import Signature

LAYERS = "neuralc.layers"


@dataclass(frozen=True)
class LayerPlugin:
    """A layer that a package brings; it has an expansion or a lowering."""

    signature: Signature
    expansion: str | None = None
    """A macro in the language, with the signature's name and parameters: `define Name(units) { Dense(units) * 2 }`."""
    lower: Callable[..., Any] | None = None
    """As the layers of neuralc: `lower(site, arguments, *values)` gives the result, see neuralc.frontends.nr.site."""


@cache
def layer_plugin(name: str) -> LayerPlugin | None:
    """The plugin that brings a layer, loaded; None where nobody does. Raises NeuralcError E0705."""
    plugin = load_entry_point(LAYERS, name, LayerPlugin)
    if plugin is not None and (plugin.expansion is None) == (plugin.lower is None):
        raise error("E0705", f"the plugin of `{name}` needs an expansion or a lowering, and not both")
    return plugin


@cache
def expansion_of(plugin: LayerPlugin) -> Definition:
    """The macro that a plugin gives its layer. Raises NeuralcError E0705 where its text holds no such macro."""
    name = plugin.signature.name
    source = Source(f"<plugin {name}>", plugin.expansion or "")
    file = parse(source)
    unit = Unit(source, file)
    macros = {macro.name.value: macro for macro in file.macros}
    if name not in macros:
        raise error("E0705", f"the expansion of the plugin layer `{name}` defines no macro `{name}`")
    unit.definitions.update({key: Definition(macro, unit) for key, macro in macros.items()})
    return unit.definitions[name]
