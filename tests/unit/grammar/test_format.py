"""`neuralc fmt`: one layout, the same meaning, every comment, and nothing left to do the second time."""

import json
from pathlib import Path

import pytest
from support.bounds import bounded

from neuralc.cli import run
from neuralc.grammar.comments import Comments
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.format import WIDTH, format_source, meaning
from neuralc.grammar.parser import parse

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "neural_dsl"


def formatted(text: str) -> str:
    return format_source(Source("m.nr", text))


def network(layers: str) -> str:
    return f"network M {{\n  input: (8)\n  layers:\n{layers}}}\n"


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("Dense( 3,activation = 'relu' );", '    Dense(3, activation="relu")\n'),
        ("Dense(3, use_bias: TRUE)", "    Dense(3, use_bias=true)\n"),
        ("Flatten", "    Flatten()\n"),
        ("Residual(){ReLU ReLU()}*2", "    Residual { ReLU() ReLU() } * 2\n"),
        ("a=Dense(3)b = Add(a,a)( )", "    a = Dense(3) b = Add(a, a)()\n"),
        ("x , y= LSTM(3)@'cpu'", '    x, y = LSTM(3) @ "cpu"\n'),
        ("Lambda('x: x == \"a\"')", "    Lambda('x: x == \"a\"')\n"),
        ("left:{Dense(3)}", "    left: { Dense(3) }\n"),
        ("HPO(choice(Dense(8),LSTM(8)))", "    HPO(choice(Dense(8), LSTM(8)))\n"),
        ("Dense(HPO(range(1,9,2)))", "    Dense(HPO(range(1, 9, step=2)))\n"),
        ("Dense(3)\n\n\n\nDense(4)", "    Dense(3)\n\n    Dense(4)\n"),
        ("Dense(3) # why\n  // alone\nDense(4)", "    Dense(3)  # why\n    // alone\n    Dense(4)\n"),
    ],
)
def test_items(written: str, wanted: str) -> None:
    assert formatted(f"network M {{\ninput: (8)\nlayers: {written}\n}}") == network(wanted)


def test_a_short_network_on_one_line_stays_there() -> None:
    text = "network M { input: (8) layers: Dense(3) loss: mse train { epochs: 3 } }\n"
    assert formatted(text) == text


def test_what_does_not_fit_is_broken() -> None:
    names = ", ".join(f"kernel_{index}_initializer=HeNormal(seed={index})" for index in range(5))
    text = formatted(f"network M {{ input: (8) layers: Dense(3, {names}) }}")
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.splitlines()[3:5] == ["    Dense(", text.splitlines()[4]]


def test_inputs_that_do_not_fit_have_a_line_each() -> None:
    ports = ", ".join(f"image_number_{index}: (224, 224, 3) uint8" for index in range(4))
    text = formatted(f"network M {{ input: {{ {ports} }} where batch <= 8 layers: Concatenate() }}")
    assert text.splitlines()[1:3] == ["  input: {", "    image_number_0: (224, 224, 3) uint8"]
    assert text.splitlines()[6] == "  } where batch <= 8"


def test_comments_within_arguments_stay_with_them() -> None:
    text = formatted("network M { input: (8) layers: Dense(\n 3, # units\n relu # after\n ) }")
    assert text == network("    Dense(\n      3,  # units\n      relu  # after\n    )\n")


@pytest.mark.parametrize(
    "layers",
    [
        "x()\n# before a separator\n;",
        "x( # of nothing\n){}*2(0)",
        "Residual { ReLU # inside\n } (3) (a)",
        "Dense(3, # first\n\n # second\n relu)",
        "a =\n\n # behind the sign\n Dense(3)",
        "HPO HPO { ReLU }",
        "HPO { }(3) HPO @ 'cpu' (a)(b)",
        "Dense(HPO(range(0, 9, # of the step\n\n 3)))",
        "Residual(a=Block(1) { ReLU\n }) { }",
    ],
)
def test_formatting_what_is_formatted_changes_nothing(layers: str) -> None:
    once = formatted(f"network M {{ input: (8) layers: {layers} }}")
    assert formatted(once) == once


@pytest.mark.parametrize("length", range(44, 54))
def test_a_row_of_groups_is_broken_where_it_was_at_any_width(length: int) -> None:
    row = f"0, a(0) {{ x @ 'cpu' }}, b((0, -7), -7, c=128, d='{'d' * length}') {{ x {{ }} @ 'cpu' * 2 y() z }}"
    once = formatted(f"network M {{ input: (8) train {{ epochs: {row} }} layers: ReLU }}")
    assert formatted(once) == once


def test_notes_of_research_keep_their_comments() -> None:
    text = formatted(
        'network M {input:(8) layers:ReLU} research {references{a:"x" b #\n:"y" } metrics { c: 1 # of it\n}}'
    )
    assert comments_of(text) == ["#", "# of it"]
    assert formatted(text) == text


@pytest.mark.parametrize(
    "around", ["Residual {{ {} }}", "Residual {{\n{} }}", "f({})", "A({}) {{ ReLU }}", "a: {{ {} }}"]
)
@pytest.mark.thorough
def test_what_is_nested_deeply(around: str) -> None:
    layers = "Dense(8)"
    for _ in range(500):
        layers = around.format(layers)
    with bounded():
        once = formatted(f"network M {{ input: (8) layers: {layers} }}")
        assert formatted(once) == once


@pytest.mark.skipif(not CORPUS.exists(), reason="the language corpus is not beside this checkout")
def test_the_corpus_keeps_its_meaning_and_comments_and_is_formatted_once() -> None:
    count = 0
    for entry in json.loads((CORPUS / "corpus.json").read_text("utf-8"))["entries"]:
        text = (CORPUS / entry["file"]).read_text("utf-8")
        source = Source(entry["file"], f"network T {{ input: (3) layers: {text}\n }}" if entry["start_rule"] == "layer"
                        else text)  # fmt: skip
        try:
            tree = parse(source)
        except NeuralcError:
            continue
        count += 1
        once = format_source(source)
        assert meaning(parse(Source("m.nr", once))) == meaning(tree)
        assert comments_of(once) == comments_of(source.text)
        assert formatted(once) == once
    assert count > 150


def comments_of(text: str) -> list[str]:
    return [comment.text for comment in Comments(Source("m.nr", text)).before(len(text) + 1)]


# --- the command -----------------------------------------------------------------------------------------------------
def test_files_and_folders_are_rewritten_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "inner").mkdir()
    model = tmp_path / "inner" / "m.nr"
    model.write_text("network M { input: (8) layers: Dense( 3 ) }")
    assert run(["fmt", "--check", str(tmp_path)]) == 1
    assert run(["fmt", str(tmp_path)]) == 0
    assert capsys.readouterr().err == f"would change {model}\nchanged {model}\n"
    assert model.read_text() == "network M { input: (8) layers: Dense(3) }\n"
    assert run(["fmt", "--check", str(tmp_path)]) == 0


def test_a_difference_is_shown_and_nothing_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nr"
    model.write_text("network M { input: (8) layers: Dense( 3 ) }\n")
    assert run(["fmt", "--diff", str(model)]) == 1
    assert "-network M { input: (8) layers: Dense( 3 ) }\n+network M" in capsys.readouterr().out
    assert "( 3 )" in model.read_text()


def test_a_wrong_model_is_reported_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nr"
    model.write_text("network M {")
    assert run(["fmt", str(model)]) == 1
    assert "error[E0103]" in capsys.readouterr().err
    assert model.read_text() == "network M {"
