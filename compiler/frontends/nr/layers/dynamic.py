"""DynamicLayer: each sample goes through one of the branches, and a branch that no sample chooses is not run.

    result = zeros                                  for each branch i:
    result = where(choice == i, y_i, result)        y_i = if any(choice == i) then branch_i(x) else zeros

Choosing what is computed by what comes in is called conditional computation (Bengio et al. 2013); with one branch a
sample it is the gating of Fedus et al. 2021.
"""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import i1, i32, i64
from xdsl.ir import Block, Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.control import isolate
from neuralc.dialects.types import AnyTensor, ShapeError, as_tensor, element_of, is_float, shape_of
from neuralc.frontends.nr.functions import RegionFunction
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.layers.values import number, positions, reshape, same
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.grammar.binding import Bound


def dynamic_layer(site: Site, arguments: Bound, x: SSAValue, by: SSAValue | None = None) -> SSAValue:
    count = len(site.branches)
    scores = _gate(site, x, count) if by is None else by
    if arguments["weighted"] and not is_float(element_of(scores.type)):
        raise ShapeError("only scores weigh the branch that they choose, and `by` says which it is")
    choice = _choice(site, scores, x, count)
    result: SSAValue | None = None
    for index, (name, branch) in enumerate(site.branches.items()):
        mine = site.add(graph.EqualOp.of(choice, number(site, index, choice, name)), name)
        made = _run_if(site, name, site.add(graph.ReduceOp.of(mine, kind="any", axes=(0,)), name), x, branch)
        if result is not None:
            result, made = _alike(site, result, made)
        batch, *rest = shape_of(made.type)
        chosen = reshape(site, mine, (batch, *[1] * len(rest)), name)
        off = number(site, 0, made, "zero") if result is None else result
        result = site.add(graph.WhereOp.of(chosen, made, off))
    if result is None:
        raise ShapeError("it has no branch")
    return _weighted(site, result, scores, choice) if arguments["weighted"] else result


def _gate(site: Site, x: SSAValue, count: int) -> SSAValue:
    """Scores of the branches: a dense map of the features, or of their means over all places."""
    axes = tuple(range(1, len(shape_of(x.type)) - 1))
    if len(shape_of(x.type)) < 2:
        raise ShapeError(f"its gate needs features, its input is {shown(x)}")
    means = site.add(graph.ReduceOp.of(x, kind="mean", axes=axes), "gate") if axes else x
    return site.layer("gate", "Dense", means, units=count)


def _choice(site: Site, by: SSAValue, x: SSAValue, count: int) -> SSAValue:
    """The number of the branch of each sample, i64 (batch,). A number that no branch has ends the run."""
    batch, element = shape_of(x.type)[0], element_of(by.type)
    shape = shape_of(by.type)
    same(site, "the batches of x and of `by`", batch, shape[0] if shape else 1)
    shape = shape_of(by.type)
    if is_float(element):
        if len(shape) != 2 or shape[1] != count:
            raise ShapeError(f"scores are (batch, {count}), one for each branch, not {shown(by)}")
        return site.add(graph.ArgReduceOp.of(by, kind="max", axis=1), "choice")
    if shape[1:] not in ((), (1,)):
        raise ShapeError(f"a choice is one value for each sample, (batch,), not {shown(by)}")
    by = reshape(site, by, shape[:1], "by")
    if element == i1:
        if count != 2:
            raise ShapeError(f"a truth value chooses between two branches, there are {count}")
        first, second = number(site, 0, i64, "first"), number(site, 1, i64, "second")
        return site.add(graph.WhereOp.of(by, first, second), "choice")
    if element not in (i32, i64):
        raise LayerError(
            f"`by` is the number of a branch, a truth value or scores, not {element}",
            help='write `Cast("int64")` before it',
        )
    # Reading a table checks the number, as for any index (E0910).
    return site.add(graph.GatherOp.of(positions(site, count, suffix="branches"), by), "choice")


def _run_if(
    site: Site, name: str, condition: SSAValue, x: SSAValue, branch: Callable[..., tuple[SSAValue, ...]]
) -> SSAValue:
    """What a branch makes of x; zeros, and nothing computed, where the condition is false."""
    function = RegionFunction(Block(), site.function)
    found = branch(x, function=function)
    if len(found) != 1:
        raise ShapeError(f"its branch `{name}` gives {len(found)} values, one is needed")
    function.block.add_op(graph.YieldOp([found[0]]))
    result = as_tensor(found[0].type)
    same(site, f"the batches before and after its branch `{name}`", shape_of(x.type)[0], shape_of(result)[0])
    then_body, else_body = Region(function.block), Region(_zeros(result))
    captured = isolate(then_body)
    return site.add(graph.IfOp.of(condition, captured, then_body, [], else_body), name)


def _zeros(result: AnyTensor) -> Block:
    constant = graph.ConstantOp.of(result=result, value=0.0 if is_float(result.element_type) else 0)
    return Block([constant, graph.YieldOp([constant.result])])


def _alike(site: Site, first: SSAValue, other: SSAValue) -> tuple[SSAValue, SSAValue]:
    """Results of two branches, with sizes made equal. Raises ShapeError where they cannot be."""
    sizes = [shape_of(value.type) for value in (first, other)]
    differ = f"its branches give {shown(first)} and {shown(other)}"
    if len(sizes[0]) != len(sizes[1]) or element_of(first.type) != element_of(other.type):
        raise ShapeError(f"{differ}: one shape and type is needed")
    for axis in range(len(sizes[0])):
        same(site, f"{differ}, whose sizes of axis {axis}", shape_of(first.type)[axis], shape_of(other.type)[axis])
    return first, other


def _weighted(site: Site, result: SSAValue, scores: SSAValue, choice: SSAValue) -> SSAValue:
    """Times the probability of the branch that was chosen, so that training reaches the scores."""
    batch, *rest = shape_of(result.type)
    shares = site.add(graph.SoftmaxOp.of(scores), "shares")
    share = site.add(graph.GatherElementsOp.of(shares, reshape(site, choice, (batch, 1), "choice"), axis=1), "share")
    return site.add(graph.MulOp.of(result, reshape(site, share, (batch, *[1] * len(rest)), "share")))


LOWERINGS: dict[str, Lowering] = {"DynamicLayer": dynamic_layer}
