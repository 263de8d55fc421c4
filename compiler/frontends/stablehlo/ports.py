"""Names of inputs, outputs and weights: jax writes paths of trees, `params['encoder'][0].kernel`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

KEY = re.compile(r"\[(?:'([^']*)'|\"([^\"]*)\"|(\d+))\]|\.?([A-Za-z_]\w*)")
"""A step of a path: `['key']`, `[0]`, `.field`."""


def path_of(text: str) -> str:
    """`['encoder'][0].kernel` as `encoder.0.kernel`, the name of a weight."""
    return ".".join(next(filter(None, groups)) for groups in KEY.findall(text))


def identifier(text: str) -> str:
    """`x['image']` as `x_image`, a name of an input or an output."""
    name = re.sub(r"\W+", "_", path_of(text) or text, flags=re.ASCII).strip("_") or "value"
    return f"v{name}" if name[0].isdigit() else name


def unique(names: Iterable[str]) -> list[str]:
    """The names, with a number behind those that came before."""
    found: list[str] = []
    for name in names:
        other, count = name, 1
        while other in found:
            other, count = f"{name}_{count}", count + 1
        found.append(other)
    return found


def output_names(infos: Sequence[str]) -> list[str]:
    """Names of results from `jax.result_info`: the keys of a dictionary that is returned, else their place."""
    paths = [path_of(re.sub(r"^result\b", "", info)) for info in infos]
    names = [path.replace(".", "_") for path in paths]
    if len(infos) == 1:
        return [names[0] if names[0] and not names[0].isdigit() else "output"]
    return unique(
        f"output_{name or index}" if not name or name[0].isdigit() else name for index, name in enumerate(names)
    )
