"""Native code through the cache: a model in this process, or a shared library; compiled where it was not kept.

    model, said = load_model(path, options, tell, use=True)
    _, said = write_library(path, options, tell, destination, write, use=True)

A cache that cannot be used is no reason to stop: `said` has the reason, the compilation goes on without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from neuralc.cache.products import Code, Fields, Found, Place, kept_library
from neuralc.cache.store import VARIABLE, NotKept, Store
from neuralc.grammar.diagnostics import Diagnostic, Source
from neuralc.grammar.files_read import FileState, recorded, state_of
from neuralc.products import Product, Streamed

if TYPE_CHECKING:
    from neuralc.driver import Compilation, Options
    from neuralc.imported import ImportedModel
    from neuralc.runtime import Model

Given = Path | Source
Tell = Callable[[Sequence[Diagnostic]], None]
"""Shows the messages of a front end."""


def load_model(model: Given | ImportedModel, options: Options, tell: Tell, *, use: bool = True) -> tuple[Model, str]:
    """The model in this process, and what is to be said of the cache."""
    from neuralc.emit.llvm.loaded import is_crowded

    crowded = is_crowded()
    visit = Visit(model, options, use, crowded=crowded)
    found = visit.find()
    # Code for a crowded process is not what libraries are made of.
    library = partial(_compiled_again, model, options, found) if found is not None and crowded else None
    if found is not None and (kept := found.model(library)) is not None:
        tell(found.notices)
        return kept, visit.hit(found)
    from neuralc.emit.llvm.in_process import load_native
    from neuralc.emit.llvm.products import native_code

    compilation = visit.compiled(tell)
    native = native_code(compilation)
    made = load_native(native)
    visit.keep(compilation, lambda store: Code.of(native).kept_in(store))
    return made, visit.miss(compilation)


def _compiled_again(model: Given | ImportedModel, options: Options, found: Found) -> Iterator[bytes]:
    """The library of a model that was found, compiled. Raises ModelError E0990 where its files have changed."""
    from neuralc import driver
    from neuralc.emit.llvm.products import native_code
    from neuralc.runtime import ModelError

    now = Visit(model, options, True, crowded=True).find()
    if now is None or now.key != found.key:
        raise ModelError("E0990", "the model has changed since it was compiled", "compile it again")
    compilation = driver.load(model, options)
    driver.compile_to(compilation, "kernel")
    return native_code(compilation).library()


def write_library(
    model: Given, options: Options, tell: Tell, path: Path | None, write: Callable[[Product], None], *, use: bool = True
) -> tuple[Compilation | None, str]:
    """A shared library, by `write`; `path` is where it then stands, None where it is not kept in a file.

    Returns the compilation, where there was one, and what is to be said of the cache.
    """
    from neuralc import driver

    visit = Visit(model, options, use)
    found = visit.find()
    if found is not None and (pieces := found.library()) is not None:
        tell(found.notices)
        write(Streamed(pieces))
        if path is not None and "library" not in found.fields:
            visit.add(found, lambda store: kept_library(store, path))
        return None, visit.hit(found)
    compilation = visit.compiled(tell)
    write(driver.emit(compilation, "so"))
    if path is not None:
        visit.keep(compilation, lambda store: kept_library(store, path))
    return compilation, visit.miss(compilation)


class Visit:
    """One look into the cache for a model, and what comes of it."""

    def __init__(self, model: Given | ImportedModel, options: Options, use: bool, *, crowded: bool = False) -> None:
        self.model = model
        self.options = options
        self.started = time.perf_counter()
        self.files: dict[Path, FileState | None] = {}
        self.place: Place | None = None
        self.problem = ""
        """Why the cache is not used, or why nothing was kept."""
        store = Store.of_user()
        if not use:
            self.problem = "it was not asked for"
        elif not isinstance(model, Source | Path):
            self.problem = "the model has no file"
        elif is_watched(options):
            self.problem = "the passes are watched, or are not those of -O"
        elif store is None:
            self.problem = f"{VARIABLE} is empty"
        else:
            if isinstance(model, Path):
                self.files[model.absolute()] = state_of(model)
            self.place = Place.of(store, model, options, crowded=crowded)

    def find(self) -> Found | None:
        if self.place is None:
            return None
        try:
            return self.place.find()
        except NotKept as problem:
            self.problem, self.place = str(problem), None
            return None

    def compiled(self, tell: Tell) -> Compilation:
        """The model on the kernel level, and the files it was read from."""
        from neuralc import driver

        with recorded(self.files):
            compilation = driver.load(self.model, self.options)
        tell(compilation.notices)
        driver.compile_to(compilation, "kernel")
        return compilation

    def keep(self, compilation: Compilation, product: Callable[[Store], Fields]) -> None:
        if self.place is not None:
            self._try(lambda place: place.keep(compilation.notices, self.files, product(place.store)))

    def add(self, found: Found, product: Callable[[Store], Fields]) -> None:
        """Keep another product beside what was found."""
        self._try(lambda place: found.keep(product(place.store)))

    def _try(self, keep: Callable[[Place], None]) -> None:
        try:
            if self.place is not None:
                keep(self.place)
        except NotKept as problem:
            self.problem = str(problem)

    # -- what `-v` prints --------------------------------------------------------------------------------------------

    def hit(self, found: Found) -> str:
        return f"hit in {self._seconds:.2f} s ({found.key[:12]}){self._not_kept}"

    def miss(self, compilation: Compilation) -> str:
        """`miss, compiled in 1.42 s, LLVM 0.60 s in 2 threads`."""
        said = f"compiled in {self._seconds:.2f} s"
        if compilation.native is not None:
            llvm = compilation.native.compiled
            said += f", LLVM {llvm.seconds:.2f} s in {llvm.threads} thread{'s' if llvm.threads > 1 else ''}"
        return f"not used ({self.problem}), {said}" if self.place is None else f"miss, {said}{self._not_kept}"

    @property
    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    @property
    def _not_kept(self) -> str:
        return f"; not kept: {self.problem}" if self.problem else ""


def is_watched(options: Options) -> bool:
    """Whether a user wants to see how a product is made, or has it made in another way."""
    from neuralc.cli_instruments import Watch

    chosen = (options.pass_pipeline, options.compile_from, options.compile_to)
    return options.watch != Watch() or options.verify_each or any(each is not None for each in chosen)
