"""Settings of a compilation as they stand on a command line, turned into what passes need: a target and weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from neuralc.dialects.weights import WeightStore
    from neuralc.passes.base import PassContext
    from neuralc.passes.target import Target


def make_pass_context(settings: Mapping[str, str], module: ModuleOp) -> PassContext:
    """A pass context from `target`, `mcpu`, `triple`, `arch`, `threads`, `weights`; each may be missing.

    There is no target when none of the first four is given: a pass that needs one says so.
    """
    from neuralc.passes.base import PassContext

    context = PassContext(options=dict(settings))
    if "weights" in settings:
        context.weights = load_weights(Path(settings["weights"]), module)
    if any(name in settings for name in ("target", "mcpu", "triple", "arch")):
        context.target = make_target(settings)
    return context


def make_target(settings: Mapping[str, str]) -> Target:
    from neuralc.passes.target import resolve_target

    return resolve_target(
        settings.get("target", "cpu"),
        mcpu=settings.get("mcpu"),
        triple=settings.get("triple"),
        arch=settings.get("arch"),
    )


def load_weights(
    path: Path, module: ModuleOp, own: WeightStore | None = None, *, imported: bool = False
) -> WeightStore:
    """Weights for a module that no program declares: a .safetensors file, or the weights folder of a dump.

    `own` are those that the model came with; of an imported one code is written as of a model without structure. Below
    the graph level there is no code of a framework, whose names a file could have.
    """
    if path.is_dir():
        from neuralc.passes.dump import load_weights_folder

        return load_weights_folder(path)
    from neuralc.code_weights import CodeOfModel
    from neuralc.passes.pipelines import level_of
    from neuralc.weights_file import declared_weights, read_weights

    code = CodeOfModel(module, own, imported) if level_of(module) == "graph" else None
    store, _ = read_weights(path, declared_weights(module), code=code)
    return store
