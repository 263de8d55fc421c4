"""Names of a program: those of values, where one is used again, and those of layers, where weights want another one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from neuralc.emit.nr.plan import Item
from neuralc.emit.nr.values import Held, Value
from neuralc.emit.python.names import Names
from neuralc.frontends.nr.functions import Scope
from neuralc.grammar.signatures import find, layer_names, snake_case

RESERVED = frozenset({"layers", "true", "false", "none", "null", "hpo", "network", "define", "from", "research"})
"""Words that no value is called, though the language would let it."""

_PATH = re.compile(r"\w+(\.\w+)*", re.ASCII)
_PART = re.compile(r"(\w[\w.]*\.(?!weight_|bias_|kernel_)\w+)_(?:weight|bias|kernel)")
_EXPORTED = re.compile(r"_output(_\d+)?$")


def simple(name: str) -> str:
    """A word of letters, digits and underscores."""
    word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
    return f"x{word}" if word[0].isdigit() else word


@dataclass
class LayerNames:
    """The paths of the layers of one body, as the front end gives them."""

    scope: Scope = field(default_factory=Scope)
    within: str = ""
    """The path of the block that they stand in."""

    def path(self, item: Item) -> tuple[str, str | None]:
        """The path of a layer, and its `name` where it has to be written."""
        usual = scope_of(item)
        wanted = wanted_path(item)
        if wanted is not None and self.within:
            wanted = wanted.removeprefix(f"{self.within}.")
        expected = self._next(usual)
        if wanted is None or wanted == expected or not self._free(wanted):
            return self.scope.unique(usual), None
        self.scope.claim(wanted)
        return wanted, wanted

    def _next(self, usual: str) -> str:
        count, name = self.scope.counts.get(usual, 0), usual
        while not self._free(name):
            count += 1
            name = f"{usual}_{count}"
        return name

    def _free(self, name: str) -> bool:
        return self.scope.is_free(name)


def scope_of(item: Item) -> str:
    signature = find(item.call.name)
    return snake_case(item.call.name) if signature is None else signature.scope


def wanted_path(item: Item) -> str | None:
    """The path that gives the weights of a layer the names they have."""
    if item.path is not None:
        return item.path if item.weights and _PATH.fullmatch(item.path) else None
    symbols = [
        symbol
        for value in item.weights.values() if isinstance(value.source, Held)
        for symbol in value.source.origin.symbols
    ]  # fmt: skip
    if item.call.name == "Weight":
        paths = set(symbols)
    else:
        parts = [_PART.fullmatch(symbol) for symbol in symbols]
        # `attention.in_proj_weight` and `attention.in_proj_bias` are those of `attention.in_proj`.
        stems = {part[1] if part else "" for part in parts}
        paths = stems if len(stems) == 1 and stems != {""} else {each.rpartition(".")[0] for each in symbols} - {""}
    if len(paths) != 1:
        return None
    (path,) = paths
    return path if _PATH.fullmatch(path) else None


class ValueNames:
    """The names of the values of one body."""

    def __init__(self, taken: Sequence[str] = ()) -> None:
        self._names = Names([*RESERVED, *layer_names()])
        self._of: dict[Value, str] = {}
        for name in taken:
            self._names.claim(name)

    def give(self, value: Value, wanted: str | None = None) -> str:
        if value not in self._of:
            word = simple(wanted or short(value.hint) or "x")
            self._of[value] = self.claim(word)
        return self._of[value]

    def claim(self, word: str) -> str:
        return self._names.claim(word)

    def given(self, value: Value) -> str | None:
        return self._of.get(value)


def short(hint: str) -> str:
    """What a person would call a value of this path."""
    hint = _EXPORTED.sub("", hint)
    last = hint.rpartition(".")[2]
    if last.isdigit():
        last = ".".join(hint.split(".")[-2:])
    return last
