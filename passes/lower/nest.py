"""A group as a loop nest: every op over one alphabet of loops, every operand as memory along some of them.

    tensor.group { contract "nhwijc,ijco->nhwo"; map "abcd,d->abcd" }   becomes

    loops    n h w i j c o, with their sizes
    inputs   x [nhwijc], kernel [ijco], bias [o]
    stages   contract (x, kernel) -> [nhwo];  map (previous, bias) -> [nhwo]
    output   [nhwo]

Adjacent loops that every operand walks as one are merged: (j c) of a convolution, all dims of an elementwise op.
Schedules read the nest and nothing else; they do not see tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xdsl.ir import Attribute, BlockArgument, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.kernel import RefType, status_type
from neuralc.dialects.kernel.builder import IndexLike
from neuralc.dialects.tensor.subscripts import LETTERS, ONE, WHOLE, identity
from neuralc.dialects.types import element_of, shape_of
from neuralc.passes.lower.padding import Overhang, is_unread, overhangs

Size = int | Dim
Overhangs = Mapping[str, tuple[str, Overhang]]
"""For loops over the places of a window that end with the picture: the loop over its positions, and how they go on."""
Compute = tensor.ContractOp | tensor.WinogradOp | tensor.MapOp | tensor.ReduceOp


@dataclass(frozen=True)
class Operand:
    """Memory along loops: `word` names the loop of each dim of `ref`.

    A packed operand has panels of its last loop outermost: its ref has one dim more than `word` has letters. A whole
    one is read at computed places: no loop runs along its dims, `word` is empty.
    """

    name: str
    word: str
    ref: RefType
    packed: bool = False
    whole: bool = False
    origin: Mapping[str, IndexLike] = field(default_factory=dict)
    """Where its memory begins along a loop, of which it has a part; at 0 along others."""

    @property
    def panel(self) -> int:
        """Width of the panels of a packed operand."""
        width = self.ref.shape[-1]
        if isinstance(width, Dim):
            raise TypeError("panels have a constant width")
        return width

    def stride(self, letter: str) -> Size:
        """Elements between neighbours along a loop; 0 where the operand does not move along it."""
        if letter not in self.word:
            return 0
        at = self.word.index(letter)
        if self.packed:
            return 1 if at == len(self.word) - 1 else self.ref.strides[at + 1]
        return self.ref.strides[at]


@dataclass(frozen=True)
class Source:
    """Where a stage's operand comes from: an input of the nest, or the value of an earlier stage."""

    word: str
    input: int | None = None
    stage: int | None = None


@dataclass(frozen=True)
class Stage:
    """One op of the group over the nest's loops."""

    op: Compute
    sources: tuple[Source, ...]
    word: str
    loops: Mapping[str, str] = field(default_factory=dict)
    """The nest's letter for each of the op's own; empty for a loop of one round that has left the nest."""

    @property
    def reduced(self) -> str:
        """The loops that end with this op: its operands have them, its value does not."""
        letters = dict.fromkeys(letter for source in self.sources for letter in source.word)
        return "".join(letter for letter in letters if letter not in self.word)

    @property
    def element(self) -> Attribute:
        """The element type of the value."""
        return element_of(self.op.result.type)


