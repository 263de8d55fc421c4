"""A compiled model as Python runs it: arrays in, arrays out."""

from __future__ import annotations

import atexit
import os
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from neuralc.runtime.arrays import order_inputs
from neuralc.runtime.contexts import Context
from neuralc.runtime.description import Description, Dim, Port, format_shape
from neuralc.runtime.errors import ModelError
from neuralc.runtime.interface import Interface
from neuralc.runtime.sizes import SizeTable

OFTEN = 8
"""Calls of the slow way after which one that is direct is worth making; the next one after so many times more."""
SHORT = 1e-3
"""Seconds of a call of which the way from Python to native code is a part that counts."""


class DirectCalls(NamedTuple):
    """Functions for calls on dense arrays of some shapes, which have a context to themselves."""

    call: Callable[..., Any]
    """Takes the inputs."""
    into: Callable[..., Any] | None
    """Takes the inputs and memory for the output, where there is one."""
    is_busy: Callable[[], bool]
    """Whether a thread is in one of them."""


_MakeDirect: TypeAlias = Callable[
    [Context, tuple[tuple[int, ...], ...], Callable[..., Any], Callable[..., Any]], DirectCalls
]


class _Shared:
    """Contexts that wait for the next call, of whatever thread."""

    def __init__(self) -> None:
        self.contexts: list[Context] = []


class _OfThread(threading.local):
    """The same for each thread by itself: a context with states goes on with its own thread."""

    def __init__(self) -> None:
        self.contexts: list[Context] = []


