"""The `input:` clause: names, types, the batch, named sizes and what `where` says about them."""

import pytest

from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.parser import parse
from neuralc.grammar.program import Program
from neuralc.grammar.resolve import resolve


def program_of(clause: str) -> Program:
    return resolve(parse(Source("m.nr", f"network M {{ input: {clause} layers: Dense(3) }}")))


def codes_of(clause: str) -> list[str]:
    with pytest.raises(NeuralcError) as caught:
        program_of(clause)
    return [found.code for found in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("shape", "sizes", "origin"),
    [
        ("(28, 28, 1)", (28, 28, 1), "implied batch"),
        ("(None, 28, 28, 1)", (28, 28, 1), "m.nr:1:21"),
        ("(NONE, 8)", (8,), "m.nr:1:21"),
        ("(batch, 8)", (8,), "m.nr:1:21"),
        ("(32,)", (32,), "implied batch"),
        ("()", (), "implied batch"),
        ("(HPO(choice(32, 64)))", (32,), "implied batch"),
        ("(S, 8)", ("S", 8), "implied batch"),
        ("(None, None, 8)", ("input_dim1", 8), "m.nr:1:21"),
    ],
)
def test_a_leading_none_is_the_batch_and_is_implied_otherwise(
    shape: str, sizes: tuple[int | str, ...], origin: str
) -> None:
    program = program_of(shape)
    assert program.inputs[0].sizes == sizes
    assert program.sizes[0].origin == origin


@pytest.mark.parametrize(
    ("clause", "names", "elements"),
    [
        ("(8)", ["input"], ["float32"]),
        ("x: (8)", ["x"], ["float32"]),
        ("{ x: (8) float64 }", ["x"], ["float64"]),
        ("(8) half", ["input"], ["float16"]),
        ("(8) bfloat16", ["input"], ["bfloat16"]),
        ("(8), (4)", ["input_1", "input_2"], ["float32", "float32"]),
        ("{ image: (8, 8, 3) uint8, ids: (S) int64 }", ["image", "ids"], ["uint8", "int64"]),
    ],
)
def test_inputs_have_names_and_types(clause: str, names: list[str], elements: list[str]) -> None:
    found = program_of(clause).inputs
    assert ([port.name for port in found], [port.element for port in found]) == (names, elements)


@pytest.mark.parametrize(
    ("where", "bounds"),
    [
        ("S <= 128", (1, 128)),
        ("S < 128, S >= 4", (4, 127)),
        ("2 < S", (3, None)),
        ("S == 16", (16, 16)),
    ],
)
def test_bounds_are_kept_with_the_size(where: str, bounds: tuple[int, int | None]) -> None:
    size = next(size for size in program_of(f"(S, 8) where {where}").sizes if size.name == "S")
    assert (size.minimum, size.maximum) == bounds
    assert where.split(", ")[-1] in size.origin


def test_bounds_may_be_parameters() -> None:
    text = "network M(room=64) { input: (S, T) where S <= room, T == 2 * S + room layers: Dense(3) }"
    program = resolve(parse(Source("m.nr", text)), "M", {"room": 32})
    assert next(size for size in program.sizes if size.name == "S").maximum == 32
    with pytest.raises(NeuralcError, match='`room` is "x", a size is a whole number'):
        resolve(parse(Source("m.nr", text)), "M", {"room": '"x"'})


@pytest.mark.parametrize(
    ("clause", "codes"),
    [
        ("(0)", ["E0402"]),
        ('(28, "x", 1)', ["E0402"]),
        ("(-3, 1.5)", ["E0402", "E0402"]),
        ("(min, 8)", ["E0402"]),
        ("{ a: (8), a: (4) }", ["E0208"]),
        ("(S) where T <= 3", ["E0403"]),
        ("(S) where S > 9, S < 4", ["E0407"]),
        ("(S) where S < 1", ["E0407"]),
        ("(S) where S < 1.5", ["E0305"]),
    ],
)
def test_wrong_inputs_are_errors(clause: str, codes: list[str]) -> None:
    assert codes_of(clause) == codes