@dataclass(frozen=True)
class Nest:
    """A group, ready to be scheduled."""

    name: str
    sizes: Mapping[str, Size]
    inputs: tuple[Operand, ...]
    output: Operand
    stages: tuple[Stage, ...]
    status: str = ""
    """The name of the status cell of the run, an argument behind the operands, where a place in memory is checked."""
    overhangs: Overhangs = field(default_factory=dict)
    around: str = ""
    """The loops that are no part of it, though operands move along them: each round is a nest."""
    others: tuple[tuple[int, Operand], ...] = ()
    """Results beside that of the last stage: the stage, and where its value goes."""

    @property
    def operands(self) -> tuple[Operand, ...]:
        return (*self.inputs, self.output, *(operand for _, operand in self.others))

    @property
    def references(self) -> list[tuple[str, RefType]]:
        """The arguments of the kernel behind its dims: the operands, then the status cell if it needs one."""
        out = [(operand.name, operand.ref) for operand in self.operands]
        return [*out, (self.status, status_type())] if self.status else out

    @property
    def positioned(self) -> set[str]:
        """The loops whose position a region or the end of another loop depends on: they stay as they are."""
        ends = {letter for place, (position, _) in self.overhangs.items() for letter in (place, position)}
        return ends | {
            stage.loops[op.letter]
            for stage in self.stages
            if isinstance(stage.op, tensor.MapOp)
            for op in stage.op.block.ops
            if isinstance(op, tensor.PositionOp)
        }

    @property
    def dims(self) -> list[str]:
        """The symbols that sizes and strides use, sorted: the dims of the kernel."""
        found: set[str] = set()
        for operand in self.operands:
            found |= operand.ref.symbols
        for size in self.sizes.values():
            found |= as_dim(size).symbols
        for stage in self.stages:
            if isinstance(stage.op, tensor.MapOp):
                found |= {s for op in stage.op.block.ops if isinstance(op, tensor.SizeOp) for s in op.dim.data.symbols}
        return sorted(found)

    @property
    def reduced(self) -> str:
        """The loops that the output does not have."""
        return "".join(letter for letter in self.sizes if letter not in self.output.word + self.around)

    def static(self, letter: str) -> int | None:
        """The size of a loop where it is a constant."""
        size = self.sizes[letter]
        return None if isinstance(size, Dim) else size


class _Alphabet:
    """Letters of the nest, handed out as ops need them."""

    def __init__(self) -> None:
        self.sizes: dict[str, Size] = {}
        self.same: dict[str, str] = {}

    def fresh(self, size: Size, wanted: str) -> str:
        """A letter that no loop has: the op's own one where it is free, so that kernels speak of n, h and w."""
        letter = next(letter for letter in wanted + LETTERS if letter not in self.sizes)
        self.sizes[letter] = size
        return letter

    def unify(self, letter: str, other: str) -> None:
        """Two values that were made along loops of their own are read along one: it is the same loop."""
        letter, other = self.known_as(letter), self.known_as(other)
        if letter != other:
            self.same[letter] = other

    def known_as(self, letter: str) -> str:
        """The letter of a loop after all that were unified."""
        while letter in self.same:
            letter = self.same[letter]
        return letter


def has_one_kernel(group: tensor.GroupOp) -> bool:
    """Whether one kernel makes all results of a group; else each of them has its own."""
    return sum(isinstance(op, tensor.ContractOp) for op in group.block.ops) > 1


