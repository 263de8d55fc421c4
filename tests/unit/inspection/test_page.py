"""The page: complete without scripts, nothing from elsewhere, the numbers of the summary, and names as text."""

from dataclasses import replace

import pytest
from support.pages import Page
from support.summaries import chain, summary_of

from neuralc.inspection.page import render_page
from neuralc.inspection.summary import Size, Summary, Unsupported

HOSTILE = "<script>alert(1)</script>'\" onload=x&\x1b"

RESIDUAL = summary_of([("conv", [0]), ("relu", [1]), ("conv", [2]), ("add", [3, 1])])
LONG = summary_of(chain(*["conv", "relu", "dense", "sigmoid", "mul"] * 30))


@pytest.mark.parametrize("summary", [RESIDUAL, LONG, summary_of([], outputs=[0])], ids=["residual", "long", "empty"])
def test_a_page_is_whole_and_its_links_lead_somewhere(summary: Summary) -> None:
    page = Page(render_page(summary, None))
    assert page.unfit == []
    assert page.open == []
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in page.attributes("href")} <= set(ids)


def test_nothing_comes_from_elsewhere() -> None:
    page = Page(render_page(RESIDUAL, None))
    assert page.attributes("src") == []
    assert all(link.startswith("#") for link in page.attributes("href"))
    assert not {"link", "iframe", "img", "object"} & {tag for tag, _ in page.tags}
    assert "url(http" not in render_page(RESIDUAL, None)


def test_a_row_has_what_is_known_of_a_layer() -> None:
    page = Page(render_page(RESIDUAL, None))
    assert page.numbers["layer-0"] == ["10", "100", "64", "128"]
    assert page.rows["layer-0"] == [
        "0", "conv_0", "conv", "float32", "(4, 4)", "10 50.0 %", "100 25.0 %", "64 bytes", "128 bytes", "test.nr:1:1"
    ]  # fmt: skip
    assert page.rows["layer-1"][5] == "-"
    assert len([name for name in page.rows if name.startswith("layer-")]) == 4


def test_the_peak_and_the_sizes_are_named() -> None:
    size = Size("S", 1, 512, "dim 1 of input `x`", 16)
    html = render_page(replace(RESIDUAL, sizes=[size], flops_formula="S * 25", peak_layer=2), None)
    assert "at <a href='#layer-2'>conv_2</a>" in html
    assert "1 to 512" in html
    assert "dim 1 of input `x`" in html
    assert "costs at S = 16" in html
    assert "S * 25" in html


def test_a_block_of_the_picture_opens_its_inside() -> None:
    html = render_page(LONG, None)
    page = Page(html)
    assert "part-0-150" in page.attributes("id")
    assert "#part-0-150" in page.attributes("href")
    assert html.count("<details>") == 1


def test_every_layer_can_be_pointed_at_along_the_model() -> None:
    page = Page(render_page(LONG, None))
    assert sum(attributes.get("class") == "hit" for _, attributes in page.tags) == 150


def test_names_are_texts_whatever_they_are() -> None:
    html = render_page(replace(summary_of(chain("conv"), names=[HOSTILE]), name=HOSTILE), None)
    page = Page(html)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert page.attributes("onload") == []
    assert page.rows["layer-0"][1] == HOSTILE.replace("\x1b", "?")
    assert "\x1b" not in html


def test_what_is_not_compiled_is_said_with_its_reason() -> None:
    """Nothing is known of its costs."""
    unknown = [
        replace(layer, flops=None, bytes=None, live_bytes=None, refused="no reason" if layer.op == "add" else "")
        for layer in RESIDUAL.layers
    ]
    summary = replace(
        RESIDUAL,
        layers=unknown,
        flops=None,
        peak_bytes=None,
        peak_layer=None,
        unsupported=[Unsupported("add", "no reason", 1, "add_3")],
    )
    html = render_page(summary, None)
    page = Page(html)
    assert page.unfit == []
    assert "Not compiled" in html
    assert page.rows["layer-3"][5:9] == ["-", "?", "?", "?"]
    assert ("tr", "refused") in [(tag, attributes.get("class")) for tag, attributes in page.tags]
    assert "node layer refused" in page.attributes("class")