class Model:
    """A model that is ready to run; all threads may call it at once.

        y = model(x)                     # numpy in, numpy out, or anything with DLPack
        a, b = model(image=x, meta=m)    # several outputs: a tuple in the model's order
        model(x, out=y)                  # no new array

    Inputs have the model's dtypes, nothing is converted; dense ones are not copied. Outputs are fresh arrays.

    A model with states (a stateful LSTM, a key/value cache) goes on from call to call, in each thread by itself: what
    one thread does is not seen in another, nor by another Model of the same file. `reset` lets all begin anew, and so
    does fork() in the child.
    """

    def __init__(
        self,
        interface: Interface,
        *,
        threads: int | None,
        library: Callable[[], Iterable[bytes | memoryview]],
        direct: _MakeDirect | None = None,
    ) -> None:
        """`library` gives the bytes of a shared library with this model, in pieces. Raises ModelError E0907.

        `direct(context, shapes, slow, slow_into)` makes functions that call the slow ones for all other arrays.
        """
        missing = interface.missing_feature
        if missing is not None:
            raise ModelError(
                "E0907",
                f"the model was compiled for processors with {missing}, this one lacks it",
                "compile it here, or with `--mcpu` for an older processor",
            )
        self._interface = interface
        self._description = Description.parse(interface.metadata)
        self._names = [port.name for port in self._description.inputs]
        self._count = len(self._names)
        self._sizes = SizeTable(interface, self._description)
        self._threads = threads or 0
        self._library = library
        self._idle = _OfThread() if self._description.states else _Shared()
        self._resets = 0
        self._make_direct = None if self._description.states else direct
        self._call: Callable[..., Any] | None = None
        self._call_into: Callable[..., Any] | None = None
        self._direct: tuple[Context, DirectCalls] | None = None
        self._slow_calls = 0
        self._patience = OFTEN
        # Errors of threads and memory belong here rather than to the first call.
        self._idle.contexts.append(self._context())
        _MODELS.add(self)

    def __call__(self, *given: Any, out: Any = None, **named: Any) -> Any:
        """Run the model on inputs by position or by name.

        Raises ModelError E0904 for an input that does not fit, E0908 for `out`, E0909 where memory is missing,
        E0910 and E0911 for data that the model cannot compute with, E0912 for sizes that its states do not have.
        """
        if not named:
            if out is None:
                if (call := self._call) is not None:
                    return call(*given)
            elif (call_into := self._call_into) is not None:
                return call_into(*given, out)
        return self._run(given, out, named)

    def _run(self, given: tuple[Any, ...], out: Any, named: Mapping[str, Any]) -> Any:
        inputs: Sequence[Any] = given
        if named or len(given) != self._count:
            inputs = self._order(given, named)
        # Appending to and popping from a list is one step for threads: each gets a context of its own.
        idle = self._idle.contexts
        try:
            context = idle.pop()
        except IndexError:
            context = self._context()
        if context.resets != self._resets:
            context.reset(self._resets)
        self._slow_calls += 1
        if self._slow_calls == self._patience and self._make_direct is not None:
            self._patience *= OFTEN
            return self._run_last(context, inputs, out)
        try:
            return context.run(inputs, out)
        finally:
            idle.append(context)

    def _run_last(self, context: Context, inputs: Sequence[Any], out: Any) -> Any:
        """Run the slow way; calls like this one are direct from now on, if what that saves counts."""
        start = time.perf_counter()
        try:
            found = context.run(inputs, out)
        except BaseException:
            self._idle.contexts.append(context)
            raise
        if self._make_direct is None or context.shapes is None or time.perf_counter() - start > SHORT:
            self._idle.contexts.append(context)
        else:
            # Not a method: a cycle would keep the weights until they are collected.
            slow, slow_into = (partial(way, weakref.ref(self)) for way in (_run_slowly, _run_slowly_into))
            direct = self._make_direct(context, context.shapes, slow, slow_into)
            self._direct, self._call, self._call_into = (context, direct), direct.call, direct.into
        return found

    def _forget_direct(self) -> tuple[Context, DirectCalls] | None:
        """Calls go the slow way again; gives what was direct."""
        direct, self._direct, self._call, self._call_into = self._direct, None, None, None
        return direct

    def _order(self, inputs: tuple[Any, ...], named: Mapping[str, Any]) -> Sequence[Any]:
        if not inputs and len(named) == len(self._names):
            try:
                return [named[name] for name in self._names]
            except KeyError:  # the long way says what is wrong
                pass
        return order_inputs(self._description.inputs, inputs, named)

    def _context(self) -> Context:
        return Context(self._interface, self._description, self._sizes, self._threads, self._resets)

    @property
    def name(self) -> str:
        return self._description.name

    @property
    def inputs(self) -> tuple[Port, ...]:
        return self._description.inputs

    @property
    def outputs(self) -> tuple[Port, ...]:
        return self._description.outputs

    @property
    def states(self) -> tuple[Port, ...]:
        """What the model keeps between calls."""
        return self._description.states

    @property
    def dims(self) -> tuple[Dim, ...]:
        """The sizes that inputs fix at run time."""
        return self._description.dims

    @property
    def metadata(self) -> Mapping[str, Any]:
        """All that the artifact says about itself."""
        return self._description.metadata

    def reset(self) -> None:
        """Forget what the model keeps between calls: the next call is the first one, in each thread."""
        # A context is reset by the thread that runs it next: another one may be running it now.
        self._resets += 1

    def save(self, path: str | PathLike[str]) -> None:
        """Write a shared library that `neuralc.load` and C programs load, whole or not at all. Raises E0990."""
        _write(Path(fspath(path)), self._library())

    def __repr__(self) -> str:
        inputs = ", ".join(map(str, self.inputs))
        outputs = ", ".join(f"{port.name}: {port.dtype} {format_shape(port.shape)}" for port in self.outputs)
        return f"<model {self.name}: {inputs} -> {outputs}>"


def _run_slowly(reference: weakref.ref[Model], *given: Any) -> Any:
    return _of(reference)._run(given, None, {})


def _run_slowly_into(reference: weakref.ref[Model], *given: Any) -> Any:
    return _of(reference)._run(given[:-1], given[-1], {})


def _of(reference: weakref.ref[Model]) -> Model:
    """A model that is being called."""
    model = reference()
    if model is None:
        raise ReferenceError("the model is gone")
    return model


def _write(path: Path, data: Iterable[bytes | memoryview]) -> None:
    """A temporary file beside the product, renamed onto it: a running program keeps the old one."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(data)
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o777 & ~umask)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink()
            raise
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise ModelError("E0990", f"cannot write {path}: {reason}", "check the folder") from None


_MODELS: weakref.WeakSet[Model] = weakref.WeakSet()


def _close_idle() -> None:
    """At exit the threads of idle contexts end before their code is unloaded; those in use are left to the system."""
    for model in list(_MODELS):
        idle = model._idle.contexts
        while idle:
            idle.pop().close()
        direct = model._forget_direct()
        if direct is not None and not direct[1].is_busy():
            direct[0].close()


def _forget_idle() -> None:
    """A forked process has the memory of contexts and none of their threads: it makes contexts of its own."""
    for model in list(_MODELS):
        model._idle = type(model._idle)()
        model._forget_direct()


atexit.register(_close_idle)
os.register_at_fork(after_in_child=_forget_idle)