def make_nest(
    group: tensor.GroupOp, refs: Sequence[tuple[RefType, bool]], output: RefType, others: Sequence[RefType] = ()
) -> tuple[Nest, list[int]]:
    """The nest of a group whose operands lie in `refs` (type, packed) and whose result goes to `output`.

    A second result and those behind it go to `others`.

    Returns with it, for every input of the nest, which operand of the group it is: an operand that two ops read along
    different loops stands twice.
    """
    alphabet = _Alphabet()
    ops = [op for op in group.block.ops if isinstance(op, Compute)]
    words: dict[SSAValue, str] = {}
    inputs: list[tuple[int, str]] = []
    stages: list[Stage] = []

    def source(value: SSAValue, word: str) -> Source:
        if isinstance(value, BlockArgument):
            key = (value.index, word)
            if key not in inputs:
                inputs.append(key)
            return Source(word, input=inputs.index(key))
        return Source(word, stage=next(i for i, op in enumerate(ops) if op.result is value))

    for op in ops:
        renaming, word = _rename(op, words, alphabet)
        own = _operand_words(op)
        renamed = [w if w == WHOLE else "".join(renaming.get(letter, ONE) for letter in w) for w in own]
        sources = tuple(source(value, each) for value, each in zip(op.operands, renamed, strict=True))
        for value, each in zip(op.operands, renamed, strict=True):
            if each != WHOLE:
                words.setdefault(value, each)
        words[op.result] = word
        stages.append(Stage(op, sources, word, renaming))
    # Several reductions share a kernel where they run along the same rows.
    rows = [stage.sources[0].word[-1] for stage in stages if isinstance(stage.op, tensor.ReduceOp)]
    for other in rows[1:]:
        alphabet.unify(other, rows[0])

    def unified(word: str) -> str:
        return "".join(alphabet.known_as(letter) for letter in word)

    inputs = [(index, unified(word)) for index, word in inputs]
    stages = [
        Stage(
            stage.op,
            tuple(replace(s, word=unified(s.word).replace(ONE, "")) for s in stage.sources),
            unified(stage.word),
            {own: unified(letter) for own, letter in stage.loops.items()},
        )
        for stage in stages
    ]
    sizes = {letter: size for letter, size in alphabet.sizes.items() if alphabet.known_as(letter) == letter}
    results = [output, *others]
    names = _distinct([_operand_name(group, index) for index, _ in inputs] + ["out"] * len(results) + ["status"])
    operands = tuple(_operand(name, word, *refs[index]) for name, (index, word) in zip(names, inputs, strict=False))
    out, *more = (
        _operand(name, unified(words[value]), ref, False)
        for name, value, ref in zip(names[len(inputs) :], group.yielded, results, strict=False)
    )
    made = [next(i for i, op in enumerate(ops) if op.result is value) for value in group.yielded[1 : len(results)]]
    status = names[-1] if any(_is_checked(op) for op in ops) else ""
    around = _overhangs(group, inputs)
    beside = tuple(zip(made, more, strict=True))
    nest = Nest(group.label.data, sizes, operands, out, tuple(stages), status, around, others=beside)
    return nest, [index for index, _ in inputs]


def _overhangs(group: tensor.GroupOp, inputs: Sequence[tuple[int, str]]) -> Overhangs:
    """The loops that end with the picture, since nobody reads the padding around it."""
    found: dict[str, tuple[str, Overhang]] = {}
    for index, word in inputs:
        for each in overhangs(group.args[index]):
            if is_unread(each):
                found[word[each.place]] = word[each.position], each
    return found


def _operand(name: str, word: str, ref: RefType, packed: bool) -> Operand:
    if word == WHOLE:
        return Operand(name, "", ref, packed, whole=True)
    return Operand(name, *_without_ones(word, ref, packed))


def _is_checked(op: Compute) -> bool:
    """Whether data may make the op fail."""
    if not isinstance(op, tensor.MapOp):
        return False
    return any(
        isinstance(inner, tensor.AtOp | tensor.ScalarOp) and bool(inner.literal("checked")) for inner in op.block.ops
    )


