"""The helper functions of recurrent layers, as the layers of a file need them.

Where no layer is asked for its last states, functions return the outputs alone; `walk`, which all of them end with, has
the text for layers that all have a mask, or that all have none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from neuralc.dialects.graph import GruOp, LstmOp, RnnOp
from neuralc.emit.jax.helper_source import functions

Recurrent = LstmOp | GruOp | RnnOp

_WALK = re.compile(r"walk\((?P<before>cell, .*, x), (?P<mask>None|mask), (?P<reverse>\w+)\)")


def function_of(op: Recurrent) -> str:
    """The helper function that computes a layer."""
    if isinstance(op, LstmOp):
        name = "peephole_lstm" if op.peepholes is not None or op.literal("input_forget") else "lstm"
    elif isinstance(op, GruOp):
        name = "gru_reset_after" if op.literal("reset_after") else "gru"
    else:
        name = "rnn"
    return f"dropped_{name}" if op.literal("dropout") or op.literal("recurrent_dropout") else name


def without_last(module: ModuleOp) -> frozenset[str]:
    """The functions of which only outputs are read, never the last states."""
    found: dict[str, list[Operation]] = defaultdict(list)
    for op in module.walk():
        if isinstance(op, Recurrent):
            found[function_of(op)].append(op)
    return frozenset(
        name for name, ops in found.items() if not any(state.uses for op in ops for state in op.results[1:])
    )


def outputs_alone(text: str) -> str:
    """The text of a function without its last states."""
    text = re.sub(
        r"-> tuple\[Array(, Array)+\]:\n(    \"\"\"Outputs)(, | and )last [^;.]*", r"-> Array:\n\2", text, count=1
    )
    text = re.sub(r"return y(, \w)+$", "return y", text)
    return re.sub(r"\n    \((\w, )+\w?\), y = walk|\n    \(\w,\), y = walk", "\n    _, y = walk", text)


def fitted(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """`walk` and the texts of the functions that call it, by their names."""
    calls = {name: found for name, text in texts.items() if (found := _WALK.search(text))}
    masks = {_mask(texts[name], found["mask"]) for name, found in calls.items()}
    for name, found in calls.items():
        mask = "" if masks == {"none"} else f", {found['mask']}"
        reverse = "" if found["reverse"] == "False" else f", {found['reverse']}"
        yield name, texts[name].replace(found[0], f"walk({found['before']}{mask}{reverse})")
    which = {frozenset({"none"}): "unmasked_walk", frozenset({"always"}): "masked_walk"}.get(frozenset(masks), "walk")
    yield "walk", functions()[which].text.replace(f"def {which}(", "def walk(")


def _mask(text: str, given: str) -> str:
    """Whether a function has a mask always, sometimes or never."""
    if given == "None":
        return "none"
    return "sometimes" if "mask: Array | None" in text else "always"


def with_defaults(text: str) -> str:
    """A text without the options of `lax.scan` that it has by itself."""
    return text.replace(", reverse=False)", ")")
