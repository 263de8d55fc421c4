"""The folders are the architecture: who may import whom, and what the runtime may need."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.sources import FOLDERS, ROOT, SOURCES, tree

MAY_IMPORT = {
    "grammar": {"grammar"},
    "dialects": {"dialects"},
    "passes": {"passes", "dialects"},
    "compiler": {"compiler", "passes", "dialects", "grammar", "runtime"},
    "runtime": {"runtime"},
}
OPEN_LEAF = {
    "neuralc.grammar.diagnostics",
    "neuralc.grammar.codes",
    "neuralc.grammar.entry_points",
    "neuralc.grammar.files_read",
}
"""May be imported by all compile-time folders."""

ALLOWED_IN_RUNTIME = {"numpy", "ml_dtypes", *sys.stdlib_module_names}
"""ml_dtypes where it is installed: it has the dtype of bf16 arrays, whose bits are taken and given without it."""


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(["neuralc", *(parts[1:] if parts[0] == "compiler" else parts)])


def folder_of(module: str) -> str:
    part = [*module.split("."), ""][1]
    return part if part in FOLDERS else "compiler"


def imports(tree: ast.AST, *, when_imported_only: bool = False) -> Iterator[str]:
    """The modules a file imports; only those that its own import needs when asked."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.expr):
            continue  # holds no statement; most nodes are some
        if when_imported_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if when_imported_only and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                known = {f"{module}.{alias.name}" for alias in names} & MODULES
                yield from known or {module}
            case ast.ImportFrom(level=int(level)) if level > 0:
                yield "<relative>"
            case _:
                yield from imports(node, when_imported_only=when_imported_only)


MODULES = {module_name(path) for path in SOURCES}


@cache
def trees() -> dict[str, ast.Module]:
    return {module_name(path): tree(path) for path in SOURCES}


def wrong_way(folder: str, imported: str) -> str | None:
    """Why a module of a folder may not import another one."""
    if imported == "<relative>":
        return "imports are absolute, `neuralc.*`"
    if imported.split(".")[0] in FOLDERS:
        return "that would make each class twice"
    if imported.split(".")[0] != "neuralc" or (folder != "runtime" and imported in OPEN_LEAF):
        return None
    target = folder_of(imported)
    return None if target in MAY_IMPORT[folder] else f"{folder} may not know {target}"


def test_imports_go_one_way() -> None:
    found = {
        f"{module} imports {imported}: {why}"
        for module, tree in trees().items()
        for imported in imports(tree)
        if (why := wrong_way(folder_of(module), imported)) is not None
    }
    assert found == set()


@pytest.mark.parametrize(
    ("folder", "imported"),
    [("grammar", "neuralc.passes.base"), ("dialects", "<relative>"), ("passes", "dialects.graph"),
     ("runtime", "neuralc.grammar.diagnostics")],
)  # fmt: skip
def test_imports_that_go_the_other_way_are_seen(folder: str, imported: str) -> None:
    assert wrong_way(folder, imported)


def test_tests_import_the_package_and_not_the_folders() -> None:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for imported in imports(ast.parse(path.read_text(encoding="utf-8"))):
            assert imported.split(".")[0] not in FOLDERS, f"{path.relative_to(ROOT)} imports `{imported}`"


def test_no_file_needs_itself_to_be_imported() -> None:
    needs = {
        module: {imported for imported in imports(tree, when_imported_only=True) if imported in MODULES} - {module}
        for module, tree in trees().items()
    }
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in finished:
            for needed in sorted(needs[module]):
                visit(needed, (*path, module))
            finished.add(module)

    for module in sorted(needs):
        visit(module, ())


def test_runtime_imports_numpy_alone() -> None:
    for module, parsed in trees().items():
        if folder_of(module) == "runtime":
            for imported in imports(parsed):
                root = imported.split(".")[0]
                ours = imported == "neuralc.runtime" or imported.startswith("neuralc.runtime.")
                assert ours or root in ALLOWED_IN_RUNTIME, f"{module} imports {imported}"


ONLY_NUMPY = """
import sys

class OnlyNumpy:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        known = root in sys.stdlib_module_names or root in ("neuralc", "numpy") or root.startswith("__editable__")
        if not known or (root == "neuralc" and name != root and not name.startswith("neuralc.runtime")):
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)

sys.meta_path.insert(0, OnlyNumpy())
import neuralc.runtime
"""


def test_runtime_loads_where_only_numpy_is_installed() -> None:
    done = subprocess.run([sys.executable, "-c", ONLY_NUMPY], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
