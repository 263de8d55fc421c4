"""How many models of a folder the language says, and whether what it says computes the same.

    python benchmarks/emitted_programs.py FOLDER [FOLDER ..]

Takes ONNX models (`.onnx`) and graphs of nnsmith (`.pkl`: a dictionary with the bytes of a model and data for it). Each
becomes a program and weights, which are read again and run in float64 on the data, or on random inputs; tells which
differ, and why others are refused. Ends with an error where one differs, or more than a tenth is refused.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.emitted_programs import Array, check_emitted, inputs_for

from neuralc import driver
from neuralc.dialects.graph import the_model
from neuralc.grammar.diagnostics import NeuralcError


def models(folders: Sequence[str]) -> Iterator[tuple[Path, bytes, Sequence[Array] | None]]:
    """The models of folders: their files, their bytes, and inputs where the file has some."""
    for folder in folders:
        for path in sorted(Path(folder).iterdir()):
            if path.suffix == ".onnx":
                yield path, path.read_bytes(), None
            elif path.suffix == ".pkl":
                found = pickle.loads(path.read_bytes())
                model = found["model"]
                yield path, model if isinstance(model, bytes) else model.SerializeToString(), found["data"][0][0]


def outcome(model: bytes, given: Sequence[Array] | None) -> tuple[str, str]:
    """`same`, `differs`, `refused`, or `not imported`, and the reason."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model)
        try:
            loaded = driver.load(path, driver.Options())
        except NeuralcError as problem:
            return "not imported", problem.diagnostics[0].message
        names = the_model(loaded.module).inputs
        inputs: Mapping[str, Array] = (
            inputs_for(loaded.module) if given is None else dict(zip(names, given, strict=True))
        )
        try:
            check_emitted(loaded.module, loaded.weights, inputs, show=False)
        except NeuralcError as problem:
            codes = {found.code for found in problem.diagnostics}
            return "refused" if codes == {"E0850"} else "differs", problem.diagnostics[0].message
        except AssertionError as problem:
            return "differs", str(problem)
    return "same", ""


def main(folders: Sequence[str]) -> int:
    counts: Counter[str] = Counter()
    for path, model, given in models(folders):
        found, reason = outcome(model, given)
        counts[found] += 1
        if found != "same":
            print(f"{path.name}: {found}: {' '.join(reason.split())[:200]}")
    print(", ".join(f"{count} {found}" for found, count in counts.most_common()) or "no models")
    said = counts["same"] + counts["refused"]
    return int(counts["differs"] > 0 or counts["refused"] * 10 > said)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
