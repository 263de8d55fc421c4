"""Functions that differ in sizes only become one class: `ConvBlock(1, 16)` and `ConvBlock(16, 32, stride=2)`.

A macro has one graph.func for each shape it is used with. Those whose classes are the same text up to the arguments in
the constructors of their layers, and up to how often a part is repeated, are written once. What differs becomes a
parameter of `__init__`; sizes that are equal in every use become one parameter, and an option that some uses leave out
has the framework's default.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from neuralc.emit.python.classes import ClassText
from neuralc.emit.python.expressions import Expression
from neuralc.emit.python.form import Form
from neuralc.emit.python.names import Names
from neuralc.emit.python.plan import Child, ClassPlan, FreeWeight, Layer

Member: TypeAlias = "Layer | Child"


@dataclass(frozen=True)
class Argument:
    """A parameter of a class: its type, and its default where uses leave it out."""

    type: str
    default: str | None = None

    @property
    def declared(self) -> str:
        """What follows the name in `__init__`."""
        return f": {self.type}" + ("" if self.default is None else f" = {self.default}")


@dataclass
class SharedClass:
    """A class of the file: `variants` are the functions it stands for, `parameters` what tells them apart."""

    variants: list[ClassText]
    parameters: dict[str, Argument] = field(default_factory=dict)
    constructors: dict[str, Expression] = field(default_factory=dict)
    """How each layer and submodule is made, by attribute path, in terms of the parameters. A list of parts that are
    made alike has its attribute here, and its length in `counts`."""
    counts: dict[str, str] = field(default_factory=dict)
    made_by: dict[str, Made] = field(default_factory=dict)
    """How each variant is made, by the name of its own class."""
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The value of each parameter in every variant."""

    @property
    def name(self) -> str:
        return self.variants[0].plan.name


@dataclass(frozen=True)
class Made:
    """A constructor and its arguments, as texts: by position, and by name."""

    head: str
    positional: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def expression(self) -> Expression:
        return Expression(self.head, (*self.positional, *(f"{key}={value}" for key, value in self.options.items())))


@dataclass(frozen=True)
class Part:
    """What one line of `__init__` makes: a layer, a part of the model, or `count` parts that are made alike."""

    path: str
    member: Member
    made: Made
    count: int | None = None


def share(texts: Sequence[ClassText], form: Form) -> list[SharedClass]:
    """The classes to write, a class before those that use it."""
    made: dict[str, SharedClass] = {}
    classes: list[SharedClass] = []
    for level in _by_depth(texts):
        groups: dict[tuple[object, ...], SharedClass] = {}
        for text in level:
            groups.setdefault(_signature(text, made, form), SharedClass([])).variants.append(text)
        for group in groups.values():
            _Parameters(group, made, form).choose()
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


def _signature(text: ClassText, made: Mapping[str, SharedClass], form: Form) -> tuple[object, ...]:
    """What has to be equal for two functions to share a class: all but the values of constructor arguments."""
    symbol = re.sub(r"_\d+$", "", text.plan.function.sym_name.data)
    free = tuple(member for member in text.plan.members if isinstance(member, FreeWeight))
    parts: list[object] = []
    for part in _parts(text.plan, made):
        needed = frozenset(part.made.options).difference(_defaults(part, made, form))
        layer = part.member if isinstance(part.member, Layer) else None
        rest = (layer.spec.frozen, tuple(sorted(layer.init.items()))) if layer else (part.count is None,)
        parts.append((part.path, part.made.head, len(part.made.positional), needed, rest))
    return (text.form.style, type(text.plan.function), symbol, free, tuple(parts), tuple(text.arguments), text.body())


# --- what a class makes ---------------------------------------------------------------------------------------------
def _parts(plan: ClassPlan, made: Mapping[str, SharedClass]) -> Iterator[Part]:
    """The lines of `__init__` that make something, in order; a list stands where its first item does."""
    listed: set[str] = set()
    for member in plan.members:
        match member:
            case Layer():
                yield Part(member.attribute, member, _split(member.spec.constructor))
            case Child(index=None):
                yield Part(member.path, member, _child(member, made))
            case Child() if member.attribute not in listed:
                listed.add(member.attribute)
                items = [
                    item for item in plan.members if isinstance(item, Child) and item.attribute == member.attribute
                ]
                ways = [_child(item, made) for item in items]
                if all(way == ways[0] for way in ways):
                    yield Part(member.attribute, member, ways[0], len(items))
                else:
                    yield from (Part(item.path, item, way) for item, way in zip(items, ways, strict=True))


def _split(constructor: Expression) -> Made:
    positional, options = [], {}
    for argument in constructor.arguments or ():
        if found := re.match(r"(\w+)=", argument):
            options[found[1]] = argument[found.end() :]
        else:
            positional.append(argument)
    return Made(constructor.head, tuple(positional), options)


def _child(member: Child, made: Mapping[str, SharedClass]) -> Made:
    return made[member.plan.name].made_by[member.plan.name]


def _defaults(part: Part, made: Mapping[str, SharedClass], form: Form) -> Mapping[str, str]:
    """The defaults of options that may be left out."""
    if isinstance(part.member, Layer):
        return form.defaults.get(_without_rank(part.made.head), {})
    parameters = made[part.member.plan.name].parameters
    return {name: argument.default for name, argument in parameters.items() if argument.default is not None}


