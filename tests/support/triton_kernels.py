"""Kernels in their GPU form, built by hand: what tests print, run in Triton's interpreter and compile.

Each function gives a module of one kernel and a host program that launches it; the last memory argument is the output.
"""

from __future__ import annotations

import math

from xdsl.dialects.builtin import IntegerType, ModuleOp, StringAttr, f32
from xdsl.ir import Attribute, Block, Region, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import Index, RefType, ReturnOp, TileType
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.scalar import FUNCTIONS
from neuralc.dialects.syntax import to_attribute
from neuralc.emit.triton.functions import SPELLINGS

I32 = IntegerType(32)
BATCH = Dim.symbol("batch")


def module_of(func: kernel.FuncOp) -> ModuleOp:
    """The kernel, and a host program that launches it on its inputs and one output."""
    names = [argument.name_hint or "" for argument in func.references]
    block = Block(arg_types=[argument.type for argument in func.references])
    for argument, name in zip(block.args, names, strict=True):
        argument.name_hint = name
    block.add_op(kernel.LaunchOp(func.sym_name.data, [Dim.symbol(dim) for dim in func.dims], list(block.args)))
    block.add_op(ReturnOp())
    host = kernel.HostOp("test", func.dims, names[:-1], names[-1:], Region(block))
    return ModuleOp([func, host])


def together(**modules: ModuleOp) -> ModuleOp:
    """The kernels of several modules in one, under the names of the arguments; nothing launches them."""
    merged = []
    for name, module in modules.items():
        func = next(op for op in module.walk() if isinstance(op, kernel.FuncOp)).clone()
        func.properties["sym_name"] = StringAttr(name)
        merged.append(func)
    return ModuleOp(merged)


def schedule(warps: int, stages: int) -> dict[str, Attribute]:
    return {"num_warps": to_attribute(warps), "num_stages": to_attribute(stages)}


def _mask(size: int | Dim, block: int) -> bool:
    return isinstance(size, Dim) or size % block != 0


