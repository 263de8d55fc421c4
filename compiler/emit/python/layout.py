"""Where a statement that is too long for a line is broken: in the brackets that it has, else in some put around it.

    x = (                        x = f(
        x                            first, second
        + params["..."]          )
    )

The rules are those of `ruff format`: arguments stand together on the next line or one a line, the items of lists and
dicts one a line. A sum gets brackets of its own unless it begins or ends in some that can be broken.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from neuralc.emit.python.pretty import SOFT, Document, Group, IfBroken, Indented, Line, printed

_BINDING: Mapping[type[ast.AST], int] = {
    ast.IfExp: 0, ast.Or: 1, ast.And: 2, ast.Compare: 3, ast.BitOr: 4, ast.BitXor: 5, ast.BitAnd: 6, ast.LShift: 7,
    ast.RShift: 7, ast.Add: 8, ast.Sub: 8, ast.Mult: 9, ast.MatMult: 9, ast.Div: 9, ast.FloorDiv: 9, ast.Mod: 9,
    ast.Pow: 10, ast.Attribute: 11,
}  # fmt: skip
"""How tightly operators bind (Python language reference, 6.17)."""


def laid_out(statement: str, width: int) -> list[str]:
    """The lines of an assignment, a return or an expression. One is too long only where nothing in it can be broken."""
    if len(statement) <= width or statement.endswith(":"):
        return [statement]
    (node,) = ast.parse(statement).body
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Expr) or node.value is None:
        return [statement]
    source = _Source(statement)
    before = source.text(0, source.start(node.value))
    plain = printed([before, source.document(node.value)], width)
    if source.breaks_in_brackets(node.value) and len(plain[0]) <= width:
        return plain
    return printed([before, _brackets("()", source.document(node.value, inside=True))], width)


def _binding(node: ast.expr) -> int:
    return _BINDING[type(node.op if isinstance(node, ast.BinOp | ast.BoolOp) else node)]


def _brackets(pair: str, *inside: Document) -> Group:
    return Group([pair[0], Indented([SOFT, *inside]), SOFT, pair[1]])


def _listed(items: Sequence[Document]) -> list[Document]:
    """Items with a comma behind each, behind the last one only where they stand one a line."""
    found: list[Document] = []
    for item in items:
        found += [",", Line(), item] if found else [item]
    return [*found, IfBroken(",")]


class _Source:
    """The expressions of a text as documents."""

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()  # which is what the columns of `ast` count

    def text(self, start: int, end: int | None) -> str:
        return self._bytes[start:end].decode()

    def start(self, node: ast.expr) -> int:
        """Where a whole value begins, with brackets around it that are not its own."""
        start, before = node.col_offset, self.text(0, node.col_offset)
        return start - 1 if before.endswith("(") else start

    def _is_bracketed(self, node: ast.expr) -> bool:
        """Whether a part of an operation stands in brackets that are not its own."""
        before, after = self.text(0, node.col_offset), self.text(node.end_col_offset or 0, None)
        return before.endswith("(") and after.startswith(")")

    def _bare_items(self, node: ast.expr) -> Sequence[ast.expr]:
        """The items of a tuple without brackets."""
        is_bare = self.text(node.col_offset, node.col_offset + 1) != "("
        return node.elts if isinstance(node, ast.Tuple) and is_bare else ()

    # -- documents -----------------------------------------------------------------------------------------------------

    def document(self, node: ast.expr, *, inside: bool = False) -> Document:
        """`inside` brackets lines may end at operators too."""
        match node:
            case ast.Call(args=[ast.GeneratorExp() as only], keywords=[]) if not self._is_bracketed(only.elt):
                return [self._part(node.func, inside), _brackets("()", self._comprehension(only))]
            case ast.Call(args=arguments, keywords=keywords) if arguments or keywords:
                return [self._part(node.func, inside), self._arguments(arguments, keywords)]
            case ast.Subscript():
                places = self._bare_items(node.slice) or [node.slice]
                shown = [self.document(place, inside=True) for place in places]
                return [self._part(node.value, inside), _brackets("[]", _listed(shown) if len(shown) > 1 else shown)]
            case ast.Attribute():
                return [self._part(node.value, inside), f".{node.attr}"]
            case ast.Dict() if node.keys:
                return _brackets("{}", *_listed([*self._entries(node)]))
            case ast.Tuple(elts=items) if self._bare_items(node):
                shown = [self.document(item, inside=inside) for item in items]
                return [part for item in shown for part in (", ", item)][1:]
            case ast.List(elts=items) | ast.Tuple(elts=items) if items:
                shown = [self.document(item, inside=True) for item in items]
                single = isinstance(node, ast.Tuple) and len(items) == 1
                pair = "()" if isinstance(node, ast.Tuple) else "[]"
                return _brackets(pair, *([*shown, ","] if single else _listed(shown)))
            case ast.ListComp():
                return _brackets("[]", self._comprehension(node))
            case ast.GeneratorExp():
                return _brackets("()", self._comprehension(node))
            case ast.UnaryOp() | ast.Starred():
                part = node.operand if isinstance(node, ast.UnaryOp) else node.value
                return [self.text(node.col_offset, part.col_offset).removesuffix("("), self._part(part, inside)]
            case ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.IfExp():
                parts = [*self._operation(node, inside)]
                return Group(parts) if inside else parts
        return self.text(node.col_offset, node.end_col_offset)

    def _part(self, node: ast.expr, inside: bool) -> Document:
        """A part of an operation, with the brackets around it that the text has."""
        if self._is_bracketed(node):
            return _brackets("()", self.document(node, inside=True))
        return self.document(node, inside=inside)

    def _arguments(self, arguments: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> Document:
        found = [self.document(argument, inside=True) for argument in arguments]
        for keyword in keywords:
            found.append([f"{keyword.arg}=" if keyword.arg else "**", self.document(keyword.value, inside=True)])
        return _brackets("()", Group(_listed(found) if len(found) > 1 else found))

    def _entries(self, node: ast.Dict) -> Iterator[Document]:
        for key, value in zip(node.keys, node.values, strict=True):
            shown = self.document(value, inside=True)
            yield ["**", shown] if key is None else [self.document(key, inside=True), ": ", shown]

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Group:
        parts = [self.document(node.elt, inside=True)]
        for each in node.generators:
            target = self.text(each.target.col_offset, each.target.end_col_offset)
            parts += [Line(), f"for {target} in ", self.document(each.iter, inside=True)]
            parts += [part for test in each.ifs for part in (Line(), "if ", self.document(test, inside=True))]
        return Group(parts)

    def _operation(self, node: ast.expr, inside: bool) -> Iterator[Document]:
        """The parts of an operation; a line ends in front of an operator, at all those that bind alike."""
        space: Document = Line() if inside else " "
        for operator, part in self._operands(node):
            if operator:
                yield from (space, f"{operator} ")
            yield self._part(part, inside)

    def _operands(self, node: ast.expr) -> list[tuple[str, ast.expr]]:
        """The parts of an operation with the operator in front of each; a sum of sums is one sum."""
        match node:
            case ast.BinOp(left=ast.BinOp() as left) if _binding(left) == _binding(node) and not self._is_bracketed(
                left
            ):
                found, parts = self._operands(left), [left, node.right]
            case ast.BinOp():
                found, parts = [("", node.left)], [node.left, node.right]
            case ast.Compare():
                found, parts = [("", node.left)], [node.left, *node.comparators]
            case ast.BoolOp():
                found, parts = [("", node.values[0])], node.values
            case ast.IfExp():
                found, parts = [("", node.body)], [node.body, node.test, node.orelse]
            case _:
                return []
        between = [
            (self.text(before.end_col_offset or 0, after.col_offset), after) for before, after in pairwise(parts)
        ]
        return found + [(text.strip(" ()"), after) for text, after in between]

    # -- brackets that are put around ----------------------------------------------------------------------------------

    def breaks_in_brackets(self, node: ast.expr) -> bool:
        """Whether a value is broken in its own brackets: it has no operators, or brackets at an end of its one."""
        if self._is_bracketed(node):
            return False
        operators = [*self._operators(node)]
        lowest = min(operators, default=_BINDING[ast.Attribute])
        if operators.count(lowest) > 1:
            return False
        return lowest == _BINDING[ast.Attribute] or self._opens(node, 0) or self._opens(node, 1)

    def _opens(self, node: ast.expr, end: int) -> bool:
        """Whether there are brackets at that end; subscripts are not broken where there is another way."""
        if self._is_bracketed(node):
            return True
        if items := self._bare_items(node):
            return self._opens(items[-end], end)
        part = _outer(node)[end]
        if part is not None:
            return self._opens(part, end)
        match node:
            case ast.Call():
                return bool(node.args or node.keywords)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Dict(values=items):
                return bool(items)
            case ast.ListComp() | ast.GeneratorExp():
                return True
        return False

    def _operators(self, node: ast.expr) -> Iterator[int]:
        """How tightly each operator binds that stands in no brackets; `.` is one behind brackets."""
        match node:
            case ast.Call():
                parts = [node.func]
            case ast.Subscript() | ast.Attribute():
                parts = [node.value]
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call | ast.Subscript):
                    yield _BINDING[ast.Attribute]
            case ast.Tuple(elts=items) if self._bare_items(node):
                parts = items
            case ast.UnaryOp():
                parts = [node.operand]
            case ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.IfExp():
                parts = [part for _, part in self._operands(node)]
                yield from [_binding(node)] * (1 if isinstance(node, ast.IfExp) else len(parts) - 1)
            case _:
                return
        for part in parts:
            if not self._is_bracketed(part):
                yield from self._operators(part)


def _outer(node: ast.expr) -> tuple[ast.expr | None, ast.expr | None]:
    """The parts of an operation that it begins and ends with; None where it has an end of its own."""
    match node:
        case ast.Call(func=part) | ast.Subscript(value=part) | ast.Attribute(value=part):
            return part, None
        case ast.BinOp(left=first, right=last) | ast.Compare(left=first, comparators=[*_, last]):
            return first, last
        case ast.BoolOp(values=[first, *_, last]) | ast.IfExp(body=first, orelse=last):
            return first, last
        case ast.UnaryOp(operand=part):
            return None, part
    return None, None
