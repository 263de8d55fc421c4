"""The attributes of graph.model that have a meaning, and what each of them is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr
from xdsl.ir import Attribute
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.graph.configuration import (
    BenchmarkAttr,
    CallbackAttr,
    ExecutionAttr,
    LossAttr,
    MetricAttr,
    OptimizerAttr,
    ResearchAttr,
    ScheduleAttr,
    TestAttr,
    TrainAttr,
)
from neuralc.dialects.graph.rules import Rule, by_name, possible_values
from neuralc.dialects.graph.search import ChoiceAttr, LogRangeAttr, RangeAttr, SearchAttr, WrittenAttr


def _or_choice(kind: type[Attribute]) -> Callable[[Attribute], bool]:
    return lambda attribute: all(isinstance(value, kind) for value in possible_values(attribute))


def _each(kind: type[Attribute]) -> Callable[[Attribute], bool]:
    one = _or_choice(kind)
    return lambda attribute: isinstance(attribute, ArrayAttr) and all(map(one, attribute))


CLAUSES: Mapping[str, Rule] = {
    "benchmark": Rule("a #graph.benchmark", _or_choice(BenchmarkAttr)),
    "execution": Rule("a #graph.execution", _or_choice(ExecutionAttr)),
    "loss": Rule("a list of #graph.loss", _each(LossAttr)),
    "metrics": Rule("a list of #graph.metric", _each(MetricAttr)),
    "optimizer": Rule("an #graph.optimizer or a choice of them", _or_choice(OptimizerAttr)),
    "research": Rule("a list of #graph.research", _each(ResearchAttr)),
    "searches": Rule(
        "#graph.search by name", lambda attribute: by_name(attribute, lambda part: isinstance(part, SearchAttr))
    ),
    "test": Rule("a #graph.test", _or_choice(TestAttr)),
    "train": Rule("a #graph.train", _or_choice(TrainAttr)),
}
"""Attributes of graph.model that have a meaning. Others are free."""


def verify_clauses(attributes: Mapping[str, Attribute]) -> None:
    """Raises VerifyException for an attribute of a model that is not what its name says."""
    for name, attribute in attributes.items():
        rule = CLAUSES.get(name)
        if rule is not None and not rule.test(attribute):
            raise VerifyException(f"{name} of a model is {rule.description}")


def print_clauses(printer: Printer, attributes: Mapping[str, Attribute]) -> None:
    """` attributes {..}`: clauses and searches have lines of their own, so that one can read and compare them."""
    if not attributes:
        return
    printer.print_string(" attributes")
    if attributes.keys() & CLAUSES.keys():
        printer.print_string(" ")
        _print_lines(printer, attributes)
    else:
        printer.print_op_attributes(attributes)


def _print_lines(printer: Printer, entries: Mapping[str, Attribute]) -> None:
    def line(entry: tuple[str, Attribute]) -> None:
        name, attribute = entry
        printer.print_string("\n")
        printer.print_identifier_or_string_literal(name)
        printer.print_string(" = ")
        if name == "searches" and isinstance(attribute, DictionaryAttr):
            _print_lines(printer, attribute.data)
        else:
            printer.print_attribute(attribute)

    with printer.in_braces():
        with printer.indented():
            printer.print_list(entries.items(), line, ",")
        printer.print_string("\n")


ATTRIBUTES: tuple[type[Attribute], ...] = (
    ChoiceAttr,
    RangeAttr,
    LogRangeAttr,
    SearchAttr,
    WrittenAttr,
    ScheduleAttr,
    OptimizerAttr,
    LossAttr,
    MetricAttr,
    CallbackAttr,
    TrainAttr,
    ExecutionAttr,
    BenchmarkAttr,
    TestAttr,
    ResearchAttr,
)
"""What the dialect registers."""
