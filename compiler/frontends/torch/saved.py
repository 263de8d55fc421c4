"""Reads a program that torch.export.save has written: the JSON of torch/_export/serde/schema.py, without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from neuralc.frontends.refusals import Refused
from neuralc.frontends.torch import dtypes
from neuralc.frontends.torch.archive import Archive, malformed, open_archive, tensor
from neuralc.frontends.torch.load import load
from neuralc.frontends.torch.mutations import refused_write, without_writes
from neuralc.frontends.torch.places import innermost
from neuralc.frontends.torch.program import (
    Argument,
    Array,
    Call,
    DType,
    Expression,
    Extent,
    Frame,
    Held,
    Name,
    Port,
    Program,
    Result,
    Spec,
)
from neuralc.frontends.torch.treespec import output_names, parsed
from neuralc.imported import ImportedModel

SCHEMA = 8
"""The major version of the form that is read."""


def load_file(path: Path, sizes: Mapping[str, int] | None = None) -> ImportedModel:
    """The model of a .pt2 file. Nothing of the file is unpickled or evaluated. Raises NeuralcError."""
    archive = open_archive(path)
    try:
        program = _program(archive, path.stem)
        return load(without_writes(program), sizes)
    except Refused as refused:
        raise refused_write(refused) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, OverflowError) as problem:
        raise malformed(
            f"its program is not of the form that torch writes: {type(problem).__name__} {problem}"
        ) from None


def _program(archive: Archive, name: str) -> Program:
    models = archive.find("models", ".json")
    if len(models) != 1:
        raise malformed(f"it holds {len(models)} programs, not one")
    document = archive.json(models[0])
    if document["schema_version"]["major"] != SCHEMA:
        version = document["schema_version"]["major"]
        raise malformed(
            f"its form is of version {version}, neuralc reads version {SCHEMA}",
            help="save it again with torch 2.8 or newer, or load it and use `neuralc.from_torch`",
        )
    stem = models[0].removeprefix("models/").removesuffix(".json")
    module = document["graph_module"]
    reader = _Reader(module["graph"])
    inputs, held = _inputs(module["signature"]["input_specs"], reader)
    outputs, written = _outputs(module, reader)
    ranges = {
        symbol: (range_["min_val"] or 0, range_["max_val"]) for symbol, range_ in document["range_constraints"].items()
    }
    return Program(
        name, inputs, held, [reader.call(node) for node in module["graph"]["nodes"] if reader.is_call(node)], outputs,
        ranges, dict(_arrays(archive, stem)), written, [str(guard) for guard in document.get("guards_code") or ()],
    )  # fmt: skip


def _arrays(archive: Archive, stem: str) -> Iterator[tuple[str, Callable[[], Array]]]:
    for kind in ("weights", "constants"):
        index = f"data/{kind}/{stem}_{kind}_config.json"
        if index in archive.entries:
            for name, entry in archive.json(index)["config"].items():
                if isinstance(entry, dict) and "tensor_meta" in entry:
                    yield name, partial(tensor, archive, f"data/{kind}", entry)


# --- signature -------------------------------------------------------------------------------------------------------
_HELD: Mapping[str, Any] = {
    "parameter": ("parameter", "parameter_name"), "buffer": ("buffer", "buffer_name"),
    "tensor_constant": ("constant", "tensor_constant_name"),
}  # fmt: skip


def _inputs(specs: Sequence[Mapping[str, Any]], reader: _Reader) -> tuple[list[Port], list[Held]]:
    inputs: list[Port] = []
    held: list[Held] = []
    for entry in specs:
        (kind, spec), *_ = entry.items()
        if kind in _HELD:
            what, key = _HELD[kind]
            held.append(Held(spec["arg"]["name"], what, spec[key]))
        elif kind == "user_input":
            source = reader.argument(spec["arg"])
            name = source.text if isinstance(source, Name) else f"constant_{len(inputs)}"
            inputs.append(Port(name, source, reader.spec(name) if isinstance(source, Name) else None))
        elif kind == "constant_input":
            inputs.append(Port(spec["name"], None))
        else:
            raise Refused(f"an input of kind {kind}")
    return inputs, held


def _outputs(module: Mapping[str, Any], reader: _Reader) -> tuple[list[Port], dict[str, Argument]]:
    top = next(entry for entry in module["module_call_graph"] if entry["fqn"] == "")
    names = iter(output_names(parsed(top["signature"]["out_spec"])))
    outputs: list[Port] = []
    written: dict[str, Argument] = {}
    for entry in module["signature"]["output_specs"]:
        (kind, spec), *_ = entry.items()
        source = reader.argument(spec["arg"]) if kind == "user_output" else Name(spec["arg"]["name"])
        if kind == "user_output":
            outputs.append(Port(next(names), source))
        elif kind == "buffer_mutation":
            written[spec["buffer_name"]] = source
        else:
            raise Refused(f"a write to the input `{spec.get('user_input_name', kind)}`")
    return outputs, written


# --- graph -----------------------------------------------------------------------------------------------------------
class _Reader:
    """The graph, with what it says of its values."""

    def __init__(self, graph: Mapping[str, Any]) -> None:
        self._tensors = graph["tensor_values"]
        self._sizes = graph["sym_int_values"]

    def is_call(self, node: Mapping[str, Any]) -> bool:
        """False for what computes with sizes: the expression stands where it is used."""
        kinds = {kind for output in node["outputs"] for kind in output}
        return not kinds or not kinds <= {"as_sym_int", "as_sym_bool", "as_sym_float"}

    def call(self, node: Mapping[str, Any]) -> Call:
        metadata = node["metadata"]
        values = [(given["name"], self.argument(given["arg"]), given["kind"]) for given in node["inputs"]]
        results = tuple(self._results(node["outputs"]))
        return Call(
            node.get("name") or next((result.name for result in results if result is not None), ""),
            node["target"].removeprefix("torch.ops."),
            tuple(value for _, value, kind in values if kind != KEYWORD),
            {name: value for name, value, kind in values if kind == KEYWORD},
            results,
            tuple(_frames(metadata.get("nn_module_stack") or "")),
            innermost(metadata.get("stack_trace") or ""),
        )

    def _results(self, outputs: Sequence[Mapping[str, Any]]) -> Iterator[Result | None]:
        for output in outputs:
            ((kind, value),) = output.items()
            if kind == "as_tensor":
                yield Result(value["name"], self.spec(value["name"]))
            elif kind == "as_tensors":
                yield from (Result(each["name"], self.spec(each["name"])) for each in value)
            elif kind == "as_none":
                yield None
            else:
                raise Refused(f"a call that gives {kind.removeprefix('as_')}")

    def spec(self, name: str) -> Spec | None:
        meta = self._tensors.get(name)
        if meta is None:
            return None
        number = meta["dtype"]
        return Spec(dtypes.NUMBERED.get(number, f"number {number}"), tuple(map(self._extent, meta["sizes"])))

    def _extent(self, value: Mapping[str, Any]) -> Extent:
        ((kind, inner),) = value.items()
        if kind == "as_int":
            return int(inner)
        text = self._sizes[inner]["as_expr"]["expr_str"] if kind == "as_name" else inner["expr_str"]
        return Expression(str(text))

    def argument(self, value: Mapping[str, Any]) -> Argument:
        ((kind, inner),) = value.items()
        read = _KINDS.get(kind)
        if read is None:
            raise Refused(f"an argument of kind {kind.removeprefix('as_')}")
        return read(self, inner)

    def tensor(self, value: Mapping[str, Any]) -> Argument:
        return Name(str(value["name"]))

    def size(self, value: Mapping[str, Any]) -> Argument:
        return self._size(value)

    def _size(self, value: Mapping[str, Any]) -> Argument:
        ((kind, inner),) = value.items()
        if kind == "as_name":
            return self._named(str(inner))
        return self._extent(value)

    def _named(self, name: str) -> Argument:
        found = self._sizes[name]
        return int(found["as_int"]) if "as_int" in found else Expression(str(found["as_expr"]["expr_str"]))

    def optional(self, value: Mapping[str, Any]) -> Argument:
        return None if "as_none" in value else self.argument(value)


KEYWORD = 2
"""ArgumentKind of an argument that is given by its name."""


def _each(read: Callable[[_Reader, Any], Argument]) -> Callable[[_Reader, Any], Argument]:
    return lambda reader, values: [read(reader, value) for value in values]


def _plain(kind: Callable[[Any], Argument]) -> Callable[[_Reader, Any], Argument]:
    return lambda reader, value: kind(value)


def _element(reader: _Reader, number: Any) -> Argument:
    return DType(dtypes.NUMBERED.get(number, f"number {number}"))


def _float(value: Any) -> float:
    """Infinities and NaN stand as texts."""
    return float(value)


_KINDS: Mapping[str, Callable[[_Reader, Any], Argument]] = {
    "as_none": lambda reader, value: None,
    "as_tensor": _Reader.tensor,
    "as_tensors": _each(_Reader.tensor),
    "as_nested_tensors": _each(_each(_Reader.tensor)),
    "as_optional_tensor": _Reader.optional,
    "as_optional_tensors": _each(_Reader.optional),
    "as_int": _plain(int),
    "as_ints": _each(_plain(int)),
    "as_int_lists": _each(_each(_plain(int))),
    "as_float": _plain(_float),
    "as_floats": _each(_plain(_float)),
    "as_bool": _plain(bool),
    "as_bools": _each(_plain(bool)),
    "as_string": _plain(str),
    "as_strings": _each(_plain(str)),
    "as_sym_int": _Reader.size,
    "as_sym_ints": _each(_Reader.size),
    "as_scalar_type": _element,
    "as_memory_format": _plain(str),
    "as_layout": _plain(str),
    "as_device": _plain(str),
}  # fmt: skip
"""Kind of an argument of the schema -> what it is here."""


def _frames(text: str) -> Iterator[Frame]:
    """`L__self__conv,conv,torch.nn.modules.conv.Conv2d`, one behind the other with semicolons."""
    for entry in text.split(";"):
        key, comma, rest = entry.partition(",")
        path, other, kind = rest.rpartition(",")
        if comma and other and not key.startswith("_empty"):
            yield Frame(key, path, kind)
