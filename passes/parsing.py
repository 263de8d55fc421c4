"""Text to IR: a context with our dialects, and a parser whose errors are diagnostics and whose ops know their line."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.ir import Dialect, Operation
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from neuralc.grammar.diagnostics import Source, Span, error, suggest
from neuralc.passes.locations import file_location

DIALECTS: dict[str, tuple[str, str]] = {
    "builtin": ("xdsl.dialects.builtin", "Builtin"),
    "arith": ("neuralc.dialects.arith", "Arith"),
    "graph": ("neuralc.dialects.graph", "Graph"),
    "tensor": ("neuralc.dialects.tensor", "Tensor"),
    "kernel": ("neuralc.dialects.kernel", "Kernel"),
}
"""Dialect name -> module and object; imported when a text mentions the dialect."""


def make_context() -> Context:
    """An xDSL context that knows our dialects. xDSL's own `tensor` is never in it: the name is ours here."""
    context = Context()
    for name in DIALECTS:
        context.register_dialect(name, partial(load_dialect, name))
    return context


def load_dialect(name: str) -> Dialect:
    module, attribute = DIALECTS[name]
    dialect = getattr(import_module(module), attribute)
    if not isinstance(dialect, Dialect):
        raise TypeError(f"{module}.{attribute} is not a dialect")
    return dialect


def parse_module(text: str, name: str = "<stdin>", *, context: Context | None = None) -> ModuleOp:
    """Parse IR of any level. An op without a `loc(...)` gets the line it stands on.

    Raises NeuralcError E0190. The module is parsed, not verified.
    """
    source = Source(name, text)
    try:
        return _LocatingParser(context or make_context(), source).parse_module()
    except ParseError as fault:
        span = Span(source, fault.span.start, max(fault.span.end, fault.span.start + 1))
        raise error("E0190", fault.msg, span) from None


class _LocatingParser(Parser):
    """xDSL leaves an op without `loc(...)` at an unknown place; here it is where it was read."""

    def __init__(self, context: Context, source: Source) -> None:
        super().__init__(context, source.text, source.name)
        self._source = source

    def parse_operation(self) -> Operation:
        start = self._current_token.span
        try:
            op = super().parse_operation()
        except (VerifyException, ValueError) as fault:  # a type, attribute or shape that contradicts itself
            raise ParseError(start, str(fault)) from None
        if isinstance(op.location, UnknownLoc):
            op.location = file_location(self._source.name, *self._source.position(start.start))
        return op

    def parse_optional_argument(self, expect_type: bool = True) -> Any:
        """xDSL prints the location of an argument and reads it only in blocks with a label; it is read here too."""
        argument = super().parse_optional_argument(expect_type)
        if isinstance(argument, Parser.Argument):
            argument.location = self.parse_optional_location()
        return argument

    def _get_op_by_name(self, name: str) -> type[Operation]:
        found = self.ctx.get_optional_op(name, dialect_stack=self._parser_state.dialect_stack)
        if found is not None:
            return found
        end = self._source.text.rfind(name, 0, self._current_token.span.start) + len(name)
        known = (op.name for op in self.ctx.loaded_ops)
        raise error(
            "E0190", f"unknown op `{name}`", Span(self._source, end - len(name), end), help=suggest(name, known)
        )
