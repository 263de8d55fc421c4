"""docs/language/grammar.md says what the parser does: it is made from its grammar, and parses what it parses."""

import re
from functools import cache
from pathlib import Path

import pytest
from lark import Lark
from lark.exceptions import UnexpectedInput
from support.documents import DOCUMENTS, fences

from neuralc import grammar_docs
from neuralc.grammar.codes import CODES, example_files
from neuralc.grammar.tables import lark_parser

PAGE = Path(__file__).parents[3] / "docs" / "language" / "grammar.md"
SYNTAX = ("E0101", "E0102", "E0103", "E0104", "E0105")
WORDS = re.compile(r"^\| ([A-Z]+) \| `(.*)` \|$", re.M)
LAMBDA = re.compile(r"Lambda\(\"(.*?)\"")


@cache
def page_parser(part: int, start: str) -> Lark:
    """A parser made of a part of the page alone: its rules, and the words of its table."""
    text = PAGE.read_text(encoding="utf-8")
    block = [fence for fence in fences(PAGE) if fence.language == "ebnf"][part]
    rules = re.sub(r"/\*.*\*/", "", block.text).replace("::=", ":")
    table = text[block.start + len(block.text) :].partition("```ebnf")[0]
    words = {name: pattern.replace("\\|", "|") for name, pattern in WORDS.findall(table)}
    rules += "".join(f"{name}: /{pattern}/\n" for name, pattern in words.items())
    ignored = ["%ignore COMMENT", "%ignore BLANK"] if "BLANK" in words else ['%ignore " "']
    return Lark("\n".join([rules, *ignored]), start=start, parser="earley")


def programs() -> list[str]:
    pages = [page for page in DOCUMENTS if page.name in ("README.md", "reference.md", "training.md")]
    blocks = [fence for page in pages for fence in fences(page) if fence.language == "nr"]
    return [text for fence in blocks for text in example_files(fence.text).values()]


def constructs(parser: Lark) -> set[str]:
    """The kinds of nodes that the parser makes."""
    rules = [rule for rule in parser.rules if not rule.origin.name.startswith("_")]
    return {str(rule.alias or rule.origin.name) for rule in rules if rule.alias or not rule.options.expand1}


def test_the_reference_shows_every_construct() -> None:
    shown = set()
    for fence in fences(PAGE.with_name("reference.md")):
        if fence.language == "nr":
            for text in example_files(fence.text).values():
                shown |= {str(node.data) for node in lark_parser().parse(text, start="file").iter_subtrees()}
    assert constructs(lark_parser()) <= shown


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == grammar_docs.text(), "make docs"


@pytest.mark.thorough
def test_the_grammar_of_the_page_takes_the_programs_of_the_documents() -> None:
    for text in programs():
        page_parser(0, "file").parse(text)


def test_the_grammar_of_expressions_takes_those_of_the_documents() -> None:
    expressions = [text for program in programs() for text in LAMBDA.findall(program)]
    assert len(expressions) > 4
    for text in expressions:
        page_parser(1, "function").parse(text)


@pytest.mark.parametrize("text", ["x: import os", "x + 1", "x: x +", "x: (x", "x: x if x"])
def test_the_grammar_of_expressions_refuses_what_is_none(text: str) -> None:
    parser = page_parser(1, "function")
    with pytest.raises(UnexpectedInput):
        parser.parse(text)


@pytest.mark.parametrize("code", SYNTAX)
def test_the_grammar_of_the_page_refuses_what_is_no_program(code: str) -> None:
    parser = page_parser(0, "file")
    with pytest.raises(UnexpectedInput):
        parser.parse(CODES[code].example)
