"""Which expressions are written inside of which: `self.norm(x + self.dropout(y))` for three lines of one call each.

A value is written where it is used if that is the only use, if nothing else is computed in between, if a reader takes
the two for one step (`NESTED`), and if the line stays short: within the width, and no more than three calls deep.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence

from neuralc.emit.python.expressions import Expression, name
from neuralc.emit.python.form import Form
from neuralc.emit.python.nodes import DEEPEST, DEEPEST_IN, WEIGHT, Kind, Node
from neuralc.emit.python.writer import WIDTH


def nested_in(alive: Sequence[Node], uses: Mapping[Node, int], form: Form) -> set[Node]:
    """The nodes of a body that get no statement of their own; `alive` are all, in their order."""
    return _Nesting(alive, uses, form).chosen


def length_of(node: Node, chosen: Collection[Node]) -> int:
    """About how many columns an expression takes, with what is nested in it."""
    return len(_written(node, chosen).text)


class _Nesting:
    def __init__(self, alive: Sequence[Node], uses: Mapping[Node, int], form: Form) -> None:
        self.chosen: set[Node] = set()
        self._uses = uses
        self._form = form
        self._last = {id(node): place for place, node in enumerate(alive)}
        self._first = dict(self._last)
        """Where the first of the nodes stands that are written in the line of a node."""
        self._depth: dict[Node, int] = {}
        for node in alive:
            self._take_in(node)

    def _take_in(self, node: Node) -> None:
        """Nest what stands right in front of a node, the last of it first."""
        # A function in front of the statement reads what is around it by variables.
        kinds = frozenset() if node.bodies else self._form.nested.get(node.kind, frozenset())
        waiting = [source for source in dict.fromkeys(node.inputs) if source.kind in kinds and self._is_short(source)]
        while following := next((each for each in waiting if self._is_before(each, node)), None):
            waiting.remove(following)
            self.chosen.add(following)
            if not self._fits(node, following):
                self.chosen.remove(following)
                break
            self._first[id(node)] = self._first[id(following)]
        inside = [self._depth[source] for source in node.inputs if source in self.chosen]
        self._depth[node] = max(inside, default=0) + WEIGHT.get(node.kind, 1)

    def _is_short(self, source: Node) -> bool:
        """Whether a node is used once, and is a single expression."""
        return self._uses[source] == 1 and not source.bodies and not source.items

    def _is_before(self, source: Node, node: Node) -> bool:
        return self._last[id(source)] == self._first[id(node)] - 1

    def _fits(self, node: Node, source: Node) -> bool:
        deep = self._depth[source] + WEIGHT.get(node.kind, 1) > DEEPEST_IN.get(node.kind, DEEPEST)
        return not deep and self._is_in_line(node) and self._is_whole(node, source)

    def _is_in_line(self, node: Node) -> bool:
        variable = node.hint if node.kind is Kind.PRODUCT and node.hint else "x"
        return self._form.indent + len(f"{variable} = {_written(node, self.chosen)}") <= WIDTH

    def _is_whole(self, node: Node, source: Node) -> bool:
        """Whether the text of a source stands in that of the node once, and as one operand."""
        mark = name("_marked")
        inside = _shown(source, self.chosen)
        shown = [mark if each is source else _shown(each, self.chosen) for each in node.inputs]
        marked = ast.parse(node.render(shown).text, mode="eval")
        found = _Marks(ast.parse(inside.text, mode="eval").body)
        placed = found.visit(marked)
        whole = node.render([inside if each is source else one for each, one in zip(node.inputs, shown, strict=True)])
        return found.count == 1 and ast.dump(placed) == ast.dump(ast.parse(whole.text, mode="eval"))


def _written(node: Node, chosen: Collection[Node]) -> Expression:
    """The expression with every variable as `x`, to see how long a line gets."""
    return node.render([_shown(source, chosen) for source in node.inputs])


def _shown(source: Node, chosen: Collection[Node]) -> Expression:
    if source in chosen or source.kind is Kind.INLINE:
        return _written(source, chosen)
    return name(source.name if source.kind is Kind.INPUT else "x")


class _Marks(ast.NodeTransformer):
    """Puts an expression in the place of the mark."""

    def __init__(self, inside: ast.expr) -> None:
        self._inside = inside
        self.count = 0

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id != "_marked":
            return node
        self.count += 1
        return self._inside
