"""`--dump-ir=DIR`: one numbered file for each pass that changed something, a page that leads through them, the weights.

DIR/000-input.mlir
DIR/007-tensor-fuse-elementwise.mlir      the number is the place in the pipeline
DIR/index.html                            passes, times, sizes, differences side by side
DIR/weights/index.json, <hash>.npy        the bytes of the module's weights by content; `--weights DIR/weights`
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import ModuleOp

from neuralc.grammar.diagnostics import error
from neuralc.grammar.files_read import reads
from neuralc.passes.base import PassContext
from neuralc.passes.dump_page import render_page
from neuralc.passes.manager import Instrument, Step
from neuralc.passes.printing import print_module

if TYPE_CHECKING:
    from neuralc.dialects.weights import WeightStore

WEIGHTS_INDEX = "index.json"


class DumpIr(Instrument):
    """Writes the folder as the pipeline runs, the page after every pass: it is whole even when a later pass fails."""

    wants_texts: ClassVar[bool] = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._steps: list[tuple[Step, str | None]] = []
        self._context = PassContext()
        self._input = ""

    def start(self, module: ModuleOp, context: PassContext) -> None:
        self._context = context
        self._input = print_module(module)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for old in self._folder.glob("[0-9][0-9][0-9]-*.mlir"):  # of an earlier run: the numbers would mix
                old.unlink()
        except OSError as fault:
            raise error("E0990", f"cannot write to the folder {self._folder}", note=str(fault)) from None
        self._write("000-input.mlir", self._input)
        self._page()

    def after_pass(self, module: ModuleOp, step: Step) -> None:
        file = f"{step.index:03}-{step.each.name}.mlir" if step.changed else None
        if file is not None:
            self._write(file, step.after)
        self._steps.append((step, file))
        self._page()

    def finish(self, module: ModuleOp) -> None:
        if self._context.weights:
            save_weights_folder(self._context.weights, self._folder / "weights")

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text, encoding="utf-8")

    def _page(self) -> None:
        self._write("index.html", render_page(self._input, self._steps))


def save_weights_folder(weights: WeightStore, folder: Path) -> None:
    """Write each array once under its content address, and `index.json` with the address of each name."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    index = {name: weights.digest(name) for name in sorted(weights)}
    for name, digest in index.items():
        file = folder / f"{digest}.npy"
        if not file.exists():
            np.save(file, weights[name], allow_pickle=False)
    (folder / WEIGHTS_INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def load_weights_folder(folder: Path) -> WeightStore:
    """The weights of a dump, memory-mapped. Raises E0901 when the folder holds none."""
    import numpy as np

    from neuralc.dialects.weights import WeightStore

    reads(folder / WEIGHTS_INDEX)
    try:
        index = json.loads((folder / WEIGHTS_INDEX).read_text(encoding="utf-8"))
        for digest in index.values():
            reads(folder / f"{digest}.npy")
        arrays = {
            name: np.load(folder / f"{digest}.npy", mmap_mode="r", allow_pickle=False) for name, digest in index.items()
        }
    except (OSError, ValueError) as fault:
        raise error("E0901", f"cannot read the weights folder {folder}", note=str(fault)) from None
    return WeightStore(arrays)
