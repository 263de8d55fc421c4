"""Whatever the text: a model, or errors with a place inside the text; soon, in little memory, and laid out for good.

`make fuzz` looks for more of the same, guided by what it reaches: tests/fuzz.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.bounds import bounded
from support.front_end import Answer, answer
from support.nr_syntax import programs
from support.nr_texts import PIECES, changed, texts

pytestmark = pytest.mark.thorough

FEW = {"words": 150, "changes": 400, "programs": 100, "characters": 100}
MANY = {kind: 20 * count for kind, count in FEW.items()}

TEXTS: dict[str, st.SearchStrategy[str]] = {
    "words": st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join),
    "changes": st.builds(changed, st.sampled_from(texts()), st.randoms(use_true_random=False)),
    "programs": programs(),
    "characters": st.text(max_size=60),
}


def answers(kind: str, count: int) -> set[Answer]:
    """What becomes of so many texts of a kind, none of which may fail."""
    found: set[Answer] = set()

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
    @given(TEXTS[kind])
    def look(text: str) -> None:
        with bounded():
            found.add(answer(text.encode()))

    look()
    return found


@pytest.mark.parametrize("kind", TEXTS)
def test_there_is_an_answer(kind: str) -> None:
    answers(kind, FEW[kind])


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEXTS)
def test_there_is_an_answer_to_many(kind: str) -> None:
    answers(kind, MANY[kind])


def test_what_the_grammar_makes_parses() -> None:
    assert answers("programs", 50) <= {"refused", "loaded"}


def test_changes_reach_every_part() -> None:
    assert answers("changes", 200) == {"no program", "refused", "loaded"}


@pytest.mark.parametrize("data", [b"\xff", b"network M {\xe9}", "network M".encode("utf-16")])
def test_what_is_no_text(data: bytes) -> None:
    assert answer(data) == "no text"
