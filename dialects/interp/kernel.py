"""Runs a kernel on numpy arrays: all programs of the grid at once, or one by one in a random order.

All at once, every value has a leading program axis; where a loop runs a different number of times per program, those
that are done are masked out. One by one in random order exposes programs that depend on each other, and `check_races`
names them. Every access without `masked` must be inside of its reference, and is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects import arith, kernel
from neuralc.dialects.interp.kernel_access import Access, OutOfBounds
from neuralc.dialects.interp.kernel_memory import Buffer, Races, Reference, storage_dtype
from neuralc.dialects.interp.kernel_tiles import INDICES, TILES, constant_index
from neuralc.dialects.interp.numerics import Array, Numerics, finish, widen
from neuralc.dialects.kernel.memory import AccessOp
from neuralc.dialects.kernel.types import RefType, TileType
from neuralc.grammar.diagnostics import NeuralcError, error

Value: TypeAlias = Array | Reference
AnyAccess: TypeAlias = AccessOp | kernel.GatherOp | kernel.ScatterOp

CHUNK_ELEMENTS = 1 << 22
"""Elements of the largest tile over all programs evaluated together: 32 MB of float64."""


def run_kernel(
    func: kernel.FuncOp,
    dims: Mapping[str, int],
    arrays: Sequence[Array],
    numerics: Numerics | str = Numerics.EXACT,
    order: int | None = None,
    *,
    check_races: bool = False,
) -> list[Array]:
    """The arrays after the kernel has run over its grid; those passed in are left as they are.

    `arrays` are the memory of the references in order: the shape is free, the elements in row-major order are what the
    reference's strides count. Floats come back as float64 when `numerics` is exact. `order` is a seed: programs run one
    by one in a random order. Raises E9901 for an access outside of a reference and, with `check_races`, for programs
    of which one reads what another writes, or which write different values to one place.
    """
    numerics = Numerics(numerics)
    references = []
    for argument, array in zip(func.references, arrays, strict=True):
        ref = as_ref(argument)
        data = np.array(array, storage_dtype(ref.element_type, numerics)).reshape(-1)
        references.append(resolve(ref, Buffer(describe(argument), data, ref.element_type), 0, dims))
    launch(func, dims, references, numerics, order=order, check_races=check_races)
    return [reference.buffer.data.reshape(np.shape(array)) for reference, array in zip(references, arrays, strict=True)]


def launch(
    func: kernel.FuncOp,
    dims: Mapping[str, int],
    references: Sequence[Reference],
    numerics: Numerics,
    *,
    order: int | None = None,
    check_races: bool = False,
) -> list[tuple[Buffer, Races]]:
    """Run every program of a kernel on memory that may be shared between references.

    With `check_races`, gives the memory that it used, and who did what there.
    """
    grid = func.grid.data.evaluate(dims)
    buffers = {id(reference.buffer): reference.buffer for reference in references}.values()
    for buffer in buffers:
        buffer.races = Races(buffer.data.size) if check_races else None
    if order is not None:
        chunks = [np.array([program]) for program in np.random.default_rng(order).permutation(grid)]
    else:
        size = max(1, CHUNK_ELEMENTS // _largest_tile(func))
        chunks = [np.arange(start, min(start + size, grid)) for start in range(0, grid, size)]
    accesses: dict[Operation, Access] = {}
    with np.errstate(all="ignore"):
        for programs in chunks:
            _Programs(func, dims, references, numerics, programs, accesses).run()
    recorded = [(buffer, buffer.races) for buffer in buffers if buffer.races is not None]
    for buffer in buffers:
        buffer.races = None
    return recorded


def as_ref(value: SSAValue) -> RefType:
    if not isinstance(value.type, RefType):
        raise TypeError(f"expected a reference, got {value.type}")
    return value.type


def describe(value: SSAValue) -> str:
    return f"%{value.name_hint}" if value.name_hint else "a reference"


def resolve(type_: RefType, buffer: Buffer, base: int, dims: Mapping[str, int]) -> Reference:
    """A reference type with the sizes of this run. Raises E9901 where it reaches outside of the buffer."""
    reference = sized(type_, buffer, base, dims)
    end = base + reference.span
    if base < 0 or end > buffer.data.size:
        where = f"a reference to elements {base} to {end - 1} of {buffer.name}, which has {buffer.data.size}"
        raise error("E9901", where)
    return reference


def sized(type_: RefType, buffer: Buffer, base: int, dims: Mapping[str, int]) -> Reference:
    """A reference type with the sizes of this run, for a caller that knows it is inside."""
    shape = tuple(size.evaluate(dims) for size in type_.dims.data)
    strides = tuple(stride.evaluate(dims) for stride in type_.stride_dims.data)
    return Reference(buffer, base, shape, strides)


def _largest_tile(func: kernel.FuncOp) -> int:
    """Elements of the largest value that a program holds, scratch memory included."""
    sizes = [1]
    for op in func.body.walk():
        for type_ in (result.type for result in op.results):
            if isinstance(type_, TileType):
                sizes.append(int(np.prod(type_.shape, dtype=np.int64)))
            elif isinstance(type_, RefType) and not type_.symbols:
                sizes.append(type_.span.value)
    return max(sizes)


def _last_of_each(places: Array, values: Array, programs: Array) -> list[Array]:
    """What a scatter leaves: of what a program writes to one place, the last."""
    pairs = np.stack([places, programs])[:, ::-1]
    _, first = np.unique(pairs, axis=1, return_index=True)
    kept = np.sort(places.size - 1 - first)
    return [places[kept], values[kept], programs[kept]]


def _stray(offsets: Array, fits: Array, span: int, programs: Array) -> str:
    """What is wrong with the first offset that does not fit."""
    where = np.unravel_index(int((~fits).argmax()), fits.shape)
    who = "every program" if fits.shape[0] == 1 < programs.size else f"program {programs[where[0]]}"
    return f"{who} is at offset {np.broadcast_to(offsets, fits.shape)[where]} of {span} elements"


class _Programs:
    """The programs that are evaluated together, and their values."""

    def __init__(
        self,
        func: kernel.FuncOp,
        dims: Mapping[str, int],
        references: Sequence[Reference],
        numerics: Numerics,
        programs: Array,
        accesses: dict[Operation, Access],
    ) -> None:
        self.func = func
        self.accesses = accesses
        self.numerics = numerics
        self.programs = programs
        self.active: Array | None = None
        """Which programs run the current op; all of them when None."""
        self.values: dict[SSAValue, Value] = dict(zip(func.references, references, strict=True))
        for name, argument in zip(func.dims, func.dim_arguments, strict=True):
            self.values[argument] = np.array([dims[name]], np.int64)

    def run(self) -> None:
        self._block(self.func.block)

    def _block(self, block: Block) -> None:
        for op in block.ops:
            self._op(op)

    def _op(self, op: Operation) -> None:
        kind = type(op)
        if kind in TILES:
            self.values[op.results[0]] = self._tile(op)
        elif kind in INDICES:
            lhs, rhs = (self.array(operand) for operand in op.operands)
            self.values[op.results[0]] = INDICES[kind](lhs, rhs)
        else:
            self._structure(op)

    def _structure(self, op: Operation) -> None:
        match op:
            case kernel.LoadOp():
                self.values[op.result] = self._load(op)
            case kernel.StoreOp():
                self._store(op)
            case kernel.GatherOp():
                self.values[op.result] = self._gather(op)
            case kernel.ScatterOp():
                self._scatter(op)
            case kernel.CheckOp():
                self._check(op)
            case kernel.ToIndexOp():
                self.values[op.result] = self.array(op.source).astype(np.int64)
            case kernel.LoopOp():
                self._loop(op)
            case kernel.LocalOp():
                self.values[op.result] = self._local(op)
            case kernel.ProgramIdOp():
                self.values[op.result] = self.programs
            case arith.ConstantOp():
                self.values[op.result] = constant_index(op)
            case kernel.YieldOp() | kernel.ReturnOp() | kernel.PrefetchOp():
                pass
            case _:
                raise error("E9901", f"`{op.name}` has no reference semantics")

    def array(self, value: SSAValue) -> Array:
        found = self.values[value]
        if isinstance(found, Reference):
            raise TypeError(f"{value} is memory, not a value")
        return found

    def _tile(self, op: Operation) -> Array:
        operands = [widen(self.array(operand)) for operand in op.operands]
        type_ = op.results[0].type
        if not isinstance(type_, TileType):
            raise TypeError(f"{op.name} gives {type_}")
        result = finish(TILES[type(op)](op, self.numerics, *operands), type_.element_type, self.numerics)
        if result.shape[1:] != type_.shape:
            raise error("E9901", f"`{op.name}` evaluates to shape {result.shape[1:]}, its type says {type_.shape}")
        return result

    # -- loops -------------------------------------------------------------------------------------------------------

    def _loop(self, op: kernel.LoopOp) -> None:
        lower, upper = self._bound(op.lower), self._bound(op.upper)
        trips = np.maximum(0, -((lower - upper) // op.stride))
        counted = trips if self.active is None else np.where(self.active, trips, 0)
        most, uniform = int(counted.max(initial=0)), trips.size == 1 or int(counted.min()) == int(counted.max())
        outer = self.active
        carried = [self.array(value) for value in op.initial]
        for trip in range(most):
            running = None if uniform else trip < counted
            self.active = running if running is not None else outer
            self.values[op.counter] = lower + trip * op.stride
            self.values.update(zip(op.carried, carried, strict=True))
            self._block(op.block)
            following = [self.array(value) for value in op.yielded]
            if running is not None:
                following = [
                    np.where(running.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                    for new, old in zip(following, carried, strict=True)
                ]
            carried = following
        self.active = outer
        self.values.update(zip(op.res, carried, strict=True))

    def _bound(self, bound: SSAValue | int) -> Array:
        return self.array(bound) if isinstance(bound, SSAValue) else np.array([bound], np.int64)

    # -- memory ------------------------------------------------------------------------------------------------------

    def _local(self, op: kernel.LocalOp) -> Reference:
        """Scratch memory: one buffer for all programs, each at its own base."""
        type_, count = as_ref(op.result), self.programs.size
        span = type_.span.value
        buffer = Buffer.poisoned(describe(op.result), span * count, type_.element_type, self.numerics)
        flat = resolve(type_, buffer, 0, {})
        return Reference(buffer, np.arange(count) * span, flat.shape, flat.strides)

    def _load(self, op: kernel.LoadOp) -> Array:
        return self._read(op, *self._places(op))

    def _gather(self, op: kernel.GatherOp) -> Array:
        return self._read(op, *self._named_places(op))

    def _read(
        self, op: kernel.LoadOp | kernel.GatherOp, reference: Reference, places: Array, inside: Array | None
    ) -> Array:
        self._log_read(op, reference, places, inside)
        if inside is None:
            return reference.buffer.load(places)
        loaded = reference.buffer.load(np.where(inside, places, 0))
        other = finish(np.asarray(op.other_value), reference.buffer.element_type, self.numerics)
        return np.where(inside, loaded, other)

    def _store(self, op: kernel.StoreOp) -> None:
        self._write(op, *self._places(op))

    def _scatter(self, op: kernel.ScatterOp) -> None:
        self._write(op, *self._named_places(op))

    def _write(
        self, op: kernel.StoreOp | kernel.ScatterOp, reference: Reference, places: Array, inside: Array | None
    ) -> None:
        programs = self.programs.reshape(-1, *[1] * (places.ndim - 1))
        values = self.array(op.value)
        shape = np.broadcast_shapes(places.shape, values.shape, programs.shape)
        places, values, programs = (np.broadcast_to(array, shape) for array in (places, values, programs))
        if inside is None:
            chosen = [places.ravel(), values.ravel(), programs.ravel()]
        else:
            inside = np.broadcast_to(inside, shape)
            chosen = [places[inside], values[inside], programs[inside]]
        if isinstance(op, kernel.ScatterOp) and reference.buffer.races is not None:
            chosen = _last_of_each(*chosen)
        problem = reference.buffer.store(*chosen)
        if problem is not None:
            raise self._problem(op, problem)

    def _log_read(self, op: AnyAccess, reference: Reference, places: Array, inside: Array | None) -> None:
        races = reference.buffer.races
        if races is None:
            return
        programs = self.programs.reshape(-1, *[1] * (places.ndim - 1))
        shape = np.broadcast_shapes(places.shape, programs.shape)
        places, programs = np.broadcast_to(places, shape), np.broadcast_to(programs, shape)
        chosen = np.ones(shape, bool) if inside is None else np.broadcast_to(inside, shape)
        problem = races.read(places[chosen], programs[chosen])
        if problem is not None:
            raise self._problem(op, problem)

    def _places(self, op: kernel.LoadOp | kernel.StoreOp) -> tuple[Reference, Array, Array | None]:
        """The element of the buffer for every element of the tile, and which of them are inside (None: all)."""
        reference = self.values[op.ref]
        if not isinstance(reference, Reference):
            raise TypeError(f"{op.ref} is not memory")
        if op not in self.accesses:
            self.accesses[op] = Access(op, op.tile_type, reference)
        try:
            places, inside = self.accesses[op].places(reference.base, self.array, self.active, self.programs)
        except OutOfBounds as problem:
            raise self._problem(op, str(problem)) from None
        return reference, places, inside

    def _named_places(self, op: kernel.GatherOp | kernel.ScatterOp) -> tuple[Reference, Array, Array | None]:
        """The same for places that data names."""
        reference = self.values[op.ref]
        if not isinstance(reference, Reference):
            raise TypeError(f"{op.ref} is not memory")
        offsets = self.array(op.offsets).astype(np.int64, copy=False)
        chosen = None if op.mask is None else self.array(op.mask)
        ones = [1] * (offsets.ndim - 1)
        inside = None if self.active is None else self.active.reshape(-1, *ones)
        if chosen is not None:
            inside = chosen if inside is None else inside & chosen
        fits = (offsets >= 0) & (offsets < reference.span)
        fits = fits if inside is None else fits | ~inside
        if not fits.all():
            raise self._problem(op, _stray(offsets, fits, reference.span, self.programs))
        base = reference.base if isinstance(reference.base, int) else reference.base.reshape(-1, *ones)
        return reference, offsets + base, inside

    def _check(self, op: kernel.CheckOp) -> None:
        wrong = ~self.array(op.ok)
        if self.active is not None:
            wrong = wrong & self.active.reshape(-1, *[1] * (wrong.ndim - 1))
        if wrong.any():
            raise error(f"E0{op.literal('code')}", f"found by a kernel.check in @{self.func.sym_name.data}")

    def _problem(self, op: AnyAccess, problem: str) -> NeuralcError:
        name = self.func.sym_name.data
        return error("E9901", f"`{op.name}` on {describe(op.ref)} in @{name}: {problem}")
