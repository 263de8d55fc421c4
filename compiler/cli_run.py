"""`neuralc run`: compile a model in memory and run it on arrays from `.npy` files."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli import cache_flags, make_options, say, shared_flags
from neuralc.cli_errors import ErrorFormat, report
from neuralc.files import write_product
from neuralc.grammar.diagnostics import error, usage_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neuralc.driver import Options
    from neuralc.exported import ExportedModel
    from neuralc.interpreted import InterpretedModel
    from neuralc.runtime import Model

    Array = NDArray[np.generic]

EXAMPLES = """\b
Examples:
  neuralc run model.nr --input images.npy -o probabilities.npy
  neuralc run model.nr --input image=x.npy --input meta=m.npy -o outputs.npz
  neuralc run model.nr --input x.npy --target interp       the reference interpreter
"""


@click.command("run", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--input", "inputs", multiple=True, metavar="[NAME=]FILE", help="An input array (.npy); may be repeated.")
@click.option("-o", "output", metavar="FILE", help="Where results go: .npy, or .npz for several. Default: shown.")
@click.option("--target", type=click.Choice(["cpu", "interp"]), default="cpu", help="What runs the model.")
@cache_flags
@shared_flags
def command(
    model: Path,
    inputs: Sequence[str],
    output: str | None,
    target: str,
    error_format: ErrorFormat,
    no_cache: bool,
    verbose: bool,
    **flags: Any,
) -> int:
    """Run MODEL on arrays: a model, IR (.mlir), or what neuralc made of one: a library (.so), a folder (.tpu)."""
    from neuralc.api import as_diagnostics
    from neuralc.execution import with_execution

    arrays = _read_inputs(inputs)
    options = with_execution(model, make_options(**flags), target_given=True)
    with as_diagnostics():
        compiled, said = _load(model, options, target, error_format, use_cache=not no_cache)
        say(said, verbose)
        results = compiled(**arrays) if isinstance(arrays, Mapping) else compiled(*arrays)
        outputs = results if isinstance(results, tuple) else (results,)
        _write_results(output, {port.name: array for port, array in zip(compiled.outputs, outputs, strict=True)})
    return 0


def _load(
    model: Path, options: Options, target: str, error_format: ErrorFormat, *, use_cache: bool
) -> tuple[Model | InterpretedModel | ExportedModel, str]:
    """The model, and what is to be said of the cache."""
    from neuralc import api, driver
    from neuralc.cache import native

    tell = partial(report, error_format=error_format)
    if model.suffix in (".so", ".tpu"):
        return api.load(model, threads=options.threads), ""
    if target == "cpu":
        return native.load_model(model, options, tell, use=use_cache)
    compilation = driver.load(model, options)
    tell(compilation.notices)
    return api.finish(compilation, target), ""


def _read_inputs(inputs: Sequence[str]) -> dict[str, Array] | list[Array]:
    """Arrays by name, or by position when no name is given."""
    if not inputs:
        raise usage_error("E0815", "no input given", help="`--input x.npy`, or `--input name=x.npy` for one of several")
    named = [text.partition("=") for text in inputs]
    if all(equals for _, equals, _ in named):
        return {name: read_array(Path(file)) for name, _, file in named}
    if any(equals for _, equals, _ in named):
        raise usage_error("E0814", "some inputs have a name and some have none", help="give every input its name")
    return [read_array(Path(file)) for file in inputs]


def read_array(path: Path) -> Array:
    """The array of a .npy file. Raises NeuralcError E0901."""
    import numpy as np

    try:
        array: Array = np.load(path, allow_pickle=False)
    except OSError as fault:
        raise error("E0901", f"cannot read {path}", note=(fault.strerror or str(fault)).lower()) from None
    except (ValueError, EOFError):
        raise error("E0901", f"{path} is no array", help="inputs are .npy files, as numpy.save writes them") from None
    if not isinstance(array, np.ndarray):
        raise error("E0901", f"{path} holds several arrays", help="inputs are .npy files, one array each")
    return array


def _write_results(output: str | None, results: Mapping[str, Array]) -> None:
    import numpy as np

    if output is None:
        for name, array in results.items():
            sys.stdout.write(f"{name}: {array.dtype} {array.shape}\n{array}\n")
        return
    content = BytesIO()
    if output.endswith(".npz"):
        np.savez(content, allow_pickle=False, **results)
    elif len(results) > 1:
        raise usage_error("E0814", f"the model has {len(results)} outputs", help="give `-o` a name that ends in .npz")
    else:
        np.save(content, next(iter(results.values())), allow_pickle=False)
    write_product(output, content.getvalue())
