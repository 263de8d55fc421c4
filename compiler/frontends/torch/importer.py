"""Walks a program: every call is converted by its handler, what cannot be is listed with the user's line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xdsl.ir import Attribute, Block, Operation
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.types import Shape, ShapeError
from neuralc.frontends.builder import Builder, hint
from neuralc.frontends.refusals import Refusals, Refused, shown
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch import dtypes, expressions
from neuralc.frontends.torch.names import scopes, value_name
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.program import Argument, Call, DType, Expression, Extent, Name, Result, Spec
from neuralc.frontends.torch.registry import Operator, find
from neuralc.frontends.values import Value
from neuralc.grammar.diagnostics import Diagnostic, error
from neuralc.passes.scopes import located

if TYPE_CHECKING:
    from collections.abc import Iterator

UNREAD = ("layout", "device", "pin_memory", "memory_format", "non_blocking", "requires_grad")
"""Keyword arguments that say where and how memory lies, not what is in it."""

UNSUPPORTED = "E0632"


@dataclass
class Importer:
    """One import. `values` are the tensors of the program; None stands for those of refused calls."""

    builder: Builder
    names: Mapping[str, str] = field(default_factory=dict)
    """The user's names of torch's symbols."""
    values: dict[str, Value | None] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=lambda: Refusals(code=UNSUPPORTED))
    notices: list[Diagnostic] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    """Where each of torch's symbols comes from, for messages."""

    # --- sizes ---------------------------------------------------------------------------------------------------
    def size(self, extent: Extent) -> Size:
        """Raises Refused for an expression that is none of the compiler's."""
        return extent if isinstance(extent, int) else expressions.read(extent.text, self.symbol)

    def symbol(self, name: str) -> Size:
        return self.builder.symbols.named(self.names.get(name, name), self.origins.get(name, f"torch's symbol {name}"))

    def type_of(self, spec: Spec | None) -> tuple[Attribute, Shape] | None:
        if spec is None:
            return None
        return dtypes.element(spec.dtype), tuple(self.size(extent) for extent in spec.shape)

    # --- calls ---------------------------------------------------------------------------------------------------
    def call(self, call: Call, used: frozenset[str] | set[str]) -> None:
        """Convert one call; its results are among the values afterwards. `used` are names that somebody reads.

        Raises NeuralcError E0631 where it uses what there is not.
        """
        unknown = next((name for name in call.used() if name not in self.values), None)
        if unknown is not None:
            raise error("E0631", f"`{shown(call.name)}` uses `{shown(unknown)}`, which nothing in the program makes")
        operator = find(call.base, call.overload)
        if operator is None:
            self._refuse(call, "not compiled yet")
        elif all(self.values.get(name) is not None for name in call.used()):
            try:
                self._convert(operator, call, used)
                return
            except Refused as refused:
                self._refuse(call, str(refused))
            except (ShapeError, VerifyException) as problem:
                self._refuse(call, f"its operands do not fit: {problem}")
        self.values.update((result.name, None) for result in call.results if result is not None)

    def _refuse(self, call: Call, reason: str) -> None:
        where = f"{call.path or 'the module itself'}, {call.place}" if call.place else call.path or call.name
        self.refusals.add(call.op, reason, where)

    def _convert(self, operator: Operator, call: Call, used: frozenset[str] | set[str]) -> None:
        results = [self.type_of(result.spec) if result is not None else None for result in call.results]
        wanted = [result is not None and result.name in used for result in call.results]
        name = value_name(call)
        node = Node(name, self.builder, call.base, results, wanted)
        args = [self._argument(argument) for argument in call.args]
        kwargs = {key: self._argument(each) for key, each in call.kwargs.items() if key not in UNREAD}
        last = self.builder.main.last_op
        with self._at(call, name):
            try:
                found = operator.handler(node, *args, **kwargs)
            except TypeError as problem:
                if not _is_call_of(operator, problem):
                    raise
                raise Refused(f"called as {call.overload}: {_missing(problem)}") from None
        values = [found] if isinstance(found, Value) else list(found)
        _name(values, name, _behind(last, self.builder.main))
        for result, value in zip(call.results, values, strict=False):
            if result is not None and value is not None:
                self.values[result.name] = self._checked(node, value, result)
        missing = [result.name for result in call.results if result is not None and result.name not in self.values]
        if any(name in used for name in missing):
            raise Refused("with a result that is not computed")

    def _checked(self, node: Node, value: Value, result: Result) -> Value:
        """A result has the type and the shape that torch says. Raises ShapeError."""
        expected = self.type_of(result.spec)
        if expected is None:
            return value
        element, shape = expected
        if value.element != element or value.rank != len(shape):
            raise ShapeError(f"{value.type} where torch has {element} of {len(shape)} dims")
        for ours, theirs in zip(value.shape, shape, strict=True):
            if ours != theirs:
                self.builder.symbols.unify(ours, theirs)
        return value

    def _argument(self, argument: Argument) -> Any:
        match argument:
            case Name(text):
                return self.values[text]
            case Expression():
                return self.size(argument)
            case DType(text):
                return dtypes.element(text)
            case list() | tuple():
                return [self._argument(each) for each in argument]
            case complex():
                raise Refused("with a complex number")
        return argument

    # --- places --------------------------------------------------------------------------------------------------
    @contextmanager
    def _at(self, call: Call, name: str) -> Iterator[None]:
        """Ops made here get the location of the call, and the modules around it."""
        before, self.builder.location = self.builder.location, located(name, list(scopes(call)))
        try:
            yield
        finally:
            self.builder.location = before


def _name(values: Sequence[Value | None], name: str, made: Sequence[Operation]) -> None:
    """The results have the name of the call; what was made on the way has its op behind it."""
    results = {value.ssa for value in values if value is not None}
    for op in made:
        for ssa in op.results:
            if ssa not in results and ssa.name_hint == hint(name):
                ssa.name_hint = hint(f"{name}_{op.name.partition('.')[2]}")


def _behind(last: Operation | None, block: Block) -> list[Operation]:
    """The ops of a block behind one of them."""
    op = block.last_op
    found: list[Operation] = []
    while op is not None and op is not last:
        found.append(op)
        op = op.prev_op
    return found


def _is_call_of(operator: Operator, problem: TypeError) -> bool:
    """True where the handler itself could not be called, and nothing inside of it failed."""
    trace = problem.__traceback__
    return trace is not None and trace.tb_next is None


def _missing(problem: TypeError) -> str:
    return str(problem).partition("() ")[2] or str(problem)
