"""Random programs of the `.nr` language as its grammar allows them, in odd layouts: they parse, whatever they mean.

A program is drawn as a list of words; between two of them goes a gap of blanks, line ends and comments.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

Words = list[str]
Draw = st.DrawFn

NAMES = ("x", "y1", "_z", "Dense", "conv2d", "Residual", "Block", "Inner", "relu", "None", "true", "FALSE", "Add", "S")
ARGUMENTS = ("units", "activation", "name", "input", "layers", "train", "step", "choice", "float32", "network")
SETTINGS = ("loss", "optimizer", "metrics", "outputs", "weights", "init", "epochs", "references", "anything")
ENTRIES = ("epochs", "batch_size", "device", "x", "step", "choice", "references")
SECTIONS = ("train", "execution", "execute", "benchmark", "test")
DTYPES = ("float", "float16", "float32", "int8", "int64", "uint8", "bool", "bfloat16")
NUMBERS = ("0", "3", "-7", "+2", "128", "3.5", "-.5", "2.", "1e-4", "6E+3", "1.5e3", "9223372036854775807")

names = st.sampled_from(NAMES)
numbers = st.sampled_from(NUMBERS)
_inside = st.text(st.characters(codec="utf-8", exclude_characters="\"'\n\r"), max_size=6)
strings = st.one_of(
    st.sampled_from(('"relu"', "'same'", '"# no comment"', "'// {'", '"it\'s"', "'\"'", '"\\n"', '"Adam(0.1)"')),
    _inside.map(lambda text: f'"{text}"'),
)
_comment = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=8)
comments = st.builds(lambda mark, text: f"{mark}{text}\n", st.sampled_from(("#", "//", "# ", "#(")), _comment)
gaps = st.one_of(
    st.sampled_from(("", "", "", " ", " ", "\n", "  ", "\t", "\r\n", "\n\n", "\n \n\n")),
    st.builds(lambda before, comment: before + comment, st.sampled_from((" ", "\n", "\n\n")), comments),
)


def _many(draw: Draw, one: Callable[[], Words], most: int = 3, least: int = 0) -> list[Words]:
    return [one() for _ in range(draw(st.integers(least, most)))]


def _commas(draw: Draw, parts: list[Words], *, trailing: bool = True) -> Words:
    """Parts with commas between them, and at times one behind the last."""
    words = [word for part in parts for word in (*part, ",")]
    return words if trailing and words and draw(st.booleans()) else words[:-1]


# --- values ----------------------------------------------------------------------------------------------------------
def _value(draw: Draw, depth: int) -> Words:
    kind = draw(st.integers(0, 7 if depth > 0 else 2))
    match kind:
        case 0:
            return [draw(numbers)]
        case 1:
            return [draw(strings)]
        case 2:
            return [draw(names)]
        case 3 | 4:
            left, right = ("(", ")") if kind == 3 else ("[", "]")
            return [left, *_commas(draw, _many(draw, lambda: _value(draw, depth - 1))), right]
        case 5 | 6:
            block = _block(draw, depth - 1) if draw(st.integers(0, 3)) == 0 else []
            return [draw(names), *_arguments(draw, depth - 1), *block]
        case _:
            return _search(draw, depth - 1)


def _search(draw: Draw, depth: int) -> Words:
    kind = draw(st.sampled_from(("choice", "range", "log_range")))
    if kind == "choice":
        options = _commas(draw, _many(draw, lambda: _value(draw, depth), 3, 1), trailing=False)
        return ["HPO", "(", "choice", "(", *options, ")", ")"]
    ends = [*_value(draw, 0), ",", *_value(draw, 0)]
    step: Words = []
    if kind == "range":
        step = draw(st.sampled_from(([], [",", "0.5"], [",", "step", "=", "2"])))
    return ["HPO", "(", kind, "(", *ends, *step, ")", ")"]


def _arguments(draw: Draw, depth: int) -> Words:
    """Parentheses: first what stands by position, then what has a name."""
    positional = _many(draw, lambda: _value(draw, depth), 2)
    named = _many(draw, lambda: _named(draw, depth), 2)
    return ["(", *_commas(draw, [*positional, *named]), ")"]


def _named(draw: Draw, depth: int) -> Words:
    name = draw(names | st.sampled_from(ARGUMENTS))
    return [name, draw(st.sampled_from(("=", ":"))), *_value(draw, depth)]


# --- layers ----------------------------------------------------------------------------------------------------------
def _item(draw: Draw, depth: int) -> Words:
    if depth > 0 and draw(st.integers(0, 5)) == 0:
        return [draw(names), ":", *_block(draw, depth - 1), *draw(st.sampled_from(([], [","], [";"])))]
    targets = draw(st.sampled_from(([], [], ["a", "="], ["a,b", "="], ["a , b\n,c", "="])))
    searched = depth > 0 and draw(st.integers(0, 7)) == 0
    name = _search(draw, depth - 1) if searched else [draw(names)]
    suffixes = [draw(st.sampled_from((["(", ")"], _arguments(draw, depth))))]
    if depth > 0 and draw(st.integers(0, 2)) == 0:
        suffixes.append(_block(draw, depth - 1))
    if draw(st.integers(0, 4)) == 0:
        suffixes.append(["@", draw(strings)])
    if draw(st.integers(0, 4)) == 0:
        times = draw(st.sampled_from((["2"], ["n"], ["HPO", "(", "choice", "(", "2", ",", "3", ")", ")"])))
        suffixes.append(["*", *times])
    if draw(st.integers(0, 4)) == 0:
        suffixes.append(_arguments(draw, depth))
    if draw(st.integers(0, 2)) == 0:
        suffixes = suffixes[1:]  # a name may stand alone
    ends = [[], [";"], [","]] if suffixes else [[], [";"]]  # `ReLU, x = Dense(3)` gives two names
    if draw(st.booleans()):
        suffixes = draw(st.permutations(suffixes))
    words = [*targets, *name, *(word for suffix in suffixes for word in suffix)]
    return [*words, *draw(st.sampled_from(ends))]


def _items(draw: Draw, depth: int, most: int = 4) -> Words:
    return [word for item in _many(draw, lambda: _item(draw, depth), most) for word in item]


def _block(draw: Draw, depth: int) -> Words:
    return ["{", *_items(draw, depth, 3), "}"]


# --- clauses ---------------------------------------------------------------------------------------------------------
def _shape(draw: Draw) -> Words:
    return ["(", *_commas(draw, _many(draw, lambda: _value(draw, 1), 3)), ")"]


def _port(draw: Draw) -> Words:
    dtype = [draw(st.sampled_from(DTYPES))] if draw(st.booleans()) else []
    return [draw(st.sampled_from(("x", "image", "train", "where_"))), ":", *_shape(draw), *dtype]


def _input(draw: Draw) -> Words:
    kind = draw(st.integers(0, 3))
    if kind == 0:
        ports = [*_shape(draw), *([draw(st.sampled_from(DTYPES))] if draw(st.booleans()) else [])]
    elif kind == 1:
        ports = _commas(draw, _many(draw, lambda: _shape(draw), 3, 2), trailing=False)
    elif kind == 2:
        ports = _port(draw)
    else:
        several = _many(draw, lambda: _port(draw), 3, 1)
        ports = ["{", *(word for port in several for word in (*port, *draw(st.sampled_from(([], [","]))))), "}"]
    where = _commas(draw, _many(draw, lambda: _constraint(draw), 2), trailing=False)
    return ["input", ":", *ports, *(["where", *where] if where else []), *draw(st.sampled_from(([], [";"])))]


def _constraint(draw: Draw) -> Words:
    return [*_size(draw), draw(st.sampled_from(("<=", ">=", "==", "<", ">"))), *_size(draw)]


def _size(draw: Draw) -> Words:
    words = [draw(st.sampled_from(("S", "T", "2")))]
    for _ in range(draw(st.integers(0, 2))):
        words += [draw(st.sampled_from(("+ ", "- ", "*", "%"))), draw(st.sampled_from(("S", "3")))]
    return words


def _setting(draw: Draw, keys: tuple[str, ...]) -> Words:
    values = _commas(draw, _many(draw, lambda: _value(draw, 2), 3, 1))
    return [draw(st.sampled_from(keys)), ":", *values, *draw(st.sampled_from(([], [";"])))]


def _section(draw: Draw) -> Words:
    entries = [word for entry in _many(draw, lambda: _setting(draw, ENTRIES)) for word in entry]
    colon = draw(st.sampled_from(([], [":"])))
    return [draw(st.sampled_from(SECTIONS)), *colon, "{", *entries, "}", *draw(st.sampled_from(([], [";"])))]


# --- definitions -----------------------------------------------------------------------------------------------------
def _parameters(draw: Draw) -> Words:
    if draw(st.booleans()):
        return []

    def one() -> Words:
        default = draw(st.sampled_from(([], ["="], [":"])))
        return [draw(names), *default, *(_value(draw, 1) if default else [])]

    return ["(", *_commas(draw, _many(draw, one)), ")"]


def _macro(draw: Draw) -> Words:
    return ["define", draw(names), *_parameters(draw), *_block(draw, 3), *draw(st.sampled_from(([], [";"])))]


def _network(draw: Draw) -> Words:
    clauses = [_input(draw), ["layers", ":", *_items(draw, 3)]]
    clauses += _many(draw, lambda: _setting(draw, SETTINGS), 2)
    clauses += _many(draw, lambda: _section(draw), 2)
    inside = [word for clause in draw(st.permutations(clauses)) for word in clause]
    head = ["network", draw(names), *_parameters(draw)]
    return [*head, "{", *inside, "}", *draw(st.sampled_from(([], [";"])))]


def _research(draw: Draw) -> Words:
    words: Words = []
    for _ in range(draw(st.integers(0, 3))):
        group = draw(st.sampled_from(("metrics", "references")))
        notes = numbers if group == "metrics" else strings
        entries = [[draw(names), ":", draw(notes)] for _ in range(draw(st.integers(0, 3)))]
        words += [group, "{", *(word for entry in entries for word in entry), "}"]
    return ["research", *draw(st.sampled_from(([], ["R"]))), "{", *words, "}"]


def _import(draw: Draw) -> Words:
    return ["from", draw(strings), "import", *_commas(draw, _many(draw, lambda: [draw(names)], 3, 1), trailing=False)]


@st.composite
def programs(draw: Draw, imports: bool = False) -> str:
    """The text of a program; macros, networks, research in any order and number, one network at least."""
    kinds = [_macro, _network, _research, *([_import] if imports else [])]
    parts = [draw(st.sampled_from(kinds))(draw) for _ in range(draw(st.integers(0, 2)))]
    parts.insert(draw(st.integers(0, len(parts))), _network(draw))
    return laid_out(draw, [word for part in parts for word in part])


def laid_out(draw: Draw, words: Words) -> str:
    """The words with gaps between them: any, and some blank where two words would become one."""
    text = draw(gaps)
    for before, word in zip(["", *words[:-1]], words, strict=True):
        gap = draw(gaps) if before else ""
        if not gap and _would_join(before, word):
            gap = " "
        text += gap + word
    return text + draw(gaps)


def _would_join(before: str, word: str) -> bool:
    letters = (before[-1:].isalnum() or before[-1:] in "_.") and (word[:1].isalnum() or word[:1] in "_+-.")
    return letters or (before[-1:] in "<>=" and word[:1] == "=") or (before[-1:] in "+-" and word[:1] in "0123456789.")