def _operand_name(group: tensor.GroupOp, index: int) -> str:
    """What the model calls an operand: the value's name, else what its weight is to the layer (`kernel`, `gamma`)."""
    value = group.args[index]
    hint = group.block.args[index].name_hint or value.name_hint
    while hint is None and isinstance(value.owner, tensor.ReshapeOp | tensor.TransposeOp | tensor.UnpackOp):
        value = value.owner.x
        hint = value.name_hint
    if hint is None and isinstance(value.owner, graph.GetWeightOp):
        parts = [part for part in value.owner.weight_name.split(".") if not part.startswith("folded")]
        hint = parts[-1] if parts and parts[-1].isidentifier() else None
    return hint or "x"


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with numbers behind those that come again."""
    out: list[str] = []
    for name in names:
        candidates = (name, *(f"{name}_{i}" for i in range(1, len(names) + 1)))
        out.append(next(candidate for candidate in candidates if candidate not in out))
    return out


def _operand_words(op: Compute) -> tuple[str, ...]:
    if isinstance(op, tensor.ReduceOp):
        return (identity(len(shape_of(op.x.type))),)
    return op.subscripts.operands


def _result_word(op: Compute) -> str:
    if isinstance(op, tensor.ReduceOp):
        return "".join(c for i, c in enumerate(identity(len(shape_of(op.x.type)))) if i not in op.reduced)
    return op.subscripts.result


def _rename(op: Compute, words: Mapping[SSAValue, str], alphabet: _Alphabet) -> tuple[dict[str, str], str]:
    """The nest's letters for the op's own: those of the values it reads inside the group, else fresh ones."""
    renaming: dict[str, str] = {}
    sizes: dict[str, Size] = {}
    looped = [(v, word) for v, word in zip(op.operands, _operand_words(op), strict=True) if word != WHOLE]
    for value, letters in looped:
        for letter, size in zip(letters, shape_of(value.type), strict=True):
            if letter != ONE:
                sizes[letter] = size
        if not isinstance(value, BlockArgument):
            for own, letter in zip(letters, words[value], strict=True):
                if own != ONE and renaming.setdefault(own, letter) != letter:
                    alphabet.unify(letter, renaming[own])
    # An operand that an earlier op has read is read along the same loops, unless that would make two loops one.
    for value, letters in looped:
        for letter, known in zip(letters, words.get(value, ""), strict=False):
            if letter not in (ONE, *renaming) and known not in (ONE, *renaming.values()):
                renaming[letter] = known
    result = _result_word(op)
    for letter, size in zip(result, shape_of(op.result.type), strict=True):
        sizes[letter] = size
    # Loops of the result come first, so that a nest lists parallel loops before reductions.
    for letter in dict.fromkeys(result + "".join(sizes)):
        if letter not in renaming:
            renaming[letter] = alphabet.fresh(sizes[letter], letter)
    return renaming, "".join(renaming[letter] for letter in result)


def _without_ones(word: str, ref: RefType, packed: bool) -> tuple[str, RefType, bool]:
    """Dims of size one that no loop walks leave the reference."""
    if ONE not in word:
        return word, ref, packed
    kept = [i for i, letter in enumerate(word) if letter != ONE]
    shape, strides = [ref.shape[i] for i in kept], [ref.strides[i] for i in kept]
    return word.replace(ONE, ""), RefType.of(shape, ref.element_type, strides), packed


def part_of(nest: Nest, begin: int, end: int, kept: Mapping[int, Operand]) -> Nest:
    """Stages `begin` to `end` as a nest of their own, which reads values of earlier stages where they are `kept`."""
    stages = nest.stages[begin:end]
    sources = [source for stage in stages for source in stage.sources]
    used = sorted({source.input for source in sources if source.input is not None})
    earlier = sorted({source.stage for source in sources if source.stage is not None and source.stage < begin})
    inputs = (*(nest.inputs[i] for i in used), *(kept[stage] for stage in earlier))

    def here(source: Source) -> Source:
        if source.input is not None:
            return Source(source.word, input=used.index(source.input))
        if source.stage in earlier:
            return Source(source.word, input=len(used) + earlier.index(source.stage))
        return Source(source.word, stage=(source.stage or 0) - begin)

    renamed = tuple(replace(stage, sources=tuple(map(here, stage.sources))) for stage in stages)
    letters = {letter for stage in stages for word in (stage.word, *(s.word for s in stage.sources)) for letter in word}
    sizes = {letter: size for letter, size in nest.sizes.items() if letter in letters}
    others = tuple((stage - begin, operand) for stage, operand in nest.others if begin <= stage < end)
    return replace(nest, sizes=sizes, inputs=inputs, stages=renamed, others=others)


# -- merging loops ---------------------------------------------------------------------------------------------------


def drop_unit_loops(nest: Nest, keep: str = "") -> Nest:
    """Loops of one round, except those in `keep`, leave the nest and every operand."""
    units = [letter for letter, size in nest.sizes.items() if size == 1 and letter not in keep]
    # The last loop of a packed operand is its panels: it stays.
    units = [u for u in units if not any(o.packed and o.word.endswith(u) for o in nest.operands)]
    for stage in nest.stages:
        if stage.reduced and all(letter in units for letter in stage.reduced):
            units.remove(stage.reduced[-1])  # a reduction keeps one loop to run along
    if not units:
        return nest

    def strip(word: str) -> str:
        return "".join(letter for letter in word if letter not in units)

    def drop(operand: Operand) -> Operand:
        if operand.whole:
            return operand
        offset = 1 if operand.packed else 0
        kept = [i + offset for i, letter in enumerate(operand.word) if letter not in units]
        if operand.packed:
            kept = [0, *kept]
        shape, strides = [operand.ref.shape[i] for i in kept], [operand.ref.strides[i] for i in kept]
        return replace(operand, word=strip(operand.word), ref=RefType.of(shape, operand.ref.element_type, strides))

    return _rebuild(nest, drop, strip, {k: v for k, v in nest.sizes.items() if k not in units})


def merge_loops(nest: Nest, keep: str = "") -> Nest:
    """Merge neighbouring loops that all operands walk without a gap; loops in `keep` stay as they are."""
    nest = drop_unit_loops(nest, keep)
    while (pair := _mergeable_pair(nest, keep)) is not None:
        nest = _merge(nest, *pair)
    return nest


def _mergeable_pair(nest: Nest, keep: str) -> tuple[str, str] | None:
    words = [operand.word for operand in nest.operands] + [stage.word for stage in nest.stages]
    words += [source.word for stage in nest.stages for source in stage.sources]
    pairs = {(word[i], word[i + 1]) for word in words for i in range(len(word) - 1)}
    fixed = {*keep, *nest.positioned}
    for first, second in sorted(pairs):
        if first in fixed or second in fixed:
            continue
        sizes = (nest.sizes[first], nest.sizes[second])
        if any(isinstance(size, Dim) for size in sizes):
            continue
        together = all(
            (first in word) == (second in word) and (first not in word or first + second in word) for word in words
        )
        if together and all(_contiguous(operand, first, second, sizes[1]) for operand in nest.operands):
            return first, second
    return None


def _contiguous(operand: Operand, first: str, second: str, size: Size) -> bool:
    if first not in operand.word:
        return True
    if operand.packed and operand.word[-1] in (first, second):
        return False
    return as_dim(operand.stride(first)) == as_dim(operand.stride(second)) * size


def _merge(nest: Nest, first: str, second: str) -> Nest:
    """`second` goes; `first` now counts both."""
    total = simplest(as_dim(nest.sizes[first]) * nest.sizes[second])
    sizes = {letter: total if letter == first else size for letter, size in nest.sizes.items() if letter != second}

    def join(operand: Operand) -> Operand:
        if first not in operand.word:
            return operand
        at = operand.word.index(first) + (1 if operand.packed else 0)
        shape, strides = list(operand.ref.shape), list(operand.ref.strides)
        shape[at : at + 2], strides[at : at + 2] = [total], [strides[at + 1]]
        ref = RefType.of(shape, operand.ref.element_type, strides)
        return replace(operand, word=operand.word.replace(second, ""), ref=ref)

    return _rebuild(nest, join, lambda word: word.replace(second, ""), sizes)


def _rebuild(
    nest: Nest, operand: Callable[[Operand], Operand], word: Callable[[str], str], sizes: Mapping[str, Size]
) -> Nest:
    stages = tuple(
        replace(
            stage,
            sources=tuple(replace(s, word=word(s.word)) for s in stage.sources),
            word=word(stage.word),
            loops={own: word(letter) for own, letter in stage.loops.items()},
        )
        for stage in nest.stages
    )
    return replace(
        nest,
        sizes=sizes,
        inputs=tuple(operand(each) for each in nest.inputs),
        output=operand(nest.output),
        stages=stages,
        others=tuple((stage, operand(each)) for stage, each in nest.others),
    )
