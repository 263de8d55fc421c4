"""What each form that a model can be written in says of each graph op: that it does, or why it does not.

Reasons for uses of an op that a form cannot say stand where they are found, in calls of `refuse`; they are read from
the source, so that the page shows what the code says.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from xdsl.ir import Operation

FORMS: Mapping[str, str] = {
    "PyTorch": "neuralc.emit.torch.lowering",
    "Keras": "neuralc.emit.keras.lowering",
    "JAX": "neuralc.emit.jax.lowering",
    "ONNX": "neuralc.emit.onnx.lowering",
    ".nr": "neuralc.emit.nr.lowering",
}
"""Form -> the module with its `LOWERINGS` and `WITHOUT_CODE`."""


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
    given: Mapping[str, str] = import_module(FORMS[form]).WITHOUT_CODE
    return given.get(op.name) or given.get(op.name.removeprefix("graph."), "")


def refusals() -> list[Refusal]:
    """Uses of ops that forms refuse, by form and reason."""
    found: dict[tuple[str, str], set[str]] = {}
    for form, module in FORMS.items():
        lowering = import_module(module)
        paths = sorted(Path(inspect.getfile(lowering)).parent.glob("*.py"))
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
            case ast.Call(func=ast.Attribute(attr="refuse"), args=[_, ast.Constant(value=str() as text)]):
                yield text
            case ast.Call(func=ast.Attribute(attr="refuse"), args=[_, ast.JoinedStr(values=parts)]):
                yield "".join(_shown(part) for part in parts)


def _shown(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ".."
