"""Values, kinds of parameters and the binding of arguments, as messages and results of whole networks."""

from typing import Any

import pytest

from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.grammar.parser import parse
from neuralc.grammar.program import LayerNode, Program
from neuralc.grammar.resolve import resolve
from neuralc.grammar.signatures import SIGNATURES, find, snake_case


def program_of(layer: str, shape: str = "(8, 8, 4)") -> Program:
    return resolve(parse(Source("m.nr", f"network M {{ input: {shape} layers: {layer} }}")))


def arguments_of(layer: str) -> Any:
    (node,) = program_of(layer).body.nodes
    assert isinstance(node, LayerNode)
    return node.arguments


def errors_of(layer: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(NeuralcError) as caught:
        program_of(layer)
    return caught.value.diagnostics


# --- binding ---------------------------------------------------------------------------------------------------------
def test_positions_come_first_and_names_follow() -> None:
    arguments = arguments_of('Conv2D(32, 3, "relu", strides=2, padding: same)')
    wanted = {"filters": 32, "kernel_size": (3, 3), "activation": "relu", "strides": (2, 2), "padding": "same"}
    assert {name: arguments[name] for name in wanted} == wanted


def test_defaults_are_those_of_keras() -> None:
    arguments = arguments_of("BatchNormalization()")
    wanted = {"axis": -1, "momentum": 0.99, "epsilon": 0.001, "center": True, "scale": True}
    assert {name: arguments[name] for name in wanted} == wanted


def test_a_position_that_fits_a_later_parameter_is_told_its_name() -> None:
    (found,) = errors_of("Conv2D(32, 3, 2)")
    assert found.code == "E0305"
    assert found.help == "the next parameter that takes such a value is `strides`: write `strides=...`"


def test_every_wrong_argument_of_a_layer_is_reported() -> None:
    found = errors_of('Conv2D(0, (3, 3, 3), padding="full", stride=2, groups="a")')
    assert [(d.code, d.span.text if d.span else "") for d in found] == [
        ("E0306", "0"),
        ("E0305", "(3, 3, 3)"),
        ("E0307", '"full"'),
        ("E0302", "stride"),
        ("E0305", '"a"'),
    ]


def test_a_missing_argument_names_the_parameter_and_what_it_is() -> None:
    (found,) = errors_of("Dense()")
    assert (found.code, found.message) == ("E0301", "`Dense` needs `units`")
    assert found.notes == ("`units`: size of the last axis of the result",)


@pytest.mark.parametrize(
    ("layer", "code", "words"),
    [
        ("Dense(3.14)", "E0305", "a whole number of at least 1, not 3.14"),
        ('Dense("10")', "E0305", 'not "10"'),
        ("Dense(true)", "E0305", "not true"),
        ("Dense(None)", "E0305", "not None"),
        ("Dense(-1)", "E0306", "not -1"),
        ("Dense(99999999999)", "E0306", "at most 2147483647"),
        ("Dense(1e400)", "E0306", "not inf"),
        ("Dropout(1.1)", "E0306", "a number from 0 up to 1, not 1.1"),
        ("Dropout(-0.1)", "E0306", "not -0.1"),
        ("Dense(3, use_bias=1)", "E0305", "true or false, not 1"),
        ("Dense(3, 4)", "E0305", "is the name of an activation, not 4"),
        ('Dense(3, "relu\\n")', "E0202", "unknown activation"),
        ("Conv2D(3, (0, 0))", "E0306", "not (0, 0)"),
        ("Conv2D(3, 3, dilation_rate=(1, 2, 3))", "E0305", "(1, 2, 3)"),
        ("Dense(3, name=3)", "E0305", "letters, digits and underscores"),
        ('Dense(3, name="a..b")', "E0305", '"a..b"'),
        ("Flatten(1)", "E0305", '"channels_last" or "channels_first", not 1'),
    ],
)
def test_values_out_of_place_are_refused(layer: str, code: str, words: str) -> None:
    (found,) = errors_of(layer)
    assert found.code == code
    assert words in found.message or words in str(found.notes)


def test_neutral_values_of_parameters_without_meaning_are_taken() -> None:
    arguments_of("Dense(3, kernel_regularizer=None, trainable=true, dtype=None)")


# --- values ----------------------------------------------------------------------------------------------------------
def test_a_whole_number_written_as_a_float_warns() -> None:
    program = program_of("Dense(256.0)")
    assert [(d.code, d.severity) for d in program.messages] == [("W0301", "warning")]
    assert arguments_of("Dense(1e2)")["units"] == 100


@pytest.mark.parametrize(
    ("search", "units"),
    [
        ("choice(32, 64)", 32),
        ("range(10, 100, step=10)", 10),
        ("range(10, 100, 10)", 10),
        ("log_range(16, 256)", 16),
        ("range(0.1, 0.5)", 1),
        ("choice(HPO(choice(7, 9)), 100)", 7),
    ],
)
def test_a_search_gives_its_first_or_low_value_and_says_so(search: str, units: int) -> None:
    layer = f"Dense(HPO({search}))"
    assert arguments_of(layer)["units"] == units
    assert "W0302" in {d.code for d in program_of(layer).messages}


def test_a_search_inside_a_pair_is_taken_too() -> None:
    assert arguments_of("Conv2D(3, (HPO(choice(5, 7)), 3))")["kernel_size"] == (5, 3)


@pytest.mark.parametrize(
    "search",
    [
        "range(10, 5)",
        "range(10, 100, step=-10)",
        "log_range(0, 1)",
        'choice(32, "relu")',
        'range("a", 3)',
        "range(1, true)",
    ],
)
def test_impossible_searches_are_errors(search: str) -> None:
    assert errors_of(f"Dense(HPO({search}))")[0].code == "E0308"


@pytest.mark.parametrize("word", ["true", "True", "TRUE"])
def test_constants_are_read_in_any_case(word: str) -> None:
    assert arguments_of(f"Dense(3, use_bias={word})")["use_bias"] is True


# --- the table -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["conv2d", "CONV2D", "Conv2D"])
def test_layer_names_are_found_in_any_case(name: str) -> None:
    assert find(name) is find("Conv2D")


def test_every_signature_names_its_source_and_explains_itself() -> None:
    for signature in SIGNATURES:
        assert signature.source, signature.name
        assert signature.doc, signature.name
        names = [parameter.name for parameter in signature.all_parameters]
        assert len(names) == len(set(names)), signature.name
        for parameter in signature.parameters:
            if parameter.required:
                assert parameter.doc, f"{signature.name}.{parameter.name}"


@pytest.mark.parametrize(
    ("name", "keras"),
    [("Conv2D", "conv2d"), ("BatchNormalization", "batch_normalization"), ("DepthwiseConv2D", "depthwise_conv2d"),
     ("PReLU", "p_re_lu"), ("GlobalAveragePooling2D", "global_average_pooling2d")],
)  # fmt: skip
def test_scope_names_are_those_of_keras(name: str, keras: str) -> None:
    assert snake_case(name) == keras
