"""`neuralc lsp`: a language server for `.nr` models, on stdin and stdout; it needs the extra [lsp]."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

import click

from neuralc.grammar.diagnostics import NeuralcError, Source, Span, error

if TYPE_CHECKING:
    from lsprotocol import types as lsp
    from pygls.lsp.server import LanguageServer

EXAMPLES = """\b
Editors start it themselves, with the command `neuralc lsp` for files *.nr, *.neural, *.rnr:
  Neovim    vim.lsp.start { name = "neuralc", cmd = { "neuralc", "lsp" } }
  Helix     [language-server.neuralc] command = "neuralc" args = ["lsp"]
  VS Code   a generic client such as "LSP client"; colours: docs/editors/neuralc.tmLanguage.json
"""


@click.command("lsp", epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> int:
    """Serve an editor: messages while typing, completion, explanations with shapes, definitions, formatting."""
    try:
        import pygls  # noqa: F401 (what makes the server needs it)
    except ImportError:
        raise error("E0818", "the language server needs the package pygls", help="pip install 'neuralc[lsp]'") from None
    make_server().start_io()
    return 0


def make_server() -> LanguageServer:
    """The server with its features; not started."""
    from lsprotocol import types as lsp
    from pygls.lsp.server import LanguageServer

    from neuralc import editor
    from neuralc.grammar.format import format_source

    server = LanguageServer("neuralc", version("neuralc"))

    def source_of(uri: str) -> Source:
        return Source(_path(uri), server.workspace.get_text_document(uri).source)

    def at(uri: str, position: lsp.Position) -> tuple[Source, int]:
        source = source_of(uri)
        return source, _offset(source.text, position)

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def check(event: lsp.DidOpenTextDocumentParams | lsp.DidChangeTextDocumentParams) -> None:
        uri = event.text_document.uri
        severities = {
            "error": lsp.DiagnosticSeverity.Error,
            "warning": lsp.DiagnosticSeverity.Warning,
            "note": lsp.DiagnosticSeverity.Information,
        }
        found = [
            lsp.Diagnostic(
                _range(message.span),
                "\n".join([message.message, *message.notes, *([f"help: {message.help}"] if message.help else [])]),
                severities[message.severity],
                message.code,
                source="neuralc",
            )
            for message in editor.messages(source_of(uri))
            if message.span is not None
        ]
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found))

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=["(", ",", "="]))
    def complete(request: lsp.CompletionParams) -> list[lsp.CompletionItem]:
        kinds = {
            "layer": lsp.CompletionItemKind.Class,
            "macro": lsp.CompletionItemKind.Function,
            "network": lsp.CompletionItemKind.Module,
            "parameter": lsp.CompletionItemKind.Field,
            "value": lsp.CompletionItemKind.Value,
            "clause": lsp.CompletionItemKind.Keyword,
        }
        return [
            lsp.CompletionItem(each.label, kind=kinds[each.kind], detail=each.detail, documentation=each.documentation)
            for each in editor.completions(*at(request.text_document.uri, request.position))
        ]

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(request: lsp.HoverParams) -> lsp.Hover | None:
        text = editor.hover(*at(request.text_document.uri, request.position))
        return None if text is None else lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def definition(request: lsp.DefinitionParams) -> lsp.Location | None:
        found = editor.definition(*at(request.text_document.uri, request.position))
        return None if found is None else lsp.Location(request.text_document.uri, _range(found))

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(request: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        kinds = {"macro": lsp.SymbolKind.Function, "network": lsp.SymbolKind.Class}
        return [
            lsp.DocumentSymbol(name, kinds[kind], _range(span), _range(span))
            for name, kind, span in editor.symbols(source_of(request.text_document.uri))
        ]

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def formatting(request: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
        source = source_of(request.text_document.uri)
        try:
            text = format_source(source)
        except NeuralcError:
            return []  # the messages tell what is wrong
        return [] if text == source.text else [lsp.TextEdit(_range(Span(source, 0, len(source.text))), text)]

    return server


# --- places ----------------------------------------------------------------------------------------------------------
def _path(uri: str) -> str:
    parsed = urlparse(uri)
    return str(Path(unquote(parsed.path))) if parsed.scheme == "file" else uri


def _offset(text: str, position: lsp.Position) -> int:
    """Editors count lines and UTF-16 units from 0."""
    lines = text.split("\n")
    before = sum(len(line) + 1 for line in lines[: position.line])
    line = lines[position.line] if position.line < len(lines) else ""
    units = line.encode("utf-16-le")[: 2 * position.character]
    return before + len(units.decode("utf-16-le", "ignore"))


def _range(span: Span) -> lsp.Range:
    return _position_range(span.source.text, span.start, span.end)


def _position_range(text: str, start: int, end: int) -> lsp.Range:
    from lsprotocol import types as lsp

    def position(offset: int) -> lsp.Position:
        line = text.count("\n", 0, offset)
        column = text[text.rfind("\n", 0, offset) + 1 : offset]
        return lsp.Position(line, len(column.encode("utf-16-le")) // 2)

    return lsp.Range(position(start), position(end))
