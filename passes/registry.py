"""Every pass by its command-line name, loaded on first use; and pipelines as text, parsed into passes.

The name says where the pass is: `tensor-fuse-elementwise` is `passes/tensor/fuse_elementwise.py`, a change of level
`graph-to-tensor` is `passes/lower/graph_to_tensor.py`. To add a pass: its file, one name here, one lit file.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from importlib import import_module

from xdsl.passes import get_pass_option_infos
from xdsl.utils.arg_spec import ArgSpec
from xdsl.utils.arg_spec import parse_pipeline as parse_specs
from xdsl.utils.exceptions import ArgSpecParseError

from neuralc.grammar.diagnostics import suggest, usage_error
from neuralc.passes.base import ModulePass

NAMES: tuple[str, ...] = (
    "graph-bound-dims",
    "graph-canonicalize",
    "graph-cse",
    "graph-dce",
    "graph-expand-custom",
    "graph-fold-batch-norm",
    "graph-fold-constants",
    "graph-inline",
    "graph-outline-blocks",
    "graph-raise-layers",
    "graph-specialize-inference",
    "graph-to-tensor",
    "kernel-canonicalize",
    "kernel-dedup",
    "kernel-expand-math",
    "kernel-place-barriers",
    "kernel-plan-memory",
    "kernel-plan-parallel",
    "kernel-verify-target",
    "tensor-canonicalize",
    "tensor-choose-layouts",
    "tensor-fuse-attention",
    "tensor-fuse-elementwise",
    "tensor-fuse-gates",
    "tensor-fuse-groups",
    "tensor-pack-weights",
    "tensor-skip-padding",
    "tensor-split-batch",
    "tensor-to-kernel",
    "tensor-winograd",
)


def level_change(name: str) -> tuple[str, str] | None:
    """The level that a pass ends and the one it begins, when it does: `graph-to-tensor` gives ("graph", "tensor")."""
    before, found, after = name.partition("-to-")
    return (before, after) if found else None


def module_of(name: str) -> str:
    """The module that holds a pass, by the naming rule."""
    level, _, rest = name.partition("-")
    folder, file = ("lower", name) if level_change(name) else (level, rest)
    return f"neuralc.passes.{folder}.{file.replace('-', '_')}"


def _getter(name: str) -> Callable[[], type[ModulePass]]:
    def load() -> type[ModulePass]:
        module = import_module(module_of(name))
        return next(
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, ModulePass) and getattr(value, "name", None) == name
        )

    return load


PASSES: dict[str, Callable[[], type[ModulePass]]] = {name: _getter(name) for name in NAMES}


def get_pass(name: str) -> type[ModulePass]:
    """The pass of a name. Raises E0810 with the nearest name when there is none."""
    if name not in PASSES:
        help = suggest(name, PASSES) or "`neuralc-opt --list-passes` prints all passes"
        raise usage_error("E0810", f"unknown pass `{name}`", help=help)
    return PASSES[name]()


def make_pass(spec: ArgSpec) -> ModulePass:
    """A pass with the options of its spec. Raises E0811 for an option it does not have or cannot read."""
    pass_type = get_pass(spec.name)
    options = {option.name: option for option in get_pass_option_infos(pass_type)}
    for name in spec.normalize_parameter_names().parameters:
        if name not in options:
            known = ", ".join(f"`{_dashed(option)}`" for option in options) or "none"
            raise usage_error(
                "E0811",
                f"pass `{spec.name}` has no option `{_dashed(name)}`",
                note=f"its options: {known}",
                help=suggest(_dashed(name), map(_dashed, options)),
            )
    try:
        return pass_type.from_spec(spec)
    except ValueError as fault:
        raise usage_error("E0811", f"wrong option of pass `{spec.name}`: {fault}") from None


def parse_pipeline(text: str) -> tuple[ModulePass, ...]:
    """The passes of a pipeline such as `graph-cse,tensor-fuse-elementwise{max-ops=3}`; none for the empty text.

    It may go over several lines, and `#` starts a comment, as `--print-pipeline` prints them.
    Raises UsageError: E0812 when the text is malformed, E0810 and E0811 for names.
    """
    spec_text = "".join(line.partition("#")[0].strip() for line in text.splitlines())
    try:
        specs = list(parse_specs(spec_text))
    except ArgSpecParseError as fault:
        raise usage_error(
            "E0812",
            "malformed pass pipeline",
            note=str(fault).partition("\n")[2].rstrip(),
            help="a pipeline looks like `graph-cse,tensor-fuse-elementwise{max-ops=3 verbose=true}`",
        ) from None
    return tuple(make_pass(spec) for spec in specs)


def format_pipeline(passes: Sequence[ModulePass]) -> str:
    """The text that `parse_pipeline` reads back; options that have their default are left out."""
    return ",".join(format_pass(each) for each in passes)


def format_pass(each: ModulePass) -> str:
    spec = each.spec()
    return str(ArgSpec(spec.name, {_dashed(name): value for name, value in spec.parameters.items()}))


@dataclasses.dataclass(frozen=True)
class OptionDescription:
    name: str
    type: str
    default: str | None
    text: str


@dataclasses.dataclass(frozen=True)
class PassDescription:
    """What `--list-passes` prints about a pass; the texts are its docstrings."""

    name: str
    summary: str
    options: tuple[OptionDescription, ...]


def describe_pass(name: str) -> PassDescription:
    pass_type = get_pass(name)
    module_text = inspect.getdoc(import_module(pass_type.__module__)) or ""
    first_line = module_text.partition("\n")[0]
    return PassDescription(
        name=name,
        summary=first_line.removeprefix(f"{name}:").strip(),
        options=tuple(
            OptionDescription(
                _dashed(option.name),
                option.expected_type.strip("'"),  # a name in quotes: annotations are texts in our files
                option.default_value,
                _field_doc(pass_type, option.name),
            )
            for option in get_pass_option_infos(pass_type)
        ),
    )


def _field_doc(pass_type: type[ModulePass], name: str) -> str:
    """The string below a field in the source, which Python itself forgets."""
    lines = iter(inspect.getsource(pass_type).splitlines())
    for line in lines:
        if line.strip().startswith(f"{name}:"):
            text = next(lines, "").strip()
            return text.strip('"').strip() if text.startswith('"') else ""
    return ""


def _dashed(name: str) -> str:
    return name.replace("_", "-")