def _without_rank(head: str) -> str:
    """`nn.Conv` for nn.Conv1d, 2d and 3d."""
    return re.sub(r"[123][dD](?=$|Transpose$)", "", head)


# --- what tells variants apart ----------------------------------------------------------------------------------------
class _Parameters:
    """Chooses the parameters of a class from the arguments that its variants do not share."""

    def __init__(self, group: SharedClass, made: Mapping[str, SharedClass], form: Form) -> None:
        self._group = group
        self._made = made
        self._form = form
        self._names = Names(form.local_names)
        self._chosen: dict[tuple[str, tuple[str, ...]], str] = {}
        """Keyword (none for sizes) and the value in each variant -> the parameter."""
        self._defaults: dict[str, str] = {}
        self._results = _result_sizes(group.variants)
        self._inner: Mapping[str, str] = {}
        """What to call sizes that the result does not have, where it has one that is a parameter."""

    def choose(self) -> None:
        group = self._group
        made = [*zip(*(_parts(text.plan, self._made) for text in group.variants), strict=True)]
        sized = {values for parts in made for values in zip(*(part.made.positional for part in parts), strict=True)}
        self._inner = self._form.inner if any(len({*each}) > 1 for each in sized & self._results) else {}
        for parts in made:
            group.constructors[parts[0].path] = self._constructor(parts).expression
            if parts[0].count is not None:
                counts = tuple(str(part.count) for part in parts)
                name = f"num_{parts[0].path}"
                group.counts[parts[0].path] = self._argument(name, name, counts)
        # Sizes are passed by position, options by name, those that may be left out last.
        ordered = sorted(self._chosen.items(), key=lambda item: (bool(item[0][0]), item[1] in self._defaults))
        for (_, values), name in ordered:
            group.parameters[name] = Argument(_type_of(values), self._defaults.get(name))
            group.values[name] = values
        for index, text in enumerate(group.variants):
            sizes = tuple(values[index] for (keyword, values), _ in ordered if not keyword)
            options = {
                name: values[index]
                for (keyword, values), name in ordered
                if keyword and values[index] != self._defaults.get(name)
            }
            group.made_by[text.plan.name] = Made(group.name, sizes, options)

    def _constructor(self, parts: Sequence[Part]) -> Made:
        first = parts[0]
        positional = tuple(
            self._argument("", self._positional_name(first, position), values)
            for position, values in enumerate(zip(*(part.made.positional for part in parts), strict=True))
        )
        options: dict[str, str] = {}
        known = _defaults(first, self._made, self._form)
        for key in _merged([list(part.made.options) for part in parts]):
            values = tuple(part.made.options.get(key) or known[key] for part in parts)
            options[key] = self._half(key, values, parts, options) or self._argument(key, key, values)
            if not all(key in part.made.options for part in parts) and options[key] in self._names:
                self._defaults[options[key]] = known[key]
        return Made(first.made.head, positional, options)

    def _argument(self, keyword: str, wanted: str, values: tuple[str, ...]) -> str:
        """The value where all variants have the same, else the parameter that has these values."""
        if len(set(values)) == 1:
            return values[0]
        key = keyword, values
        if values not in self._results:
            wanted = self._inner.get(wanted, wanted)
        if keyword in self._form.channel_options and ("", values) in self._chosen:
            return self._chosen["", values]
        if key not in self._chosen:
            self._chosen[key] = self._names.claim(wanted)
        return self._chosen[key]

    def _half(self, key: str, values: tuple[str, ...], parts: Sequence[Part], options: Mapping[str, str]) -> str | None:
        """`kernel_size // 2`, for an option that is half of a parameter in every variant."""
        whole = self._form.halves.get(key, "")
        if whole not in options or options[whole] not in self._chosen.values():
            return None
        sizes = [part.made.options.get(whole, "") for part in parts]
        is_half = all(
            size.isdigit() and value == str(int(size) // 2) for size, value in zip(sizes, values, strict=True)
        )
        return f"{options[whole]} // 2" if is_half else None

    def _positional_name(self, part: Part, position: int) -> str:
        if isinstance(part.member, Layer):
            return self._form.positional[_without_rank(part.made.head)][position]
        return list(self._made[part.member.plan.name].parameters)[position]


def _result_sizes(variants: Sequence[ClassText]) -> set[tuple[str, ...]]:
    """The sizes of the axes of what a class returns, each in all variants."""
    found: set[tuple[str, ...]] = set()
    for results in zip(*(text.lowered.results for text in variants), strict=True):
        if len({len(node.shape) for node in results}) == 1:
            found |= {tuple(map(str, sizes)) for sizes in zip(*(node.shape for node in results), strict=True)}
    return found


def _merged(orders: Sequence[Sequence[str]]) -> list[str]:
    """All keys, each behind the one that it follows where it is written."""
    merged: list[str] = []
    for order in orders:
        place = 0
        for key in order:
            if key not in merged:
                merged.insert(place, key)
            place = merged.index(key) + 1
    return merged


def _type_of(values: Sequence[str]) -> str:
    types = {_type(ast.literal_eval(value)) for value in values}
    return " | ".join(sorted(types))


def _type(value: object) -> str:
    return f"tuple[{', '.join(map(_type, value))}]" if isinstance(value, tuple) else type(value).__name__
