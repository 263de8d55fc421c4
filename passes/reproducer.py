"""Reproducers: the IR before a failing pass, with the pipeline and settings that make it fail again, in one file.

// neuralc reproducer, run it with: neuralc-opt --run-reproducer <this file>
// pipeline: tensor-fuse-elementwise{max-ops=3}
// target: cpu
// error[E9901]: pass `tensor-fuse-elementwise` failed: KeyError: ...
builtin.module { ... }
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module
from neuralc.passes.registry import format_pipeline

_TITLE = "// neuralc reproducer, run it with: neuralc-opt --run-reproducer <this file>"
SETTINGS = ("target", "mcpu", "triple", "threads", "weights")
"""Settings of a compilation that a reproducer repeats, as they stood on the command line (`PassContext.options`)."""


@dataclass(frozen=True)
class Reproducer:
    """What a reproducer file says."""

    pipeline: str
    settings: dict[str, str]
    text: str


def write_reproducer(
    text: str, passes: Sequence[ModulePass], context: PassContext, fault: Exception, path: Path | None = None
) -> Path:
    """Write the reproducer of `passes` on the module of `text` and return its path (default: a temporary file)."""
    header = [_TITLE, f"// pipeline: {format_pipeline(passes)}"]
    header += [f"// {name}: {context.options[name]}" for name in SETTINGS if name in context.options]
    header += [f"// {line}".rstrip() for line in str(fault).splitlines()[:40]]
    content = "\n".join([*header, text])
    if path is None:
        name = hashlib.sha256(content.encode()).hexdigest()[:12]
        path = Path(tempfile.gettempdir()) / f"neuralc-reproducer-{name}.mlir"
    path.write_text(content, encoding="utf-8")
    return path


def replay(
    start_text: str, passes: Sequence[ModulePass], failed: int, context: PassContext
) -> tuple[str, Sequence[ModulePass]]:
    """The text before `passes[failed]` and the passes that are left to fail on it.

    A failed pass leaves its module half rewritten, and a copy before each pass would cost as much as the passes. So the
    module is made again from the text at the start of the pipeline: passes are deterministic.
    """
    try:
        module = parse_module(start_text)
        fresh = PassContext(target=context.target, weights=context.weights, options=context.options)
        for each in passes[:failed]:
            each.run_in(module, fresh)
        return print_module(module, locations=True), passes[failed : failed + 1]
    except Exception:  # the replay itself fails: the start of the pipeline is what can be given
        return start_text, passes[: failed + 1]


def read_reproducer(text: str, name: str) -> Reproducer:
    """The parts of a reproducer file. Raises E0190 when it is none."""
    if not text.startswith(_TITLE):
        raise error("E0190", f"{name} is not a reproducer", help="a reproducer starts with `// neuralc reproducer`")
    settings: dict[str, str] = {}
    for line in text.splitlines()[1:]:
        if not line.startswith("// "):
            break
        key, colon, value = line[3:].partition(": ")
        if colon and key in ("pipeline", *SETTINGS):
            settings.setdefault(key, value)
    return Reproducer(settings.pop("pipeline", ""), settings, text)
