"""The body of `forward`: which expressions share a line, and which variable holds what.

A value that is used once flows through the running `x`. A value that is still needed when the next one is made keeps
its variable, and the next one goes into `y`, then `z`: a residual reads `y = self.conv(x)` ... `x = x + y`. What is
read much later has the name that the model has for it: `mask`, `scores`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from neuralc.dialects.types import Shape, format_shape
from neuralc.emit.python.expressions import Expression, name
from neuralc.emit.python.form import LETTERS, RUNNING, Form
from neuralc.emit.python.lowering import Lowered
from neuralc.emit.python.names import Names
from neuralc.emit.python.nesting import length_of, nested_in
from neuralc.emit.python.nodes import UNNAMED, Body, Kind, Node
from neuralc.emit.python.ordering import parts_when_read, turned_at_once, when_read
from neuralc.emit.python.writer import WIDTH, Writer

Result: TypeAlias = Callable[[Sequence[Expression]], Expression]


@dataclass(frozen=True)
class Statement:
    """A node that gets a line; `reads` are the variables' nodes it uses, those of what is nested in it included."""

    node: Node
    reads: tuple[Node, ...]


class Forward:
    """Lays out the nodes of one class."""

    def __init__(
        self, lowered: Lowered, form: Form, *, comments: bool = True, taken: frozenset[str] = frozenset()
    ) -> None:
        """`taken` are variables around the body that it reads."""
        nodes, inputs, results = lowered.nodes, lowered.inputs, [*lowered.results, *lowered.kept.values()]
        self._kept = lowered.kept if form.keeps is not None else {}
        self._form = form
        self._comments = comments
        self._taken = taken
        self._inputs = inputs
        self._results = results
        alive = _alive(nodes, results)
        self._uses = Counter(source for node in alive for source in node.inputs) + Counter(results)
        alive = parts_when_read(when_read(turned_at_once(alive, self._uses)), self._uses)
        self._nested = nested_in(alive, self._uses, form)
        roots = [node for node in alive if node not in self._nested and node.kind is not Kind.ITEM]
        self._statements = [Statement(node, tuple(self._leaves(node))) for node in roots]
        first = {statement.reads[0] for statement in self._statements if statement.reads}
        self._beside = {node for statement in self._statements for node in statement.reads} - first
        """Values that are only read behind another one: the mask of a layer."""
        self._loops = {node.name for node in alive if node.kind is Kind.LOOP}
        self._variables: dict[Node, str] = {node: node.name for node in inputs}

    def write(self, writer: Writer, result: Result | None = None) -> None:
        """The statements, and what is returned: the results, or what `result` makes of them."""
        last_read = self._last_reads()
        returned = None if result is not None else self._returned_statement()
        for index, statement in enumerate(self._statements):
            if statement is not returned:
                self._write_statement(writer, statement, index, last_read)
            else:
                self._write_bodies(writer, statement.node)
        if returned is not None:
            values = [self._render(node, of_variable=node is not returned.node) for node in self._results]
            writer.statement("return ", values[0] if len(values) == 1 else name(_listed(values)))
            return
        values = [self._render(node, of_variable=True) for node in self._results]
        if self._form.keeps is not None:
            values, kept = values[: len(values) - len(self._kept)], values[len(values) - len(self._kept) :]
            for state, value in zip(self._kept, kept, strict=True):
                writer.statement("", self._form.keeps(state, value))
        if result is not None:
            writer.statement("return ", result(values))
        elif self._form.returned is not None:
            writer.statement("return ", self._form.returned([value.text for value in values]))
        else:
            writer.line(f"return {_listed(values)}")

    def _returned_statement(self) -> Statement | None:
        """The last statement, where its value is only returned: it needs no variable. One of several stands in a
        line with them."""
        last = self._statements[-1] if self._statements and self._form.returned is None else None
        if last is None or last.node.kind is Kind.LOOP or last.node.items or self._kept:
            return None
        if list(self._results) == [last.node]:
            return last
        once = self._uses[last.node] == 1 and last.node in self._results and not last.node.bodies
        return last if once and length_of(last.node, self._nested) < WIDTH // 2 else None

    def _leaves(self, node: Node) -> Iterator[Node]:
        for source in node.inputs:
            if source in self._nested:
                yield from self._leaves(source)
            elif source.kind is not Kind.INLINE:
                yield source

    # -- variables ---------------------------------------------------------------------------------------------------

    def _last_reads(self) -> dict[Node, int]:
        last: dict[Node, int] = {}
        for index, statement in enumerate(self._statements):
            last.update(dict.fromkeys(statement.reads, index))
        last.update(dict.fromkeys(self._results, len(self._statements)))
        return last

    def _claim(self, index: int, reads: Sequence[Node], last_read: dict[Node, int], node: Node) -> str:
        """The variable for a value made by statement `index`.

        The running `x` where it is free or its value dies here; a name from the model for what is read later on, or
        whose expression names nothing; else another running variable, or a letter.
        """
        dying = {self._variables[source] for source in reads if last_read[source] == index} - self._taken
        busy = {self._variables[other] for other in self._variables if last_read.get(other, -1) > index}
        busy |= self._taken | self._form.local_names | self._loops
        inputs = {other.name for other in self._inputs if other.name not in RUNNING}
        # An input that is read no more may give its name to what is made of it: `mask = mask[:, None] & ...`.
        rebound = dying & inputs if self._form.returned is None else frozenset()
        hint = "" if node.hint in busy | (inputs - rebound) else node.hint
        busy |= inputs
        is_kept, is_beside = last_read.get(node, -1) > index + 1, node in self._beside
        is_unnamed = self._turned(node).kind in UNNAMED
        first, reused = RUNNING[0], next((variable for variable in RUNNING if variable in dying), "")
        found = (
            (hint, is_kept and is_beside),
            (first, first in dying),
            (hint, is_unnamed and (is_kept or is_beside)),
            (first, first not in busy),
            (hint, is_unnamed),
            (reused, True),
            (hint, is_kept),
        )
        if wanted := next((variable for variable, fits in found if variable and fits), ""):
            return wanted
        numbered = [f"x{number}" for number in range(1, len(busy) + 2)]
        others: list[str] = [*RUNNING, hint, *LETTERS, *numbered]
        return next(variable for variable in others if variable and variable not in busy)

    def _turned(self, node: Node) -> Node:
        """What a value is but for the order of its axes, where one line has both."""
        while node.kind is Kind.PERMUTE and node.inputs[0] in self._nested:
            node = node.inputs[0]
        return node

    def _write_statement(self, writer: Writer, statement: Statement, index: int, last_read: dict[Node, int]) -> None:
        node = statement.node
        self._write_bodies(writer, node)
        if node.items:
            rendered = self._render(node)
            writer.statement(", ".join(self._unpacked(item, index, last_read) for item in node.items) + " = ", rendered)
            return
        if node.kind is Kind.LOOP:
            last_read.update(
                (other, max(last_read[other], index + 1)) for other in node.inputs[1:] if other in last_read
            )
            variable = self._claim(index, statement.reads[:1], last_read, node)
            self._write_loop(writer, node, variable)
        else:
            value = self._render(node)
            variable = self._claim(index, statement.reads, last_read, node)
            writer.statement(f"{variable} = ", value, comment=node.comment or self._shape_comment(statement))
        self._variables[node] = variable

    def _unpacked(self, item: Node, index: int, last_read: dict[Node, int]) -> str:
        """The variable of one of several results, or those of a tuple among them; `_` for what no one reads."""
        if not item.items:
            self._variables[item] = self._claim(index, (), last_read, item) if item in last_read else "_"
            return self._variables[item]
        names = [self._unpacked(inner, index, last_read) for inner in item.items]
        return f"({', '.join(names)})" if set(names) != {"_"} else "_"

    def _write_bodies(self, writer: Writer, node: Node) -> None:
        for body in node.bodies:
            self._write_body(writer, body)

    def _write_body(self, writer: Writer, body: Body) -> None:
        """`def body(carry, x):`, with the variables around it that it reads left alone."""
        for inside, outside in body.captured.items():
            inside.name = self._variables[outside]
        taken = frozenset(inside.name for inside in body.captured)
        names = Names({*taken, *self._form.local_names})
        alive = {source for node in _alive(body.nodes, body.results) for source in node.inputs} | {*body.results}
        unpacked: list[tuple[str, str]] = []
        parameters = []
        for wanted, nodes in body.arguments:
            for node in nodes:
                node.name = names.claim(node.name) if node in alive else "_"
            if len(nodes) == 1:
                parameters.append(nodes[0].name)
            else:
                parameters.append(names.claim(wanted) if nodes else "_")
                if any(node in alive for node in nodes):
                    unpacked.append((", ".join(node.name for node in nodes), parameters[-1]))
        inputs = [node for _, nodes in body.arguments for node in nodes] + list(body.captured)
        lowered = Lowered(body.nodes, inputs, body.results, frozenset())
        inner = Forward(lowered, replace(self._form, indent=self._form.indent + 4), comments=False, taken=taken)
        writer.blank()
        with writer.block(f"def {body.name}({', '.join(parameters)}):"):
            for left, right in unpacked:
                writer.line(f"{left} = {right}")
            inner.write(writer, body.returned)
        writer.blank()

    def _write_loop(self, writer: Writer, node: Node, variable: str) -> None:
        source = self._variables[node.inputs[0]]
        if source != variable:
            writer.line(f"{variable} = {source}")
        with writer.block(f"for {node.name} in {node.over()}:"):
            others = [self._render(source, of_variable=True) for source in node.inputs[1:]]
            writer.line(f"{variable} = {node.render([name(variable), *others])}")

    def _shape_comment(self, statement: Statement) -> str:
        if not self._comments:
            return ""
        shape = statement.node.shape
        before: Shape = statement.reads[0].shape if statement.reads else ()
        return format_shape(shape) if shape != before else ""

    def _render(self, node: Node, *, of_variable: bool = False) -> Expression:
        if node.kind is Kind.INLINE:
            return node.render([])
        if of_variable:
            return name(self._variables[node])
        return node.render([self._render(source, of_variable=source not in self._nested) for source in node.inputs])


def _listed(values: Sequence[Expression]) -> str:
    return ", ".join(value.text for value in values)


def _alive(nodes: Sequence[Node], results: Sequence[Node]) -> list[Node]:
    """The nodes the results depend on, in their order."""
    reached: set[Node] = set()
    pending = list(results)
    while pending:
        node = pending.pop()
        if node not in reached:
            reached.add(node)
            pending += node.inputs
    return [node for node in nodes if node in reached]
