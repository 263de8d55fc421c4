"""Functions that differ in sizes only become one class: `ConvBlock(1, 16)` and `ConvBlock(16, 32)`.

A macro has one graph.func for each shape it is used with. Those whose classes are the same text up to numbers in the
constructors of their layers are written once; each number that differs becomes a parameter of `__init__`, and numbers
that are equal in every use become one parameter.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from neuralc.emit.python.classes import ClassText
from neuralc.emit.python.expressions import Expression, call, name
from neuralc.emit.python.form import Form
from neuralc.emit.python.names import Names
from neuralc.emit.python.plan import Child, ClassPlan, FreeWeight, Layer

Member: TypeAlias = "Layer | Child"


@dataclass
class SharedClass:
    """A class of the file: `variants` are the functions it stands for, `parameters` what tells them apart."""

    variants: list[ClassText]
    parameters: dict[str, str] = field(default_factory=dict)
    """Name -> type."""
    constructors: dict[str, Expression] = field(default_factory=dict)
    """How each layer and submodule is made, by attribute path, in terms of the parameters."""
    arguments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The arguments of each variant, by the name of its own class: sizes by position, options by name."""

    @property
    def name(self) -> str:
        return self.variants[0].plan.name


def share(texts: Sequence[ClassText], form: Form) -> list[SharedClass]:
    """The classes to write, a class before those that use it."""
    made: dict[str, SharedClass] = {}
    classes: list[SharedClass] = []
    for level in _by_depth(texts):
        groups: dict[tuple[object, ...], SharedClass] = {}
        for text in level:
            groups.setdefault(_signature(text, made), SharedClass([])).variants.append(text)
        for group in groups.values():
            _parameterize(group, made, form)
            for text in group.variants:
                made[text.plan.name], text.plan.written = group, group.name
            classes.append(group)
    return classes


def _by_depth(texts: Sequence[ClassText]) -> list[list[ClassText]]:
    """Classes that use no other, then those that use only these, and so on up to the model."""
    depths: dict[str, int] = {}
    for text in texts:
        below = [depths[member.plan.name] for member in text.plan.members if isinstance(member, Child)]
        depths[text.plan.name] = 1 + max(below, default=0)
    return [[text for text in texts if depths[text.plan.name] == depth] for depth in sorted(set(depths.values()))]


def _signature(text: ClassText, made: Mapping[str, SharedClass]) -> tuple[object, ...]:
    """What has to be equal for two functions to share a class: all but the values of constructor arguments."""
    symbol = re.sub(r"_\d+$", "", text.plan.function.sym_name.data)
    members: list[object] = []
    for member in text.plan.members:
        if isinstance(member, FreeWeight):
            members.append(member)
            continue
        made_by = _constructor(member, made)
        shape = tuple(_keyword(argument) for argument in made_by.arguments or ())
        rest = (member.spec.frozen, tuple(sorted(member.init.items()))) if isinstance(member, Layer) else ()
        members.append((_path(member), made_by.head, shape, rest))
    return (type(text.plan.function), symbol, tuple(members), tuple(text.arguments), text.body())


def _parameterize(group: SharedClass, made: Mapping[str, SharedClass], form: Form) -> None:
    names = Names(form.local_names)
    chosen: dict[tuple[str, ...], str] = {}
    options: set[str] = set()
    for members in zip(*(_made_members(text.plan) for text in group.variants), strict=True):
        constructors = [_constructor(member, made) for member in members]
        arguments: list[str] = []
        for position, values in enumerate(zip(*(made_by.arguments or () for made_by in constructors), strict=True)):
            if len(set(values)) == 1:
                arguments.append(values[0])
                continue
            keyword = _keyword(values[0])
            bare = tuple(value.removeprefix(f"{keyword}=") for value in values) if keyword else values
            if bare not in chosen:
                wanted = keyword or _positional_name(members[0], constructors[0].head, position, made, form)
                chosen[bare] = names.claim(wanted)
                options |= {chosen[bare]} if keyword else set()
            arguments.append(f"{keyword}={chosen[bare]}" if keyword else chosen[bare])
        group.constructors[_path(members[0])] = Expression(constructors[0].head, tuple(arguments))
    # Options are passed by name, so they come last.
    ordered = sorted(chosen.items(), key=lambda item: item[1] in options)
    group.parameters = {parameter: _type_of(values) for values, parameter in ordered}
    for index, text in enumerate(group.variants):
        group.arguments[text.plan.name] = tuple(
            f"{parameter}={values[index]}" if parameter in options else values[index] for values, parameter in ordered
        )


def _made_members(plan: ClassPlan) -> list[Member]:
    return [member for member in plan.members if not isinstance(member, FreeWeight)]


def _path(member: Member) -> str:
    return member.attribute if isinstance(member, Layer) else member.path


def _constructor(member: Member, made: Mapping[str, SharedClass]) -> Expression:
    if isinstance(member, Layer):
        return member.spec.constructor
    shared = made[member.plan.name]
    return call(shared.name, *map(name, shared.arguments[member.plan.name]))


def _keyword(argument: str) -> str:
    found = re.match(r"(\w+)=", argument)
    return found[1] if found else ""


def _positional_name(member: Member, head: str, position: int, made: Mapping[str, SharedClass], form: Form) -> str:
    if isinstance(member, Layer):
        return form.positional[re.sub(r"[123]d$", "", head)][position]
    return list(made[member.plan.name].parameters)[position]


def _type_of(values: Sequence[str]) -> str:
    types = sorted({type(ast.literal_eval(value)).__name__ for value in values})
    return " | ".join("tuple[int, int]" if found == "tuple" else found for found in types)
