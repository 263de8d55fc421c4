"""Layered drawing: no two boxes overlap, lines end at their boxes and pass beside all others, and it is repeatable."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralc.inspection.layout import Box, Layout, Point, arrange
from neuralc.inspection.rows import Line, make_rows

WIDTH, HEIGHT = 100.0, 40.0


@st.composite
def drawings(draw: st.DrawFn) -> tuple[list[tuple[float, float]], list[Line]]:
    """Boxes of several sizes; lines from earlier to later ones, some with texts, some that run together."""
    count = draw(st.integers(1, 24))
    sizes = draw(st.lists(st.sampled_from([(WIDTH, HEIGHT), (180.0, 60.0)]), min_size=count, max_size=count))
    pairs = [(source, target) for target in range(count) for source in range(target)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=40)) if pairs else []
    label = st.sampled_from([0.0, 70.0])
    return sizes, [
        Line(source, target, draw(st.integers(0, 1)), draw(label), draw(st.booleans())) for source, target in chosen
    ]


def inside(box: Box, point: Point) -> bool:
    x, y = point
    return box.x < x < box.x + box.width and box.y < y < box.bottom


def overlap(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not beside and one.y < other.bottom and other.y < one.bottom


def corridor(start: Point, end: Point) -> list[Point]:
    """Points between two of a route: it stays between their heights, and between their sides."""
    return [(start[0] + (end[0] - start[0]) * part / 8, start[1] + (end[1] - start[1]) * part / 8) for part in range(9)]


@settings(max_examples=60, deadline=None)
@given(drawings())
def test_boxes_keep_their_sizes_and_do_not_overlap(drawing: tuple[list[tuple[float, float]], list[Line]]) -> None:
    sizes, lines = drawing
    layout = arrange(sizes, lines)
    assert [(box.width, box.height) for box in layout.boxes] == sizes
    assert not any(overlap(one, other) for one, other in combinations(layout.boxes, 2))
    assert all(box.x >= 0 and box.x + box.width <= layout.width and box.bottom <= layout.height for box in layout.boxes)


@settings(max_examples=60, deadline=None)
@given(drawings())
def test_lines_lead_down_from_box_to_box_and_through_no_other(
    drawing: tuple[list[tuple[float, float]], list[Line]],
) -> None:
    sizes, lines = drawing
    layout = arrange(sizes, lines)
    for line, route in zip(lines, layout.routes, strict=True):
        source, target = layout.boxes[line.source], layout.boxes[line.target]
        first, last = route.points[0], route.points[-1]
        assert first[1] == source.bottom
        assert source.x < first[0] < source.x + source.width
        assert last[1] == target.y
        assert target.x < last[0] < target.x + target.width
        assert all(above[1] <= below[1] for above, below in pairwise(route.points))
        passed = [point for start, end in pairwise(route.points) for point in corridor(start, end)]
        assert not any(inside(box, point) for box in layout.boxes for point in passed)


@settings(max_examples=30, deadline=None)
@given(drawings())
def test_texts_stand_beside_all_boxes(drawing: tuple[list[tuple[float, float]], list[Line]]) -> None:
    sizes, lines = drawing
    layout = arrange(sizes, lines)
    for line, route in zip(lines, layout.routes, strict=True):
        if route.label is not None:
            x, y = route.label
            text = Box(x, y - 5, line.label, 10)
            assert not any(overlap(text, box) for box in layout.boxes)


@settings(max_examples=20, deadline=None)
@given(drawings())
def test_the_same_graph_is_drawn_the_same(drawing: tuple[list[tuple[float, float]], list[Line]]) -> None:
    assert arrange(*drawing) == arrange(*drawing)


def drawn(count: int, *pairs: tuple[int, int]) -> Layout:
    return arrange([(WIDTH, HEIGHT)] * count, [Line(source, target) for source, target in pairs])


def test_a_chain_is_one_straight_column() -> None:
    layout = drawn(50, *((index, index + 1) for index in range(49)))
    assert {box.x for box in layout.boxes} == {0.0}
    assert [box.y for box in layout.boxes] == sorted({box.y for box in layout.boxes})
    assert all(len({x for x, _ in route.points}) == 1 for route in layout.routes)


def test_a_shortcut_runs_beside_a_straight_main_path() -> None:
    layout = drawn(6, (0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (1, 4))
    assert len({box.middle for box in layout.boxes}) == 1
    (side,) = {x for x, _ in layout.routes[5].points[2:-2]}
    assert side > layout.boxes[0].x + WIDTH


def test_shortcuts_within_one_another_do_not_cross() -> None:
    """The lines of a U-Net: the first to leave is the outermost."""
    layout = drawn(8, *((index, index + 1) for index in range(7)), (0, 7), (1, 6), (2, 5))
    outer, middle, inner = (route.points[2][0] for route in layout.routes[7:])
    assert outer > middle > inner


def test_branches_stand_side_by_side_with_the_middle_one_straight() -> None:
    layout = drawn(7, (0, 1), *((1, branch) for branch in (2, 3, 4)), *((branch, 5) for branch in (2, 3, 4)), (5, 6))
    assert layout.boxes[2].y == layout.boxes[3].y == layout.boxes[4].y
    assert layout.boxes[1].middle == layout.boxes[3].middle == layout.boxes[5].middle
    assert layout.boxes[2].x < layout.boxes[3].x < layout.boxes[4].x


def test_an_input_that_is_used_late_stands_just_above() -> None:
    layout = drawn(5, (0, 2), (2, 3), (1, 4), (3, 4))
    assert layout.boxes[1].y == layout.boxes[3].y


def test_lines_of_one_value_run_together() -> None:
    lines = [*(Line(index, index + 1) for index in range(6)), Line(0, 3, "mask"), Line(0, 6, "mask")]
    rows = make_rows([WIDTH] * 7, lines, 5.0)
    near, far = rows.paths[6], rows.paths[7]
    assert near[:-1] == far[: len(near) - 1]


def test_a_line_back_is_refused() -> None:
    with pytest.raises(ValueError, match="later node"):
        drawn(2, (1, 0))


def test_nothing_is_drawn_of_nothing() -> None:
    assert arrange([], []) == Layout(0.0, 0.0, [], [])
