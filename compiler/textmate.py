"""Writes docs/editors/neuralc.tmLanguage.json, the colours of `.nr` models, from the signature table: `make docs`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from neuralc.editor import CLAUSES
from neuralc.grammar.signatures import SIGNATURES

PATH = Path(__file__).resolve().parents[1] / "docs" / "editors" / "neuralc.tmLanguage.json"


def grammar() -> dict[str, Any]:
    """A TextMate grammar (https://macromates.com/manual/en/language_grammars)."""
    layers = "|".join(sorted({name for each in SIGNATURES for name in (each.name, *each.aliases)}))
    return {
        "name": "neuralc",
        "scopeName": "source.neuralc",
        "fileTypes": ["nr", "neural", "rnr"],
        "patterns": [
            {"name": "comment.line.number-sign.neuralc", "match": r"(#|//).*$"},
            {"name": "string.quoted.double.neuralc", "match": r'"[^"\n]*"'},
            {"name": "string.quoted.single.neuralc", "match": r"'[^'\n]*'"},
            {"name": "keyword.control.neuralc", "match": r"\b(network|define|research|from|import|where)\b"},
            {"name": "keyword.other.neuralc", "match": rf"\b({'|'.join(CLAUSES)}|execute)\b(?=\s*[:{{])"},
            {"name": "support.function.neuralc", "match": r"\b(HPO|choice|range|log_range)\b(?=\s*\()"},
            {"name": "support.class.neuralc", "match": rf"(?i)\b({layers})\b(?=\s*[({{@*]|\s*$)"},
            {"name": "storage.type.neuralc", "match": r"\b(bool|double|half|b?float(16|32|64)?|u?int(8|16|32|64))\b"},
            {"name": "variable.parameter.neuralc", "match": r"\b\w+(?=\s*=(?!=))"},
            {"name": "constant.language.neuralc", "match": r"(?i)\b(true|false|none)\b"},
            {"name": "constant.numeric.neuralc", "match": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\b"},
        ],
    }


def text() -> str:
    """The file."""
    return json.dumps(grammar(), indent=1) + "\n"


def main() -> int:
    """Write the file of the checkout that this module was imported from."""
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{PATH}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