def matmul(
    rows: int | Dim,
    columns: int,
    depth: int,
    blocks: tuple[int, int, int],
    element: Attribute = f32,
    *,
    precision: str = "ieee",
    warps: int = 4,
    stages: int = 2,
) -> ModuleOp:
    """y = maximum(x @ w + b, 0); sizes that blocks do not divide are masked."""
    bm, bn, bk = blocks
    dims = ["batch"] if isinstance(rows, Dim) else []
    build = KernelBuilder(
        "matmul",
        dims,
        [
            ("x", RefType.of([rows, depth], element)),
            ("w", RefType.of([depth, columns], element)),
            ("b", RefType.of([columns], element)),
            ("y", RefType.of([rows, columns], element)),
        ],
    )
    x, w, b, y = build.references
    steps = -(-columns // bn)
    program = build.program_id()
    m0 = build.index(build.mul(build.div(program, steps), bm, "m0"))
    n0 = build.index(build.mul(build.rem(program, steps), bn, "n0"))
    row, column, deep = _mask(rows, bm), _mask(columns, bn), _mask(depth, bk)

    def body(k: SSAValue, acc: SSAValue) -> list[SSAValue]:
        xt = build.load(x, [Index(m0, 0, row), Index(k, 1, deep)], TileType.of([bm, bk], element), hint="xt")
        wt = build.load(w, [Index(k, 0, deep), Index(n0, 1, column)], TileType.of([bk, bn], element), hint="wt")
        return [build.dot(xt, wt, acc, precision, hint="acc")]

    tile = TileType.of([bm, bn], f32)
    zero = build.splat(0.0, tile)
    (acc,) = build.loop(0, depth, bk, [build.splat(0.0, tile, "acc")], body)
    bias = build.load(b, [Index(n0, 0, column)], TileType.of([bn], element), hint="bias")
    wide = build.convert(bias, TileType.of([bn], f32))
    result = build.map("maximum", build.map("add", acc, build.broadcast(wide, [1], tile)), zero, hint="out")
    build.store(build.convert(result, tile.with_element(element)), y, [Index(m0, 0, row), Index(n0, 1, column)])
    grid = (rows.ceildiv(bm) if isinstance(rows, Dim) else Dim.constant(-(-rows // bm))) * steps
    return module_of(build.finish(grid, schedule(warps, stages)))


def convolution(
    height: int,
    width: int,
    channels: int,
    filters: int,
    blocks: tuple[int, int, int],
    *,
    kernel_size: int = 3,
    stride: int = 1,
    pad: int = 1,
    element: Attribute = f32,
    warps: int = 4,
    stages: int = 2,
) -> ModuleOp:
    """A convolution of raw NHWC images: pixels are one index tile, padding is what lies outside of the image."""
    bm, bn, bk = blocks
    oh = (height + 2 * pad - kernel_size) // stride + 1
    ow = (width + 2 * pad - kernel_size) // stride + 1
    build = KernelBuilder(
        "convolution",
        ["batch"],
        [
            ("image", RefType.of([BATCH, height, width, channels], element)),
            ("w", RefType.of([kernel_size, kernel_size, channels, filters], element)),
            ("y", RefType.of([BATCH * (oh * ow), filters], element)),
        ],
    )
    image, w, y = build.references
    steps = -(-filters // bn)
    program = build.program_id()
    p0 = build.index(build.mul(build.div(program, steps), bm, "p0"))
    n0 = build.index(build.mul(build.rem(program, steps), bn, "n0"))
    line = TileType.of([bm], I32)
    deep, column = _mask(channels, bk), _mask(filters, bn)

    def number(value: int) -> SSAValue:
        return build.splat(value, line)

    pixel = build.iota(p0, line, "pixel")
    picture = build.map("div", pixel, number(oh * ow), hint="picture")
    inside = build.map("rem", pixel, number(oh * ow))
    top = build.map(
        "sub", build.map("mul", build.map("div", inside, number(ow)), number(stride)), number(pad), hint="top"
    )
    column_of = build.map("rem", pixel, number(ow))
    left = build.map("sub", build.map("mul", column_of, number(stride)), number(pad), hint="left")

    def over_rows(kh: SSAValue, acc: SSAValue) -> list[SSAValue]:
        def over_columns(kw: SSAValue, acc: SSAValue) -> list[SSAValue]:
            ih = build.map("add", top, build.splat(kh, line), hint="ih")
            iw = build.map("add", left, build.splat(kw, line), hint="iw")

            def over_channels(c: SSAValue, acc: SSAValue) -> list[SSAValue]:
                places = [Index(picture, 0, True), Index(ih, 0, True), Index(iw, 0, True), Index(c, 1, deep)]
                xt = build.load(image, places, TileType.of([bm, bk], element), hint="xt")
                taps = [Index(kh), Index(kw), Index(c, 0, deep), Index(n0, 1, column)]
                wt = build.load(w, taps, TileType.of([bk, bn], element), hint="wt")
                return [build.dot(xt, wt, acc, hint="acc")]

            return build.loop(0, channels, bk, [acc], over_channels, "c")

        return build.loop(0, kernel_size, 1, [acc], over_columns, "kw")

    (acc,) = build.loop(0, kernel_size, 1, [build.splat(0.0, TileType.of([bm, bn], f32), "acc")], over_rows, "kh")
    out = build.convert(acc, TileType.of([bm, bn], element))
    build.store(out, y, [Index(p0, 0, True), Index(n0, 1, column)])
    return module_of(build.finish((BATCH * (oh * ow)).ceildiv(bm) * steps, schedule(warps, stages)))


def softmax(columns: int, block: int) -> ModuleOp:
    """A row a program, all of it in one tile."""
    shape = [BATCH, columns]
    build = KernelBuilder("softmax", ["batch"], [("x", RefType.of(shape, f32)), ("y", RefType.of(shape, f32))])
    x, y = build.references
    row, line, masked = build.program_id("row"), TileType.of([block], f32), columns != block
    scores = build.load(x, [Index(row), Index(0, 0, masked)], line, other=-math.inf if masked else None, hint="scores")
    largest = build.reduce("maximum", scores, 0, hint="top")
    powers = build.map("exp", build.map("sub", scores, build.broadcast(largest, [], line)), hint="powers")
    total = build.reduce("add", powers, 0, hint="total")
    build.store(build.map("div", powers, build.broadcast(total, [], line)), y, [Index(row), Index(0, 0, masked)])
    return module_of(build.finish(BATCH))


def softmax_rows(columns: int, rows: int, block: int) -> ModuleOp:
    """Several short rows a program."""
    shape = [BATCH, columns]
    build = KernelBuilder("softmax", ["batch"], [("x", RefType.of(shape, f32)), ("y", RefType.of(shape, f32))])
    x, y = build.references
    tile = TileType.of([rows, block], f32)
    first = build.index(build.mul(build.program_id(), rows, "r0"))
    places = [Index(first, 0, True), Index(0, 1, columns != block)]
    scores = build.load(x, places, tile, other=-math.inf, hint="scores")
    largest = build.broadcast(build.reduce("maximum", scores, 1, hint="top"), [0], tile)
    powers = build.map("exp", build.map("sub", scores, largest), hint="powers")
    total = build.broadcast(build.reduce("add", powers, 1, hint="total"), [0], tile)
    build.store(build.map("div", powers, total), y, places)
    return module_of(build.finish(BATCH.ceildiv(rows)))


def elementwise(function: str, arity: int, block: int = 64, element: Attribute = f32) -> ModuleOp:
    """y = function(x0, x1, ..) on 1-D arrays; conditions become 1 and 0, and the condition of a select is x0 > 0."""
    names = [*(f"x{i}" for i in range(arity)), "y"]
    build = KernelBuilder("apply", ["batch"], [(n, RefType.of([BATCH], element)) for n in names])
    tile = TileType.of([block], element)
    start = build.index(build.mul(build.program_id(), block, "start"))
    loaded = [
        build.load(ref, [Index(start, 0, True)], tile, hint=f"{n}t")
        for ref, n in zip(build.references, names[:-1], strict=False)
    ]
    zero, one = build.splat(0.0, tile), build.splat(1.0, tile)
    if function in ("and", "or", "xor", "not"):
        loaded = [build.map("gt", value, zero) for value in loaded]
    elif function == "select":
        loaded[0] = build.map("gt", loaded[0], zero)
    elif FUNCTIONS[function].kind == "integer":
        loaded = [build.convert(value, tile.with_element(I32)) for value in loaded]
    result = build.map(function, *loaded, hint="out")
    if FUNCTIONS[function].kind == "integer":
        result = build.convert(result, tile)
    if result.type != tile:
        result = build.map("select", result, one, zero)
    build.store(result, build.references[-1], [Index(start, 0, True)])
    return module_of(build.finish(BATCH.ceildiv(block)))


def every_function() -> ModuleOp:
    """Every scalar function once, and conversions: the compiler has a form for each."""
    names = ["x", "z", "w", "y"]
    build = KernelBuilder("functions", ["batch"], [(label, RefType.of([BATCH], f32)) for label in names])
    tile = TileType.of([128], f32)
    start = build.index(build.mul(build.program_id(), 128, "start"))
    place = [Index(start, 0, True)]
    values = [build.load(ref, place, tile, hint=f"{n}t") for ref, n in zip(build.references[:3], names, strict=False)]
    flag, other = build.map("gt", values[0], values[1]), build.map("lt", values[1], values[2])
    total = values[0]
    for function in sorted(SPELLINGS):
        logical, arity = FUNCTIONS[function].kind == "logical", FUNCTIONS[function].arity
        operands = (
            [flag, other][:arity] if logical else [flag, *values][:arity] if function == "select" else values[:arity]
        )
        if FUNCTIONS[function].kind == "integer":
            operands = [build.convert(value, tile.with_element(I32)) for value in operands]
            value = build.convert(build.map(function, *operands), tile)
        else:
            value = build.map(function, *operands)
        if value.type != tile:
            value = build.map("select", value, values[0], values[1])
        total = build.map("add", total, value, hint="total")
    for width in (8, 32, 64):
        integer = build.convert(values[0], tile.with_element(IntegerType(width)))
        total = build.map("add", total, build.convert(integer, tile), hint="total")
    build.store(total, build.references[-1], place)
    return module_of(build.finish(BATCH.ceildiv(128)))


def pooling(
    height: int, width: int, channels: int, window: int, stride: int, kind: str, blocks: tuple[int, int]
) -> ModuleOp:
    """A reduction by `kind` over windows of NHWC images, without padding."""
    bm, bc = blocks
    oh, ow = (height - window) // stride + 1, (width - window) // stride + 1
    build = KernelBuilder(
        "pooling",
        ["batch"],
        [
            ("image", RefType.of([BATCH, height, width, channels], f32)),
            ("y", RefType.of([BATCH * (oh * ow), channels], f32)),
        ],
    )
    image, y = build.references
    line, tile = TileType.of([bm], I32), TileType.of([bm, bc], f32)
    p0 = build.index(build.mul(build.program_id(), bm, "p0"))
    pixel = build.iota(p0, line, "pixel")
    picture = build.map("div", pixel, build.splat(oh * ow, line), hint="picture")
    inside = build.map("rem", pixel, build.splat(oh * ow, line))
    top = build.map("mul", build.map("div", inside, build.splat(ow, line)), build.splat(stride, line), hint="top")
    left = build.map("mul", build.map("rem", pixel, build.splat(ow, line)), build.splat(stride, line), hint="left")
    lowest = -math.inf if kind == "maximum" else 0.0

    def over_rows(kh: SSAValue, acc: SSAValue) -> list[SSAValue]:
        def over_columns(kw: SSAValue, acc: SSAValue) -> list[SSAValue]:
            ih = build.map("add", top, build.splat(kh, line), hint="ih")
            iw = build.map("add", left, build.splat(kw, line), hint="iw")
            places = [Index(picture, 0, True), Index(ih, 0), Index(iw, 0), Index(0, 1, channels != bc)]
            value = build.load(image, places, tile, other=lowest, hint="value")
            return [build.map(kind, acc, value, hint="acc")]

        return build.loop(0, window, 1, [acc], over_columns, "kw")

    (acc,) = build.loop(0, window, 1, [build.splat(lowest, tile, "acc")], over_rows, "kh")
    build.store(acc, y, [Index(p0, 0, True), Index(0, 1, channels != bc)])
    return module_of(build.finish((BATCH * (oh * ow)).ceildiv(bm)))
