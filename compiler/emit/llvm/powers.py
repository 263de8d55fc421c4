"""Integer powers in LLVM: one function a type, by repeated squaring, called lane by lane.

    i32 nrc.pow.i32(i32 base, i32 exponent)

Products wrap around. A negative exponent gives what `pow` of the scalar table says: the power rounded toward zero.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from neuralc.emit.llvm.types import Value


def integer_power(module: Any, type_: Any, *, signed: bool) -> Value:
    """The function for an integer type, written on first use."""
    name = f"nrc.pow.{'i' if signed else 'u'}{type_.width}"
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(type_, [type_, type_]), name)
    function.linkage = "internal"
    function.attributes.add("nounwind")
    base, exponent = function.args
    base.name, exponent.name = "base", "exponent"
    blocks = [function.append_basic_block(name) for name in ("entry", "round", "done")]
    entry, loop, done = blocks
    zero, one = ir.Constant(type_, 0), ir.Constant(type_, 1)
    builder: Any = ir.IRBuilder(entry)
    builder.branch(loop)

    builder.position_at_end(loop)
    square, rest, total = (builder.phi(type_, name) for name in ("square", "rest", "total"))
    odd = builder.icmp_unsigned("!=", builder.and_(rest, one), zero)
    product = builder.select(odd, builder.mul(total, square), total)
    following = builder.lshr(rest, one)
    squared = builder.mul(square, square)
    for phi, first, next_ in ((square, base, squared), (rest, exponent, following), (total, one, product)):
        phi.add_incoming(first, entry)
        phi.add_incoming(next_, loop)
    builder.cbranch(builder.icmp_unsigned("==", following, zero), done, loop)

    builder.position_at_end(done)
    builder.ret(_inverse(builder, base, exponent, product) if signed else product)
    return function


def _inverse(builder: Any, base: Value, exponent: Value, power: Value) -> Value:
    """The power; where the exponent is negative, of the bases 1 and -1 theirs, which has the right parity, else 0."""
    type_ = base.type
    unit = builder.icmp_unsigned("<", builder.add(base, ir.Constant(type_, 1)), ir.Constant(type_, 3))
    unit = builder.and_(unit, builder.icmp_unsigned("!=", base, ir.Constant(type_, 0)))
    negative = builder.icmp_signed("<", exponent, ir.Constant(type_, 0))
    return builder.select(builder.and_(negative, builder.not_(unit)), ir.Constant(type_, 0), power)
