"""The picture: nodes with op and shape, lines with what flows, and names that no browser takes for anything else."""

import re
from xml.etree import ElementTree

import pytest
from support.summaries import chain, summary_of

from neuralc.inspection.diagram import Diagram, diagram_of
from neuralc.inspection.folding import blocks_of
from neuralc.inspection.kinds import FAMILIES, KINDS
from neuralc.inspection.poster import render_svg
from neuralc.inspection.summary import Summary
from neuralc.inspection.svg import STYLE
from neuralc.tables import places

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ["<script>alert(1)</script>", "a'b\"c", "&amp;", "\x1b[31mred\x00", "\u202egnp.exe", "]]>", "line\nbreak"]


def picture(summary: Summary) -> Diagram:
    return diagram_of(summary, blocks_of(summary))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_nodes_are_inputs_layers_and_outputs() -> None:
    diagram = picture(summary_of(chain("conv", "relu")))
    assert [(node.role, node.name) for node in diagram.nodes] == [
        ("input", "x"),
        ("layer", "conv_0"),
        ("layer", "relu_1"),
        ("output", "y0"),
    ]
    assert [(flow.source, flow.target, flow.text) for flow in diagram.flows] == [
        (0, 1, "(4, 4)"),
        (1, 2, "(4, 4)"),
        (2, 3, "(4, 4)"),
    ]


def test_a_value_read_twice_has_two_lines_and_one_read_inside_a_block_none() -> None:
    diagram = picture(summary_of([("conv", [0]), ("relu", [1]), ("add", [1, 2])]))
    assert [(flow.source, flow.target) for flow in diagram.flows] == [(0, 1), (1, 2), (1, 3), (2, 3), (3, 4)]
    summary = summary_of([("conv", [0]), ("relu", [1]), ("add", [1, 2])], names=["a/b", "a/c", "a/d"])
    folded = diagram_of(summary, blocks_of(summary, 1))
    assert [(flow.source, flow.target) for flow in folded.flows] == [(0, 1), (1, 2)]
    assert folded.nodes[1].lines == ("conv · relu · add",)


def test_a_part_shows_where_its_values_come_from_and_go_to() -> None:
    summary = summary_of(chain("conv", "relu", "dense", "relu"))
    part = diagram_of(summary, blocks_of(summary, layers=range(1, 3)))
    assert [(node.role, node.name, node.lines) for node in part.nodes if node.role == "outside"] == [
        ("outside", "conv_0", ("from",)),
        ("outside", "relu_3", ("to",)),
    ]


def test_what_is_told_of_a_node_is_its_costs_and_its_place() -> None:
    diagram = picture(summary_of(chain("conv", "relu")))
    told = diagram.nodes[1].told.splitlines()
    assert told == [
        "conv_0",
        "conv",
        "float32 (4, 4)",
        "10 parameters",
        "100 flops, 50.0 %",
        "64 bytes of results",
        "test.nr:1:1",
    ]


def test_the_file_is_xml_with_all_names_and_shapes() -> None:
    svg = render_svg(summary_of(chain("conv", "relu", "dense")), None)
    assert {"conv_0", "relu_1", "dense_2", "conv", "relu", "dense", "x", "y0", "(4, 4)"} <= set(texts(svg))


def test_shapes_stand_beside_lines_that_pass_other_nodes() -> None:
    """A shortcut leads past two layers; the others come right from the node that says the shape."""
    summary = summary_of([("conv", [0]), ("relu", [1]), ("conv", [2]), ("add", [3, 1])])
    root = ElementTree.fromstring(render_svg(summary, None))
    labels = [element for element in root.iter(f"{SVG}text") if element.get("class") == "label"]
    assert [label.text for label in labels] == ["(4, 4)"]
    lines = [element for element in root.iter(f"{SVG}path") if element.get("class") == "line"]
    assert len(lines) == 6
    assert all(line.find(f"{SVG}title") is not None for line in lines)


def test_a_repeated_block_is_shown_once_and_its_inside_beside_it() -> None:
    svg = render_svg(summary_of(chain(*["conv", "relu", "dense", "sigmoid", "mul"] * 20)), None)
    assert "×20  100 %" in texts(svg)
    assert "5 layers, 20 times" in texts(svg)
    assert texts(svg).count("sigmoid") == 1


def test_names_are_texts_whatever_they_are() -> None:
    svg = render_svg(summary_of(chain(*["relu"] * len(HOSTILE)), names=HOSTILE), None)
    assert not list(ElementTree.fromstring(svg).iter(f"{SVG}script"))
    assert "<script>alert(1)</script>" in texts(svg)
    assert "?[31mred?" in texts(svg)
    assert "?gnp.exe" in texts(svg)


def test_long_names_are_cut_where_their_parts_begin() -> None:
    names = ["StatefulPartitionedCall/model/conv1d_6/conv1d/ExpandDims", "x" * 200]
    found = texts(render_svg(summary_of(chain("conv", "relu"), names=names), None))
    assert "…/conv1d_6/conv1d/ExpandDims" in found
    assert f"…{'x' * 31}" in found


def test_texts_fit_into_their_nodes() -> None:
    """Letters of the widest font that is named are 0.602 of its size."""
    names = ["a_rather_long_name_of_a_layer_that_is_cut", "b"]
    root = ElementTree.fromstring(render_svg(summary_of(chain("conv", "relu"), names=names), None))
    for node in (element for element in root.iter(f"{SVG}g") if "node" in (element.get("class") or "")):
        card = node.find(f"{SVG}rect[@class='card']")
        assert card is not None
        left, right = float(card.get("x", "")), float(card.get("x", "")) + float(card.get("width", ""))
        for text in node.iter(f"{SVG}text"):
            size = 10 if "small" in (text.get("class") or "") else 12
            width, x = 0.602 * size * len(text.text or ""), float(text.get("x", ""))
            start = x - width if text.get("text-anchor") == "end" else x
            assert left < start
            assert start + width < right


@pytest.mark.parametrize("count", [0, 1])
def test_models_of_nothing_and_of_one_layer(count: int) -> None:
    svg = render_svg(summary_of([("relu", [0])] * count, outputs=[count]), None)
    assert "y0" in texts(svg)


def test_the_same_model_is_drawn_the_same() -> None:
    summary = summary_of([("conv", [0]), ("relu", [1]), ("conv", [1]), ("add", [2, 3]), ("relu", [4])])
    assert render_svg(summary, None) == render_svg(summary, None)
    assert not re.search(r"0x[0-9a-f]{6}", render_svg(summary, None))


def test_every_family_of_ops_has_a_colour() -> None:
    assert {places.family(op) for op in places.ops()} <= set(FAMILIES)
    assert set(FAMILIES.values()) <= set(KINDS)
    assert all(STYLE.count(f".flow .{kind} {{") == 2 for kind in KINDS), "one for light, one for dark"
