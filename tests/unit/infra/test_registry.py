"""Pipelines as text: what is read, what is printed, what is refused and how."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from xdsl.dialects.builtin import ModuleOp

from neuralc.grammar.diagnostics import UsageError
from neuralc.passes import registry
from neuralc.passes.base import ModulePass, PassContext


@dataclass(frozen=True)
class Sample(ModulePass):
    name: ClassVar[str] = "tensor-sample"
    max_ops: int = 8
    """Longest chain taken."""
    mode: str | None = None
    sizes: tuple[int, ...] = ()

    def run(self, module: ModuleOp, context: PassContext) -> None:
        """Changes nothing."""


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.PASSES, "tensor-sample", lambda: Sample)


def refusal(text: str) -> tuple[str, str, str | None]:
    with pytest.raises(UsageError) as caught:
        registry.parse_pipeline(text)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code, diagnostic.message, diagnostic.help


def test_options_are_the_fields_of_the_pass() -> None:
    (found,) = registry.parse_pipeline("tensor-sample{max-ops=3 mode=fast sizes=1,2}")
    assert found == Sample(max_ops=3, mode="fast", sizes=(1, 2))


def test_what_is_printed_is_read_back() -> None:
    passes = (Sample(), Sample(max_ops=2), Sample(mode="a b"))
    text = registry.format_pipeline(passes)
    assert text == 'tensor-sample,tensor-sample{max-ops=2},tensor-sample{mode="a b"}'
    assert registry.parse_pipeline(text) == passes


def test_comments_and_lines_are_read_over() -> None:
    assert registry.parse_pipeline("tensor-sample,   # once\ntensor-sample  # twice\n") == (Sample(), Sample())


def test_the_empty_pipeline_has_no_pass() -> None:
    assert registry.parse_pipeline("") == ()


def test_an_unknown_pass_gets_the_nearest_name() -> None:
    assert refusal("tensor-sampel") == ("E0810", "unknown pass `tensor-sampel`", "did you mean `tensor-sample`?")


def test_an_unknown_option_gets_the_nearest_name() -> None:
    code, message, help = refusal("tensor-sample{max-op=3}")
    assert (code, message) == ("E0811", "pass `tensor-sample` has no option `max-op`")
    assert help == "did you mean `max-ops`?"


def test_an_option_of_another_type_is_refused() -> None:
    code, message, _ = refusal("tensor-sample{max-ops=many}")
    assert code == "E0811"
    assert message.startswith("wrong option of pass `tensor-sample`")


@pytest.mark.parametrize("text", ["tensor-sample{", "tensor-sample,,", "tensor-sample max-ops=3", "{}"])
def test_malformed_text_is_refused(text: str) -> None:
    assert refusal(text)[0] == "E0812"


def test_passes_describe_themselves() -> None:
    description = registry.describe_pass("tensor-sample")
    assert [(option.name, option.default, option.text) for option in description.options] == [
        ("max-ops", "8", "Longest chain taken."),
        ("mode", "none", ""),
        ("sizes", "()", ""),
    ]


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("tensor-fuse-elementwise", "neuralc.passes.tensor.fuse_elementwise"),
        ("graph-to-tensor", "neuralc.passes.lower.graph_to_tensor"),
    ],
)
def test_the_name_says_where_a_pass_is(name: str, module: str) -> None:
    assert registry.module_of(name) == module
