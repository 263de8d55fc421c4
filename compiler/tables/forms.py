"""What each form that a model can be written in says of each graph op: that it does, or why it does not.

Reasons for uses of an op that a form cannot say stand where they are found, in calls of `refuse`; they are read from
the source, so that the page shows what the code says.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from xdsl.ir import Operation

from neuralc.grammar.signatures import SIGNATURES
from neuralc.tables import places

FORMS: Mapping[str, str] = {
    "PyTorch": "neuralc.emit.torch.lowering",
    "Keras": "neuralc.emit.keras.lowering",
    "JAX": "neuralc.emit.jax.lowering",
    "ONNX": "neuralc.emit.onnx.lowering",
    ".nr": "neuralc.emit.nr.lowering",
}
"""Form -> the module with its `LOWERINGS` and `WITHOUT_CODE`."""

KINDS: Mapping[str, str] = {module.split(".")[2]: form for form, module in FORMS.items()}
"""The word of `--emit` for each form."""

CODE = ("PyTorch", "Keras", "JAX")
"""Forms that share what writes Python."""

INEXACT: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Keras", "Keras and TensorFlow hold the numbers of these functions in single precision"): (
        "gelu",
        "leaky_relu",
        "GELU",
        "LeakyReLU",
        "Rescaling",
        "AxialAttention",
        "GraphAttention",
        "TransformerEncoder",
    ),
    ("Keras", "tf.image.resize computes in single precision"): ("Resizing",),
    ("Keras", "TensorFlow has no code that pools volumes of doubles on a CPU"): ("AveragePooling3D", "MaxPooling3D"),
}
"""Form and reason -> the ops and layers whose results in doubles differ by more than 1e-10, or are not to be had."""

LEFT_OPEN: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ONNX", "which place ArgMax and ArgMin give where there is a NaN: with onnxruntime it depends on the order"): (
        "arg_reduce",
    ),
}
"""Form and reason -> the ops whose results for NaN or infinity are not those of the graph level."""


MOST = 12
"""Ops of one function up to which the page names them."""


@dataclass(frozen=True)
class Refusal:
    """What a form cannot say: all uses of an op, or some."""

    form: str
    ops: tuple[str, ...]
    """Names; none where a use of any op may be meant."""
    reason: str


def writes(form: str, op: type[Operation]) -> bool:
    """Whether a form has words for an op."""
    return op in import_module(FORMS[form]).LOWERINGS


def reason(form: str, op: type[Operation]) -> str:
    """Why a form has no words for an op; the empty string where none is given."""
    return without_code(form, op.name.removeprefix("graph."))


def inexact(kind: str, name: str) -> str:
    """Why an op or a layer is not to 1e-10 in a form; empty where it is."""
    return _among(INEXACT, kind, name)


def left_open(kind: str, name: str) -> str:
    """What a form leaves open of an op; empty where nothing."""
    return _among(LEFT_OPEN, kind, name)


def _among(table: Mapping[tuple[str, str], tuple[str, ...]], kind: str, name: str) -> str:
    return next((why for (form, why), names in table.items() if form == KINDS[kind] and name in names), "")


def pattern(kind: str, told: str) -> str:
    """The reason that the code has for a refusal, with `..` for what is another word each time; empty for none."""
    reasons = [*import_module(FORMS[KINDS[kind]]).WITHOUT_CODE.values(), *_patterns(KINDS[kind])]
    return next((each for each in reasons if re.fullmatch(re.escape(each).replace(r"\.\.", ".+"), told)), "")


@cache
def _patterns(form: str) -> tuple[str, ...]:
    return tuple(each.reason for each in refusals() if each.form == form)


STRUCTURE = ("call", "get_state", "set_state")
"""Ops that hold a model together and that forms have words for."""


def rows() -> dict[str, list[str]]:
    """What docs/forms.md has a row for."""
    ops = sorted([*(op.name.removeprefix("graph.") for op in places.ops()), *STRUCTURE])
    return {"op": ops, "layer": [each.name for each in SIGNATURES]}


def without_code(form: str, name: str) -> str:
    """Why a form has no words for an op, by the name of the op; the empty string where it has some."""
    given: Mapping[str, str] = import_module(FORMS[form]).WITHOUT_CODE
    return given.get(f"graph.{name}") or given.get(name, "")


def refusals() -> list[Refusal]:
    """Uses of ops that forms refuse, by form and reason."""
    found: dict[tuple[str, str], set[str]] = {}
    for form, module in FORMS.items():
        lowering = import_module(module)
        folder = Path(inspect.getfile(lowering)).parent
        paths = sorted(folder.glob("*.py")) + (sorted((folder.parent / "python").glob("*.py")) if form in CODE else [])
        functions = [each for path in paths for each in _functions(path)]
        ops_of = _with_helpers(_lowered_by(lowering.LOWERINGS), functions)
        for function in functions:
            for text in _refused(function):
                found.setdefault((form, text), set()).update(ops_of.get(function.name, ()))
    return [Refusal(form, tuple(sorted(ops)), text) for (form, text), ops in found.items()]


def _lowered_by(lowerings: Mapping[type[Operation], object]) -> dict[str, set[str]]:
    """The ops that a function of a file lowers, by the name of the function."""
    found: dict[str, set[str]] = {}
    for op, lowering in lowerings.items():
        for function in _inside(lowering):
            found.setdefault(function, set()).add(op.name.removeprefix("graph."))
    return found


def _inside(lowering: object) -> Iterator[str]:
    """The name of a function, and of one that it is wrapped around."""
    yield getattr(lowering, "__name__", "")
    for cell in getattr(lowering, "__closure__", None) or ():
        if callable(cell.cell_contents):
            yield getattr(cell.cell_contents, "__name__", "")


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _with_helpers(ops_of: Mapping[str, set[str]], functions: Sequence[ast.FunctionDef]) -> Mapping[str, set[str]]:
    """The same with the functions that lowerings call; one that serves more than `MOST` ops is of no op."""
    found = {name: set(ops) for name, ops in ops_of.items()}
    known = {function.name for function in functions}
    calls = {
        (function.name, node.func.id)
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known
    }
    changed = True
    while changed:
        changed = False
        for caller, called in calls:
            ops = found.setdefault(called, set())
            changed |= not found.get(caller, set()) <= ops
            ops |= found.get(caller, set())
    return {name: ops for name, ops in found.items() if len(ops) <= MOST}


def _refused(function: ast.FunctionDef) -> Iterator[str]:
    """The reasons that a function gives. Those of tables are those of `reason`."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(attr="refuse"), args=[_, told]):
                yield from _text(told)
            case ast.Call(
                func=ast.Attribute(attr="add", value=ast.Name(id="refusals") | ast.Attribute(attr="refusals")),
                args=[_, told],
            ):
                yield from _text(told)
            case ast.Raise(exc=ast.Call(func=ast.Name(id="Inexpressible" | "LookupError"), args=[told])):
                yield from _text(told)


def _text(told: ast.expr) -> Iterator[str]:
    match told:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(map(_shown, parts))


def _shown(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ".."
