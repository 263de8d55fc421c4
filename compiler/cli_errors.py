"""How both command lines end: messages on stderr; exit code 0 done, 1 wrong model, 2 wrong command, 3 our fault."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import click

from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, UsageError, as_dict, render_all, suggest, usage_error

ErrorFormat = Literal["text", "json"]

DONE, WRONG_MODEL, WRONG_COMMAND_LINE, FAULT = 0, 1, 2, 3


def run_command(
    command: click.Command, arguments: Sequence[str], error_format: ErrorFormat = "text", name: str | None = None
) -> int:
    """Run a click command and return the exit code; nothing is raised, and no traceback is shown.

    `name` is what the user typed for it, such as `neuralc run`.

    `NEURALC_TRACEBACK=1` in the environment shows the traceback of every error, for those who work on neuralc.
    """
    try:
        result = command.main(list(arguments), prog_name=name or command.name, standalone_mode=False)
        if not sys.stdout.closed:  # a server ends with its streams
            sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except NeuralcError as fault:
        _trace()
        report(fault.diagnostics, error_format)
        return exit_code(fault)
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.UsageError as fault:
        report(_usage_diagnostics(fault), error_format)
        return WRONG_COMMAND_LINE
    except click.Abort:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as fault:  # the last line of defence: one message instead of a traceback
        _trace()
        report([_internal(fault)], error_format)
        return FAULT


def report(diagnostics: Iterable[Diagnostic], error_format: ErrorFormat = "text") -> None:
    """Print messages to stderr: the first for a person, or all as one JSON object a line."""
    if error_format == "json":
        sys.stderr.writelines(json.dumps(as_dict(diagnostic)) + "\n" for diagnostic in diagnostics)
        return
    color = use_color(sys.stderr.isatty())
    sys.stderr.writelines(text + "\n" for text in render_all(tuple(diagnostics), color))


def use_color(is_terminal: bool) -> bool:
    """Colours for terminals; https://no-color.org and FORCE_COLOR decide otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    return is_terminal or bool(os.environ.get("FORCE_COLOR"))


def exit_code(fault: NeuralcError) -> int:
    if isinstance(fault, UsageError):
        return WRONG_COMMAND_LINE
    internal = any(diagnostic.code.startswith("E99") for diagnostic in fault.diagnostics)
    return FAULT if internal else WRONG_MODEL


def _usage_diagnostics(fault: click.UsageError) -> tuple[Diagnostic, ...]:
    """Click's complaints in our words, with the nearest name."""
    if isinstance(fault, click.NoSuchOption):
        flag = fault.option_name
        known = [name for parameter in _parameters(fault.ctx) for name in parameter.opts if name.startswith("--")]
        help = suggest(flag, known) or _see_help(fault.ctx)
        return usage_error("E0801", f"unknown flag `{flag}`", help=help).diagnostics
    if isinstance(fault, click.MissingParameter) and fault.param is not None:
        name = fault.param.human_readable_name
        return usage_error("E0815", f"no {name} given", help=_see_help(fault.ctx)).diagnostics
    if isinstance(fault, click.BadParameter) and fault.param is not None and fault.param.opts:
        name = fault.param.opts[-1] if fault.param.opts[-1].startswith("-") else fault.param.human_readable_name
        return usage_error("E0813", f"`{name}`: {_sentence(fault.message)}", help=_see_help(fault.ctx)).diagnostics
    return usage_error("E0813", _sentence(fault.format_message()), help=_see_help(fault.ctx)).diagnostics


def _parameters(context: click.Context | None) -> Sequence[click.Parameter]:
    return context.command.params if context is not None else ()


def _see_help(context: click.Context | None) -> str:
    name = context.command_path if context is not None else "neuralc"
    return f"`{name} --help` lists the flags"


def _sentence(text: str) -> str:
    """As our messages are: no capital, no full stop."""
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:]


def _internal(fault: Exception) -> Diagnostic:
    place = traceback.extract_tb(fault.__traceback__)[-1]
    return Diagnostic(
        "E9901",
        f"neuralc failed: {type(fault).__name__}: {str(fault).partition(chr(10))[0]}",
        notes=(f"raised in {place.name}, {Path(place.filename).name}:{place.lineno}",),
        help="this is a fault of neuralc, not of the model; NEURALC_TRACEBACK=1 shows where it comes from",
    )


def _trace() -> None:
    if os.environ.get("NEURALC_TRACEBACK"):
        traceback.print_exc()
