"""The line of the user's program that a call comes from, out of torch's stack traces."""

from __future__ import annotations

import re

LIBRARY = re.compile(r"site-packages|dist-packages|(^|/)torch/|lib/python|<")
"""Files of a stack trace that are not the user's."""


def innermost(trace: str) -> str:
    """The innermost line of the user's own files: `model.py:12`."""
    found: list[tuple[str, str]] = re.findall(r'File "([^"]+)", line (\d+)', trace)
    own = [entry for entry in found if not LIBRARY.search(entry[0])]
    chosen = own or found
    return f"{chosen[-1][0].rpartition('/')[2]}:{chosen[-1][1]}" if chosen else ""
