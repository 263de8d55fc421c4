"""Makes the graph module of a parsed StableHLO module: its inputs, weights and outputs, and the ops between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, numpy_dtype, tensor_type
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.builder import Builder, hint
from neuralc.frontends.refusals import Refused, shown
from neuralc.frontends.sizes import Size
from neuralc.frontends.stablehlo.bindings import damaged
from neuralc.frontends.stablehlo.importer import MISSING, Importer, Missing, Unavailable, invalid
from neuralc.frontends.stablehlo.node import attribute_of, element_of, sizes_of
from neuralc.frontends.stablehlo.ports import identifier, output_names, unique
from neuralc.frontends.stablehlo.scope import model_scope, name_of
from neuralc.frontends.stablehlo.symbolic_sizes import parse_size
from neuralc.frontends.symbols import Symbols
from neuralc.frontends.values import Array, Value, from_ssa, objects
from neuralc.grammar.diagnostics import error

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir

BATCH = "batch"
"""The name of a leading size that the module leaves open and does not name."""


@dataclass(frozen=True)
class Port:
    """An argument of the function: an input of the model, or a weight where it comes with its values."""

    name: str
    values: Array | None = None
    shape: tuple[int | str, ...] | None = None
    """Sizes, symbolic ones as jax writes them; -1, or None for all, where only the module says what they are."""


@dataclass(frozen=True)
class Converted:
    """A graph module, and the bytes of its weights."""

    module: ModuleOp
    store: WeightStore


def convert(source: ir.Module, name: str, ports: Sequence[Port] | None, sizes: Mapping[str, int]) -> Converted:
    """The graph module of a parsed one. `ports` are the arguments in order; None: as the module describes them.

    Raises NeuralcError: E0651 where there is no function to convert, E0652 where an op breaks its own rules, E0653 with
    all that is not compiled."""
    symbols = Symbols(sizes)
    builder = Builder(symbols)
    try:
        functions = _functions(source)
        module = _Module(Importer(builder, functions), _main(functions), functions).build(name, ports)
    except (ShapeError, Refused) as problem:
        raise invalid(str(problem)) from None
    except RecursionError:
        raise invalid("functions or sizes within one another, deeper than neuralc follows") from None
    except RuntimeError as problem:  # text in the file that is no UTF-8
        raise damaged([str(problem)]) from None
    symbols.check_sizes()
    return Converted(module, builder.store)


def _functions(module: ir.Module) -> dict[str, ir.Operation]:
    found = {}
    for op in module.body.operations:
        if op.operation.name == "func.func":
            found[op.operation.attributes["sym_name"].value] = op.operation
    return found


def _main(functions: Mapping[str, ir.Operation]) -> ir.Operation:
    """The function that is the model: `main`, or the only public one. Raises NeuralcError E0651."""
    public = [op for op in functions.values() if "sym_visibility" not in op.attributes]
    main = functions.get("main") or (public[0] if len(public) == 1 else None)
    if main is None or not list(main.regions[0].blocks):
        listed = ", ".join(f"`{shown(name)}`" for name in functions) or "none"
        raise error(
            "E0651", "the module has no function `main`", note=f"its functions: {listed}",
            help="a model is the function `main`, or the only one that is public",
        )  # fmt: skip
    return main


@dataclass(frozen=True)
class _Module:
    importer: Importer
    main: ir.Operation
    functions: Mapping[str, ir.Operation]

    def build(self, name: str, ports: Sequence[Port] | None) -> ModuleOp:
        builder = self.importer.builder
        block = self.main.regions[0].blocks[0]
        ports = _described(self.main, self.functions) if ports is None else ports
        constants = _constants(self.main)
        places = list(block.arguments)[len(constants) :]
        if len(ports) != len(places):
            raise ShapeError(f"the function has {len(places)} arguments, {len(ports)} are described")
        given = [self._given(port, place) for port, place in zip(ports, places, strict=True)]
        sizes = [self._constant(name, argument) for name, argument in zip(constants, block.arguments, strict=False)]
        arguments = [*sizes, *given]
        inputs = [port.name for port in ports if port.values is None]
        self.importer.model = model_scope(block, [port.name for port in ports if port.values is not None])
        try:
            found = self.importer.inline(block, arguments)
        except Unavailable:
            found = []
        self.importer.refusals.check()
        outputs = output_names(_result_infos(self.main, len(found)))
        ends = self._ends(found, outputs)
        end = graph.ReturnOp([builder.ssa(value) for value in ends])
        builder.main.add_op(end)
        model = graph.ModelOp(name, inputs, outputs, [value.type for value in end.operands], Region(builder.main))
        return ModuleOp([*builder.symbols.declarations(), *builder.weights, model])

    def _ends(self, values: Sequence[Value], names: Sequence[str]) -> list[Value]:
        """Each output a value of its own: no input, and not another output."""
        builder = self.importer.builder
        seen: set[SSAValue] = set(builder.main.args)
        out: list[Value] = []
        for value, name in zip(values, names, strict=True):
            if builder.ssa(value) in seen:
                value = builder.emit(graph.IdentityOp, from_ssa(value.name, builder.ssa(value)), name=name)
            seen.add(builder.ssa(value))
            out.append(value)
        return out

    # --- arguments -----------------------------------------------------------------------------------------------
    def _given(self, port: Port, argument: ir.BlockArgument) -> Value | Missing:
        try:
            return self._argument(port, argument)
        except Refused as refused:
            self.importer.refusals.add("input", str(refused), port.name)
            return MISSING

    def _argument(self, port: Port, argument: ir.BlockArgument) -> Value:
        builder, element = self.importer.builder, element_of(argument.type)
        if port.values is not None:
            values = port.values
            if values.dtype != numpy_dtype(element) or values.shape != sizes_of(argument.type):
                raise ShapeError(
                    f"weight `{port.name}` is {values.dtype}{list(values.shape)}, the code has {argument.type}"
                )
            return builder.parameter(port.name, values)
        shape = [self._size(port, axis, size) for axis, size in enumerate(sizes_of(argument.type))]
        made = builder.main.insert_arg(tensor_type(shape, element), len(builder.main.args))
        made.name_hint = hint(port.name)
        return from_ssa(port.name, made)

    def _constant(self, name: str, argument: ir.BlockArgument) -> Value:
        """A size that is the same in the whole run, which jax hands to functions beside their arguments."""
        builder = self.importer.builder
        size = builder.symbols.named(name, f"size `{shown(name)}` of the function")
        return builder.known(objects([size], ()), element_of(argument.type), name)

    def _size(self, port: Port, axis: int, declared: int | None) -> Size:
        if declared is not None:
            return declared
        symbols, origin = self.importer.builder.symbols, f"dim {axis} of input `{shown(port.name)}`"
        written = port.shape[axis] if port.shape is not None else None
        if isinstance(written, str):
            return parse_size(written, lambda name: symbols.named(name, origin))
        if isinstance(written, int) and written >= 0:
            return written
        if axis == 0 and not symbols.has(BATCH):
            return symbols.named(BATCH, origin)
        return symbols.fresh(f"{port.name}_d{axis}", origin)


def _constants(function: ir.Operation) -> list[str]:
    """The names of the sizes that come before the arguments."""
    attributes = attribute_of(function, "arg_attrs") or []
    return [each["jax.global_constant"].value for each in attributes if "jax.global_constant" in each]


def _described(main: ir.Operation, functions: Mapping[str, ir.Operation]) -> list[Port]:
    """The arguments with the names that jax wrote: at the function, or at the one that it hands them on to."""
    block = main.regions[0].blocks[0]
    arguments = list(block.arguments)[len(_constants(main)) :]
    names = [_argument_name(argument, functions) for argument in arguments]
    named = [identifier(name) if name else f"arg{index}" for index, name in enumerate(names)]
    sizes = _named_sizes(block, functions)
    ports = []
    for name, argument in zip(unique(named), arguments, strict=True):
        declared = enumerate(sizes_of(argument.type))
        shape = [sizes.get((argument.arg_number, axis)) or (-1 if size is None else size) for axis, size in declared]
        ports.append(Port(name, None, tuple(shape)))
    return ports


def _argument_name(argument: ir.BlockArgument, functions: Mapping[str, ir.Operation]) -> str:
    for value in (argument, *_handed_on(argument, functions)):
        name = name_of(value.location)
        if name:
            return name
    return ""


def _handed_on(argument: ir.BlockArgument, functions: Mapping[str, ir.Operation]) -> list[Any]:
    """The arguments of functions that an argument is called with."""
    found = []
    for use in argument.uses:
        if use.owner.name == "func.call":
            callee = functions.get(use.owner.attributes["callee"].value)
            if callee is not None:
                found.append(callee.regions[0].blocks[0].arguments[use.operand_number])
    return found


def _named_sizes(block: ir.Block, functions: Mapping[str, ir.Operation]) -> dict[tuple[int, int], str]:
    """The names of open sizes: jax hands each on to the function itself, as an argument that has the name."""
    found: dict[tuple[int, int], str] = {}
    arguments = list(block.arguments)
    for op in block.operations:
        if op.operation.name != "stablehlo.get_dimension_size" or op.operation.operands[0] not in arguments:
            continue
        place = arguments.index(op.operation.operands[0]), int(op.operation.attributes["dimension"].value)
        for use in op.operation.results[0].uses:
            callee = functions.get(use.owner.attributes["callee"].value) if use.owner.name == "func.call" else None
            if callee is not None and "arg_attrs" in callee.attributes:
                attributes = callee.attributes["arg_attrs"][use.operand_number]
                if "jax.global_constant" in attributes:
                    found[place] = attributes["jax.global_constant"].value
    return found


def _result_infos(main: ir.Operation, count: int) -> list[str]:
    attributes = attribute_of(main, "res_attrs") or [{}] * count
    return [each["jax.result_info"].value if "jax.result_info" in each else "" for each in attributes]
