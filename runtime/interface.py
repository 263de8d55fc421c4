"""The functions of neuralc.h as Python calls them: from a library that was loaded, or code made in this process."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from neuralc.runtime.errors import ModelError
from neuralc.runtime.workers import Workers, shared_workers

ABI_VERSION = 4

RUN_ERRORS = {9: "E0910", 10: "E0911", 11: "E0912"}
"""Statuses of a run that have codes of their own: its data ended it, or it does not continue the one before."""

HELP = {
    "E0910": "tokens have to be some that the model knows; states that were full are reset now",
    "E0912": "call `reset()` before a run with other sizes",
}

_INT = ctypes.c_int32
_POINTER = ctypes.c_void_p
_TEXT = ctypes.c_char_p


class Options(ctypes.Structure):
    """nrc_options."""

    _fields_ = (("size", ctypes.c_uint64), ("threads", ctypes.c_int32), ("reserved", ctypes.c_int32))


class Interface:
    """The C functions of one artifact. Calls release the interpreter lock.

    `address` gives a function's address by its name and raises KeyError where there is none; `owner` keeps all that is
    needed in memory as long as the interface lives, `code` the code alone.
    """

    def __init__(self, address: Callable[[str], int], owner: object, code: object) -> None:
        self.owner = owner

        def bind(name: str, result: Any, *arguments: Any) -> Any:
            try:
                return ctypes.CFUNCTYPE(result, *arguments)(address(name))
            except KeyError:
                raise ModelError(
                    "E0905", f"the library has no function `{name}`", "compile the model with `neuralc model.nr`"
                ) from None

        self._abi_version = bind("nrc_abi_version", ctypes.c_uint32)
        if self._abi_version() != ABI_VERSION:
            raise ModelError(
                "E0906",
                f"the artifact has ABI version {self._abi_version()}, this runtime has {ABI_VERSION}",
                "compile the model again, or use the neuralc that compiled it",
            )
        use_pool = bind("nrc_use_pool", None, _POINTER)
        use_pool(None)  # a library that was used before may still have the pool of a model that is gone
        self._workers = shared_workers(Workers(bind("nrc_get_pool", _POINTER)(), code))
        use_pool(self._workers.pool)
        self.model = _POINTER(bind("nrc_get_model", _POINTER)())
        self._status_string = bind("nrc_status_string", _TEXT, _INT)
        self._missing_feature = bind("nrc_model_missing_feature", _TEXT, _POINTER)
        self._metadata = bind("nrc_model_metadata", _TEXT, _POINTER)
        self._create = bind("nrc_context_create", _INT, _POINTER, _POINTER, _POINTER)
        self._shapes = (
            bind("nrc_input_shape", _INT, _POINTER, _POINTER, _INT, _POINTER),
            bind("nrc_output_shape", _INT, _POINTER, _POINTER, _INT, _POINTER),
        )
        self.destroy = bind("nrc_context_destroy", None, _POINTER)
        self.reset = bind("nrc_context_reset", None, _POINTER)
        self.run = bind("nrc_run", _INT)
        """Called with four ctypes pointers or arrays; without declared argument types a call takes half as long."""

    @property
    def metadata(self) -> str:
        return bytes(self._metadata(self.model)).decode()

    @property
    def missing_feature(self) -> str | None:
        """What the model needs of the processor and does not find, or None."""
        name = self._missing_feature(self.model)
        return None if name is None else bytes(name).decode()

    def status(self, code: int) -> str:
        return bytes(self._status_string(code)).decode()

    def create(self, threads: int) -> ctypes.c_void_p:
        """A new context. Raises ModelError E0909."""
        options = Options(ctypes.sizeof(Options), threads, 0)
        context = _POINTER()
        code = self._create(self.model, ctypes.byref(options), ctypes.byref(context))
        if code != 0:
            raise self.failure(code)
        return context

    def shape(self, kind: int, index: int, rank: int, dims: Any) -> tuple[int, ...] | None:
        """The sizes of input (`kind` 0) or output (1) number `index`; None where a dim is outside of its bounds."""
        sizes = (ctypes.c_int64 * rank)()
        if self._shapes[kind](self.model, dims, index, sizes) != 0:
            return None
        return tuple(sizes)

    def failure(self, code: int) -> ModelError:
        """The error of a status."""
        error = RUN_ERRORS.get(code, "E0909")
        return ModelError(error, self.status(code), HELP.get(error))
