"""Compiled models that are found again: what of a compilation is kept, and a model or a library made of that.

    place = Place.of(store, path, options)
    found = place.find()                      # None: compile it, then
    place.keep(notices, files, Code.of(native).kept_in(store))

The key of a model has two steps. What is known before it is read (its own content, options, versions, this machine)
leads to the list of the other files that it read: imports, weights, external data. Their content makes the key of the
product. A list that is out of date leads to a key that nothing has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuralc.cache.key import first_key, second_key
from neuralc.cache.messages import as_data, from_data
from neuralc.cache.store import NotKept, Store
from neuralc.grammar.diagnostics import Diagnostic, Source
from neuralc.grammar.files_read import FileState, state_of

if TYPE_CHECKING:
    from neuralc.driver import Options
    from neuralc.emit.llvm.products import NativeCode
    from neuralc.runtime import Model

PIECE = 1 << 20
FILES, PRODUCTS = "files", "products"
"""Kinds of entries: which files a model reads, and what was made of them."""
Fields = Mapping[str, Any]
Pieces = Iterator[bytes | memoryview]
Library = Callable[[], Pieces]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Place:
    """Where a model with its options is kept, or would be."""

    store: Store
    model: Path | Source
    first: str
    told: tuple[str, ...]
    """Paths as the user wrote them, which stand in messages."""

    @staticmethod
    def of(store: Store, model: Path | Source, options: Options, *, crowded: bool = False) -> Place:
        """`crowded` is said of a process that loads code of a form of its own, see neuralc.emit.llvm.loaded."""
        given = () if isinstance(model, Source) else (str(model),)
        told = (*given, *([str(options.weights)] if options.weights is not None else []))
        return Place(store, model, first_key(model, options, "crowded" if crowded else ""), told)

    def find(self) -> Found | None:
        """What was kept of the model as it is now. Raises NotKept for a cache that cannot be trusted."""
        known = self.store.entry(FILES, self.first)
        if known is None:
            return None
        key = self._second(known)
        fields = self.store.entry(PRODUCTS, key)
        return None if fields is None else Found(self.store, key, fields)

    def keep(self, notices: Sequence[Diagnostic], files: Mapping[Path, FileState | None], product: Fields) -> None:
        """Keep a product beside what is kept of this model already. Raises NotKept."""
        for path, before in files.items():
            if state_of(path) != before:
                raise NotKept(f"{path} has changed since it was read")
        others = sorted(str(self._relative(path)) for path in files if path != self._own)
        known: dict[str, Any] = {"files": others, "told": bool(notices)}
        key = self._second(known)
        kept = self.store.entry(PRODUCTS, key) or {}
        self.store.put(FILES, self.first, known)
        Found(self.store, key, {**kept, "notices": as_data(notices)}).keep(product)

    @property
    def _own(self) -> Path | None:
        return None if isinstance(self.model, Source) else self.model.absolute()

    def _relative(self, path: Path) -> Path:
        """Files of the model's folder are kept by their place in it: the folder may be called otherwise, or copied."""
        folder = self._folder
        return path.relative_to(folder) if path.is_relative_to(folder) else path

    @property
    def _folder(self) -> Path:
        return Path(self.model.name).absolute().parent if self._own is None else self._own.parent

    def _second(self, known: Fields) -> str:
        return second_key(
            self.first, (self._folder / path for path in known["files"]), self.told if known["told"] else ()
        )


@dataclass(frozen=True)
class Found:
    """What was kept of a model: objects and weights, a shared library, or both."""

    store: Store
    key: str
    fields: Fields

    def keep(self, product: Fields) -> None:
        """Keep another product of the same model. Raises NotKept."""
        self.store.put(PRODUCTS, self.key, {**self.fields, **product})
        self.store.shrink()

    @property
    def notices(self) -> Sequence[Diagnostic]:
        return from_data(self.fields["notices"])

    def model(self, library: Library | None = None) -> Model | None:
        """The model, loaded; None where its bytes are gone. Raises ModelError for one that this machine cannot run.

        `library` makes a shared library of it, where that is not made of the same code.
        """
        code = self._code()
        if code is not None:
            return code.model(library)
        if "library" in self.fields and self.store.blob(self.fields["library"]) is not None:
            from neuralc.runtime import load

            return load(self.store.blob_path(self.fields["library"]))
        return None

    def library(self) -> Pieces | None:
        """A shared library; None where its bytes are gone. Raises E0842 and E0843 as the linker does."""
        if "library" in self.fields:
            data = self.store.blob(self.fields["library"])
            if data is not None:
                return (data[start : start + PIECE] for start in range(0, len(data), PIECE))
        code = self._code()
        return None if code is None else code.library()

    def _code(self) -> Code | None:
        if "objects" not in self.fields:
            return None
        found = [self.store.blob(name) for name in self.fields["objects"]]
        objects = [bytes(each) for each in found if each is not None]
        weights = self._weights()
        if weights is None or len(objects) < len(found):
            return None
        return Code(objects, weights, self.fields["symbol"], self.fields["triple"])

    def _weights(self) -> Bytes | None:
        if self.fields["weights"] is None:
            return np.zeros(0, np.uint8)
        block = self.store.blob(self.fields["weights"])
        return None if block is None else np.frombuffer(block, np.uint8)


@dataclass(frozen=True)
class Code:
    """Objects of a model, and the block of its weights."""

    objects: Sequence[bytes]
    weights: Bytes
    symbol: str
    triple: str

    @staticmethod
    def of(native: NativeCode) -> Code:
        return Code(
            native.loadable.finish().objects,
            native.weights,
            native.description.weights_symbol,
            native.target.triple,
        )

    def kept_in(self, store: Store) -> Fields:
        """What `Found` finds it by. Raises NotKept."""
        return {
            "objects": [store.add([each]) for each in self.objects],
            "weights": store.add([self.weights.data]) if len(self.weights) else None,
            "symbol": self.symbol,
            "triple": self.triple,
        }

    def model(self, library: Library | None = None) -> Model:
        """The model, loaded. Raises ModelError for one that this machine cannot run."""
        from neuralc.emit.llvm.loaded import load_model

        return load_model(self.objects, self.symbol, self.weights, library or self.library)

    def library(self) -> Iterator[bytes]:
        """A shared library. Raises E0842 and E0843 as the linker does."""
        from neuralc.emit.llvm.link import link_model

        return link_model(self.objects, self.symbol, len(self.weights), [self.weights.data], self.triple)


def kept_library(store: Store, path: Path) -> Fields:
    """What `Found` finds a shared library by, that is in a file. Raises NotKept."""
    if not path.is_file():
        raise NotKept(f"{path} is no file")
    try:
        with path.open("rb") as file:
            return {"library": store.add(iter(lambda: file.read(PIECE), b""))}
    except OSError as fault:
        raise NotKept(f"cannot read {path}: {(fault.strerror or str(fault)).lower()}") from None
