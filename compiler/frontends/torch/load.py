"""Makes a graph module of a program: inputs, weights, calls, states, outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import OpResult, Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_type_of, tensor_type
from neuralc.frontends.builder import Builder, hint
from neuralc.frontends.refusals import Refused
from neuralc.frontends.sizes import LARGEST
from neuralc.frontends.symbols import Symbols
from neuralc.frontends.torch import guards
from neuralc.frontends.torch.importer import Importer
from neuralc.frontends.torch.program import Array, Held, Name, Port, Program, names, needed, shared_names
from neuralc.frontends.values import Value, from_ssa
from neuralc.grammar.diagnostics import Diagnostic, error
from neuralc.imported import ImportedModel

BATCH = "batch"
"""The name of a leading size that the program leaves open and does not name."""


def load(program: Program, sizes: Mapping[str, int] | None = None) -> ImportedModel:
    """The module of a program. Raises NeuralcError with everything in it that is not compiled."""
    symbols = Symbols(sizes)
    builder = Builder(symbols)
    importer = Importer(builder, _symbol_names(program))
    try:
        module = _Module(program, importer).build(identifier(program.name))
    except ShapeError as problem:
        raise error("E0631", "the sizes of the program do not fit one another", note=str(problem)) from None
    symbols.check_sizes()
    return ImportedModel(program.name, module, builder.store, importer.notices, _computed(importer))


def _computed(importer: Importer) -> dict[str, SSAValue]:
    found = {name: value.ssa for name, value in importer.values.items() if value is not None}
    return {name: ssa.op.results[ssa.index] for name, ssa in found.items() if isinstance(ssa, OpResult)}


def _symbol_names(program: Program) -> dict[str, str]:
    """The user's names of symbols; else `batch` for a leading size, and input and dim for others."""
    found = dict(program.symbols)
    for port in program.inputs:
        for axis in range(len(port.spec.shape) if port.spec is not None else 0):
            symbol, factor = symbol_of(port, axis)
            if symbol and factor == 1 and symbol not in found:
                first = axis == 0 and BATCH not in found.values()
                found[symbol] = BATCH if first else f"{port.name}_d{axis}"
    return found


def symbol_of(port: Port, axis: int) -> tuple[str, int]:
    """torch's symbol of a dim of an input, and of how many of it the dim is; no symbol where it is anything else."""
    shape = port.spec.shape if port.spec is not None else ()
    extent = shape[axis] if axis < len(shape) else 0
    symbol = r"Symbol\('(\w+)'[^()]*\)"
    match = None if isinstance(extent, int) else re.match(rf"(?:Mul\(Integer\((\d+)\), )?{symbol}\)?$", extent.text)
    return (match[2], int(match[1] or 1)) if match else ("", 0)


