"""Programs that write into tensors, as programs that do not: each write makes a new tensor, views of it are made anew.

y = aten.select(x, 1, 0)            y = aten.select(x, 1, 0)
aten.fill_(y, 2)             ->     y' = aten.fill(y, 2)
z = aten.relu(x)                    x' = aten.select_scatter(x, y', 1, 0)
                                    z = aten.relu(x')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from neuralc.frontends.refusals import Refused
from neuralc.frontends.torch.program import Argument, Call, Name, Program, Result, Spec, names
from neuralc.grammar.diagnostics import NeuralcError, error

MAYBE = ("reshape", "flatten", "contiguous", "to", "reshape_as", "ravel")
"""Ops that give a view, or a copy where memory does not lie as it should: nobody writes through them and looks back."""

SHAPED = ("view", "unsqueeze", "squeeze", "unflatten", "view_as", "_unsafe_view", *MAYBE)
SAME = ("alias", "detach", "dropout", "feature_dropout", "lift_fresh", "positive")
TURNED = ("transpose", "permute", "t", "swapaxes", "movedim", "numpy_T", "mT")
PARTS = ("select", "slice", "narrow", "diagonal", "expand", "expand_as", "split", "split_with_sizes", "chunk", "unbind",
         "unfold", "tensor_split")  # fmt: skip
VIEWS = frozenset((*SHAPED, *SAME, *TURNED, *PARTS))
"""Ops whose results share memory with their first operand."""


def is_write(call: Call) -> bool:
    """`add_`, or the operator of an assignment; names of ops that only look so have two underscores in front."""
    return call.op.startswith("aten.") and call.base.endswith("_") and not call.base.endswith("__")


def without_writes(program: Program) -> Program:
    """The same program without writes. Raises Refused where a write reaches memory in a way that is not followed."""
    if not any(is_write(call) for call in program.calls):
        return program
    return _Rewriter(program).run()


def refused_write(reason: Refused) -> NeuralcError:
    return error(
        "E0633", f"the program holds {reason}", help="return what is computed, and keep what lasts in a buffer"
    )


@dataclass(frozen=True)
class _View:
    """A tensor that shares memory with another one, and the call that made it."""

    of: str
    call: Call
    index: int
    """Which of the results of the call it is."""


@dataclass
class _Rewriter:
    program: Program
    calls: list[Call] = field(default_factory=list)
    now: dict[str, str] = field(default_factory=dict)
    """What stands for a tensor after writes."""
    views: dict[str, _View] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    """Views whose memory was written otherwise."""
    specs: dict[str, Spec | None] = field(default_factory=dict)
    count: int = 0

    def run(self) -> Program:
        program = self.program
        held = {each.name: each for each in program.held}
        for port in program.inputs:
            self.specs[port.name] = port.spec
        for index, call in enumerate(program.calls):
            self._call(call, index)
        inputs = {port.name for port in program.inputs}
        written = dict(program.written)
        for name in self.now:
            if name in inputs:
                raise Refused(f"a write to the input `{name}`")
            if name in held:
                if held[name].kind != "buffer":
                    raise Refused(f"a write to `{held[name].target}`, which is no buffer")
                written[held[name].target] = Name(self._read(name))
        outputs = [replace(port, source=self._argument(port.source)) for port in program.outputs]
        return replace(program, calls=self.calls, outputs=outputs, written=written)

    def _call(self, call: Call, index: int) -> None:
        for result in call.results:
            if result is not None:
                self.specs[result.name] = result.spec
        if is_write(call):
            self._write(call, index)
            return
        self.calls.append(self._current(call))
        if call.base in VIEWS and call.args and isinstance(call.args[0], Name):
            for place, result in enumerate(call.results):
                if result is not None:
                    self.views[result.name] = _View(call.args[0].text, call, place)

    def _current(self, call: Call) -> Call:
        args = tuple(self._argument(argument) for argument in call.args)
        return replace(call, args=args, kwargs={key: self._argument(each) for key, each in call.kwargs.items()})

    def _argument(self, argument: Argument) -> Argument:
        if isinstance(argument, Name):
            return Name(self._read(argument.text))
        if isinstance(argument, list | tuple):
            return [self._argument(each) for each in argument]
        return argument

    def _read(self, name: str) -> str:
        """What stands for a tensor now; a view of something that was written is made anew."""
        if name in self.stale:
            self.stale.discard(name)
            view = self.views[name]
            results = tuple(
                Result(self._fresh(name), result.spec) if result is not None and place == view.index else None
                for place, result in enumerate(view.call.results)
            )
            self.calls.append(replace(self._current(view.call), results=results))
            made = results[view.index]
            if made is not None:
                self.now[name] = made.name
        return self.now.get(name, name)

    def _fresh(self, name: str) -> str:
        self.count += 1
        return f"{name}.{self.count}"

    # --- writes ------------------------------------------------------------------------------------------------------
    def _write(self, call: Call, index: int) -> None:
        """The op without its underscore; the tensor, and the result of the op, are its result from now on."""
        target = call.args[0] if call.args else None
        if not isinstance(target, Name):
            raise Refused(f"`{call.op}` writes to several tensors")
        result = call.results[0] if call.results else None
        spec = self.specs.get(target.text) or (result.spec if result is not None else None)
        made = result.name if result is not None else self._fresh(target.text)
        op = call.op.replace(f"{call.base}.", f"{call.base[:-1]}.", 1)
        self.calls.append(replace(self._current(call), op=op, results=(Result(made, spec),)))
        self._becomes(target.text, made, call, index)
        if result is not None:  # the same memory under a second name
            self.views[result.name] = _View(target.text, _alias(call, target.text, result), 0)

    def _becomes(self, name: str, made: str, call: Call, index: int) -> None:
        family = self._family(name)
        self.now[name] = made
        if not any(other in family for other in self._later(index)):
            return
        view = self.views.get(name)
        written = {name}
        while view is not None:
            parent = view.of
            made = self._whole(view, made, call)
            self.now[parent] = made
            self.stale.discard(parent)
            written.add(parent)
            view = self.views.get(parent)
        self.stale |= family - written

    def _later(self, index: int) -> set[str]:
        """Names that are used behind a call; what the program holds is looked at when it ends."""
        later = {name for call in self.program.calls[index + 1 :] for name in call.used()}
        later |= set(names([port.source for port in self.program.outputs]))
        return later | {each.name for each in self.program.held} | {port.name for port in self.program.inputs}

    def _family(self, name: str) -> set[str]:
        """All that shares memory with a tensor, but for itself."""
        root = self._root(name)
        return {each for each in (*self.views, root) if self._root(each) == root} - {name}

    def _root(self, name: str) -> str:
        while name in self.views:
            name = self.views[name].of
        return name

    def _whole(self, view: _View, made: str, call: Call) -> str:
        """What a view was taken of, with other values where the view is."""
        base = view.call.base
        inverse = _INVERSES.get(base)
        spec = self.specs.get(view.of)
        if inverse is None or spec is None:
            raise Refused(f"a write through what `{view.call.op}` gives")
        name = self._fresh(view.of)
        whole = replace(
            inverse(view.call, Name(self._read(view.of)), Name(made), spec), name=name, results=(Result(name, spec),),
            frames=call.frames, place=call.place,
        )  # fmt: skip
        self.calls.append(whole)
        return name


def _alias(call: Call, target: str, result: Result) -> Call:
    return replace(call, op="aten.alias.default", args=(Name(target),), kwargs={}, results=(result,))


_Inverse = Callable[[Call, Name, Name, Spec], Call]


def _scattered(op: str) -> _Inverse:
    def inverse(call: Call, whole: Name, part: Name, spec: Spec) -> Call:
        return replace(call, op=op, args=(whole, part, *call.args[1:]))

    return inverse


def _narrowed(call: Call, whole: Name, part: Name, spec: Spec) -> Call:
    _, dim, start, length = call.args
    if not isinstance(start, int) or not isinstance(length, int) or start < 0:
        raise Refused("a write through a part at a symbolic place")
    return replace(call, op="aten.slice_scatter.default", args=(whole, part, dim, start, start + length))


def _shaped(call: Call, whole: Name, part: Name, spec: Spec) -> Call:
    if call.base in MAYBE:
        raise Refused(f"a write through what `{call.op}` gives, which may be a copy")
    return replace(call, op="aten.view.default", args=(part, list(spec.shape)), kwargs={})


def _same(call: Call, whole: Name, part: Name, spec: Spec) -> Call:
    return replace(call, op="aten.alias.default", args=(part,), kwargs={})


def _turned_back(call: Call, whole: Name, part: Name, spec: Spec) -> Call:
    return replace(call, args=(part, *call.args[1:]))


def _permuted_back(call: Call, whole: Name, part: Name, spec: Spec) -> Call:
    rank = len(spec.shape)
    dims = call.args[1] if isinstance(call.args[1], list | tuple) else []
    order = [dim % rank for dim in dims if isinstance(dim, int)]
    return replace(call, args=(part, [order.index(axis) for axis in range(rank)]))


_INVERSES: Mapping[str, _Inverse] = {
    "select": _scattered("aten.select_scatter.default"),
    "slice": _scattered("aten.slice_scatter.default"),
    "narrow": _narrowed,
    **dict.fromkeys(SHAPED, _shaped),
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys(("transpose", "swapaxes", "t", "mT", "numpy_T"), _turned_back),
    "permute": _permuted_back,
}
"""Op of a view -> the call that puts it back where it was taken from."""
