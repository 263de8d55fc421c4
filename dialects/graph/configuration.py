"""What a model says of its training, its execution and its tests, as attributes of graph.model.

| attribute                                                       | stands in |
|-----------------------------------------------------------------|-----------|
| #graph.optimizer<"Adam", learning_rate = 0.001>                 | optimizer |
| #graph.schedule<"StepLR", initial_learning_rate = 0.1, ..>      | the learning rate of an optimizer |
| #graph.loss<"categorical_crossentropy", from_logits = true>     | loss: one for all outputs, or one for each |
| #graph.metric<"precision", thresholds = [0.5]>                  | metrics |
| #graph.callback<"EarlyStopping", patience = 5>                  | train |
| #graph.train<epochs = 15, batch_size = #graph.choice<[32, 64]>> | train |
| #graph.execution<device = "auto", precision = "bf16">           | execution |
| #graph.benchmark<batch = [1, 8], compare = ["onnxruntime"]>     | benchmark |
| #graph.test<inputs = ["x.npy"], expect = ["y.npy"]>             | test |
| #graph.research<"Paper", metrics = {accuracy = 88.3}>           | research |

Names and parameters are those of the tables in grammar/training, which say what they mean. What is not written has its
default there. A value may be a search (dialects/graph/search.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from xdsl.dialects.builtin import DictionaryAttr, NoneAttr, StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.graph.rules import (
    BELOW_ONE,
    COUNT,
    FLAG,
    INDEX,
    LITERAL,
    NOT_NEGATIVE,
    TEXT,
    WORD_OR_COUNT,
    Rule,
    by_name,
    list_of,
)
from neuralc.dialects.graph.search import first_value
from neuralc.dialects.graph.terms import number, parse_entries, plain_term, print_entries

# --- calls -----------------------------------------------------------------------------------------------------------


class CalledAttr(ParametrizedAttribute):
    """A named thing with its parameters: `<"Adam", learning_rate = 0.001>`."""

    called: StringAttr
    arguments: DictionaryAttr

    RULES: ClassVar[Mapping[str, Rule]] = {}
    """Parameters that are no literals."""

    @classmethod
    def of(cls, called: str, arguments: Mapping[str, Attribute] | None = None) -> Self:
        return cls(StringAttr(called), DictionaryAttr(dict(arguments or {})))

    def literal(self, name: str, default: Any = None) -> Any:
        """The value of a parameter, of a search the first one; `default` where it was not written."""
        return _one_value(self.arguments, name, default)

    def verify(self) -> None:
        if not self.called.data.isidentifier():
            raise VerifyException(f"{self.name} needs a name, not {self.called.data!r}")
        for name, attribute in self.arguments.data.items():
            self.RULES.get(name, LITERAL).check(f"{self.called.data}: {name}", attribute)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.called.data)
            if self.arguments.data:
                printer.print_string(", ")
                print_entries(printer, self.arguments.data)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            called = StringAttr(parser.parse_str_literal())
            arguments = parse_entries(parser) if parser.parse_optional_punctuation(",") else {}
        return [called, DictionaryAttr(arguments)]


@irdl_attr_definition
class ScheduleAttr(CalledAttr):
    """`#graph.schedule<"ExponentialDecay", initial_learning_rate = 0.1, decay_steps = 1000, decay_rate = 0.96>`."""

    name = "graph.schedule"


def _is_rate(attribute: Attribute) -> bool:
    found = number(attribute)
    return isinstance(attribute, ScheduleAttr) or (found is not None and found > 0)


RATE = Rule("a number above 0 or a schedule", _is_rate)


@irdl_attr_definition
class OptimizerAttr(CalledAttr):
    """`#graph.optimizer<"SGD", learning_rate = 0.01, momentum = 0.9>`."""

    name = "graph.optimizer"
    RULES: ClassVar = {
        "learning_rate": RATE,
        "inner_optimizer": Rule("an optimizer", lambda attribute: isinstance(attribute, OptimizerAttr)),
    }


@irdl_attr_definition
class LossAttr(CalledAttr):
    """`#graph.loss<"huber", delta = 2.0>`."""

    name = "graph.loss"


@irdl_attr_definition
class MetricAttr(CalledAttr):
    """`#graph.metric<"top_k_categorical_accuracy", k = 3>`."""

    name = "graph.metric"


@irdl_attr_definition
class CallbackAttr(CalledAttr):
    """`#graph.callback<"EarlyStopping", patience = 5>`."""

    name = "graph.callback"
    RULES: ClassVar = {"schedule": Rule("a schedule", lambda attribute: isinstance(attribute, ScheduleAttr))}


CALLBACK = Rule("a callback", lambda attribute: isinstance(attribute, CallbackAttr))

# --- sections --------------------------------------------------------------------------------------------------------


class SectionAttr(ParametrizedAttribute):
    """Named entries, each with a rule: `<epochs = 15, batch_size = 32>`."""

    entries: DictionaryAttr

    RULES: ClassVar[Mapping[str, Rule]] = {}

    @classmethod
    def of(cls, entries: Mapping[str, Attribute]) -> Self:
        return cls(DictionaryAttr(dict(entries)))

    def literal(self, name: str, default: Any = None) -> Any:
        """The value of an entry, of a search the first one; `default` where it was not written."""
        return _one_value(self.entries, name, default)

    def verify(self) -> None:
        for name, attribute in self.entries.data.items():
            if name not in self.RULES:
                raise VerifyException(f"{self.name} has no entry {name}")
            self.RULES[name].check(name, attribute)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_entries(printer, self.entries.data)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        parser.parse_punctuation("<")
        if parser.parse_optional_punctuation(">"):
            return [DictionaryAttr({})]
        entries = parse_entries(parser)
        parser.parse_punctuation(">")
        return [DictionaryAttr(entries)]


@irdl_attr_definition
class TrainAttr(SectionAttr):
    """`#graph.train<epochs = 15, batch_size = 64, validation_split = 0.2>`."""

    name = "graph.train"
    RULES: ClassVar = {
        "data": list_of(TEXT),
        "validation_data": list_of(TEXT),
        "epochs": COUNT,
        "batch_size": COUNT,
        "validation_split": BELOW_ONE,
        "shuffle": FLAG,
        "seed": INDEX,
        "initial_epoch": INDEX,
        "steps_per_epoch": COUNT,
        "validation_steps": COUNT,
        "validation_batch_size": COUNT,
        "validation_freq": COUNT,
        "learning_rate": RATE,
        "early_stopping": Rule("a callback", lambda attribute: isinstance(attribute, CallbackAttr | NoneAttr)),
        "callbacks": list_of(CALLBACK),
        "verbose": WORD_OR_COUNT,
        "search_method": TEXT,
        "trials": COUNT,
    }


@irdl_attr_definition
class ExecutionAttr(SectionAttr):
    """`#graph.execution<device = "cuda:0", precision = "bf16">`."""

    name = "graph.execution"
    RULES: ClassVar = {"device": TEXT, "precision": TEXT, "target": TEXT, "threads": COUNT}


@irdl_attr_definition
class BenchmarkAttr(SectionAttr):
    """`#graph.benchmark<batch = [1, 8], threads = [1, 2], compare = ["onnxruntime"]>`."""

    name = "graph.benchmark"
    RULES: ClassVar = {"batch": list_of(COUNT), "threads": list_of(COUNT), "compare": list_of(TEXT)}


@irdl_attr_definition
class TestAttr(SectionAttr):
    """`#graph.test<inputs = ["x.npy"], expect = ["y.npy"], tolerance = 0.00001>`."""

    name = "graph.test"
    RULES: ClassVar = {"inputs": list_of(TEXT), "expect": list_of(TEXT), "tolerance": NOT_NEGATIVE}


@irdl_attr_definition
class ResearchAttr(CalledAttr):
    """`#graph.research<"Paper", metrics = {accuracy = 88.3}, references = {paper = "https://.."}>`."""

    name = "graph.research"
    RULES: ClassVar = {
        "metrics": Rule("numbers by name", lambda attribute: by_name(attribute, lambda part: number(part) is not None)),
        "references": Rule("strings by name", lambda attribute: by_name(attribute, TEXT.test)),
    }

    def verify(self) -> None:
        for name, attribute in self.arguments.data.items():
            if name not in self.RULES:
                raise VerifyException(f"{self.name} has no entry {name}")
            self.RULES[name].check(name, attribute)


def _one_value(entries: DictionaryAttr, name: str, default: Any) -> Any:
    found = entries.data.get(name)
    return default if found is None else plain_term(first_value(found))