@dataclass(frozen=True)
class _Module:
    program: Program
    importer: Importer

    def build(self, name: str) -> ModuleOp:
        program, importer = self.program, self.importer
        self._ranges()
        inputs = [port.name for port in program.inputs if self._input(port)]
        self._guards()
        calls = needed(program)
        used = {each for call in calls for each in call.used()}
        used |= set(names([*(port.source for port in program.outputs), *program.written.values()]))
        self._held(used)
        for call in calls:
            importer.call(call, used)
        importer.refusals.check()
        builder = importer.builder
        states = self._written()
        values = self._outputs()
        builder.main.add_op(graph.ReturnOp([builder.ssa(value) for value in values]))
        model = graph.ModelOp(
            name, inputs, _distinct([port.name for port in program.outputs]), [value.type for value in values],
            Region(builder.main),
        )  # fmt: skip
        return ModuleOp([*builder.symbols.declarations(), *builder.weights, *states, model])

    # --- inputs --------------------------------------------------------------------------------------------------
    def _ranges(self) -> None:
        """Sizes with their bounds; one that may be 0 is at least 1, as everywhere here."""
        importer = self.importer
        for symbol, (low, high) in self.program.ranges.items():
            name = importer.names.get(symbol, symbol)
            most = LARGEST if high is None else min(high, LARGEST)
            importer.origins[symbol] = self._origin(symbol)
            importer.builder.symbols.declare(name, importer.origins[symbol], max(low, 1), most)

    def _origin(self, symbol: str) -> str:
        for port in self.program.inputs:
            for axis, extent in enumerate(port.spec.shape if port.spec is not None else ()):
                if not isinstance(extent, int) and f"'{symbol}'" in extent.text:
                    return f"dim {axis} of input `{port.name}`"
        return f"torch's symbol {symbol}"

    def _input(self, port: Port) -> bool:
        """An argument of the model; a number that was given to torch.export is no input any more."""
        importer = self.importer
        if port.spec is None:
            return False
        try:
            type_ = importer.type_of(port.spec)
        except Refused as refused:
            importer.refusals.add("input", str(refused), port.name)
            importer.values[port.name] = None
            return True
        if type_ is None:
            return False
        block = importer.builder.main
        argument = block.insert_arg(tensor_type(type_[1], type_[0]), len(block.args))
        argument.name_hint = hint(port.name)
        importer.values[port.name] = from_ssa(port.name, argument)
        return True

    def _guards(self) -> None:
        """What torch has assumed of sizes holds in every run; what is not understood is told."""
        importer = self.importer
        for guard in self.program.guards:
            values = {port.name: importer.values.get(port.name) for port in self.program.inputs}
            shapes = {name: value.shape for name, value in values.items() if value is not None}
            if not guards.keep(guard, shapes, importer.builder.symbols):
                importer.notices.append(
                    Diagnostic("W0631", f"the program assumes `{guard[:200]}` of its sizes, which no run checks", None)
                )

    # --- weights -------------------------------------------------------------------------------------------------
    def _held(self, used: set[str]) -> None:
        """Weights under their names in the state dict; those that share memory are one, under the first name."""
        shared = shared_names(self.program.arrays)
        seen: dict[str, Value] = {}
        for held in self.program.held:
            if held.name not in used and held.target not in self.program.written:
                continue
            array = self._array(held)
            if array is None:
                continue
            target = held.target if held.target in self.program.written else shared.get(held.target, held.target)
            if target not in seen:
                seen[target] = self._weight(replace(held, target=target), array)
            self.importer.values[held.name] = seen[target]

    def _array(self, held: Held) -> Array | None:
        try:
            return self.program.arrays[held.target]()
        except (KeyError, ValueError, ShapeError, Refused) as problem:
            reason = "it has no values" if isinstance(problem, KeyError) else str(problem)
            self.importer.refusals.add("weight", reason, held.target)
            self.importer.values[held.name] = None
            return None

    def _weight(self, held: Held, array: Array) -> Value:
        builder = self.importer.builder
        if held.kind == "constant":
            return builder.known(array, element_type_of(array.dtype), held.target, weight=True)
        if held.target not in self.program.written:
            return builder.parameter(held.target, array, trainable=held.kind == "parameter")
        type_ = builder.declare(held.target, array, trainable=False)
        return builder.append(graph.GetStateOp(state_name(held.target), type_), held.target)[0]

    # --- results -------------------------------------------------------------------------------------------------
    def _written(self) -> list[graph.StateOp]:
        """Buffers that a run changes are states, which begin with the values of the buffers."""
        builder, states = self.importer.builder, []
        for target, source in self.program.written.items():
            value = self.importer.values.get(source.text) if isinstance(source, Name) else None
            if value is None or target not in builder.store:
                raise error("E0633", f"the program writes to `{target}`, which is no buffer of its own")
            states.append(graph.StateOp(state_name(target), value.type, target))
            builder.main.add_op(graph.SetStateOp(state_name(target), builder.ssa(value)))
        return states

    def _outputs(self) -> list[Value]:
        """Each output a value of its own: no input, and not another output."""
        builder, out = self.importer.builder, []
        seen: set[SSAValue] = set(builder.main.args)
        for port in self.program.outputs:
            value = self._output(port)
            if (ssa := builder.ssa(value)) in seen or value.weight:
                value = builder.emit(graph.IdentityOp, from_ssa(port.name, ssa), name=port.name)
            seen.add(builder.ssa(value))
            out.append(value)
        return out

    def _output(self, port: Port) -> Value:
        if isinstance(port.source, Name):
            value = self.importer.values[port.source.text]
            if value is not None:
                return value
        raise error(
            "E0633", f"the program returns `{port.source}` as `{port.name}`, which is no tensor",
            help="return tensors alone",
        )  # fmt: skip


def state_name(target: str) -> str:
    return f"{target}.state"


def _distinct(found: Sequence[str]) -> list[str]:
    out: list[str] = []
    for name in found:
        count, text = 0, name
        while text in out:
            count += 1
            text = f"{name}_{count}"
        out.append(text)
    return out


def identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "model"
    return f"m{name}" if name[0].isdigit() else name
