"""`neuralc lsp` as an editor speaks to it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls", reason="the language server needs pygls")

TEXT = "network M {\n  input: (8)\n  layers: Dense( 4 ) Dens(3)\n}\n"


class Client:
    """Messages with their length in front, one after another."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "neuralc", "lsp"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.number = 0

    def send(self, method: str, parameters: Any, *, answer: bool = True) -> Any:
        body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": parameters}
        if answer:
            self.number += 1
            body["id"] = self.number
        data = json.dumps(body).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()
        return self.receive(lambda message: message.get("id") == self.number)["result"] if answer else None

    def receive(self, wanted: Any) -> Any:
        assert self.process.stdout is not None
        while True:
            length = 0
            while (line := self.process.stdout.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            message = json.loads(self.process.stdout.read(length))
            if wanted(message):
                return message


@pytest.mark.thorough
def test_a_session(tmp_path: Path) -> None:
    client = Client()
    uri = (tmp_path / "m.nr").as_uri()
    capabilities = client.send("initialize", {"processId": None, "rootUri": None, "capabilities": {}})["capabilities"]
    assert capabilities["hoverProvider"]
    assert capabilities["documentFormattingProvider"]
    client.send("initialized", {}, answer=False)
    document = {"uri": uri, "languageId": "neuralc", "version": 1, "text": TEXT}
    client.send("textDocument/didOpen", {"textDocument": document}, answer=False)
    told = client.receive(lambda message: message.get("method") == "textDocument/publishDiagnostics")["params"]
    (problem,) = told["diagnostics"]
    assert (problem["code"], problem["range"]["start"]) == ("E0201", {"line": 2, "character": 21})
    assert "did you mean `Dense`?" in problem["message"]
    place = {"textDocument": {"uri": uri}, "position": {"line": 2, "character": 12}}
    assert "activation(x . kernel + bias)" in client.send("textDocument/hover", place)["contents"]["value"]
    assert any(each["label"] == "LSTM" for each in client.send("textDocument/completion", place))
    options = {"textDocument": {"uri": uri}, "options": {"tabSize": 2, "insertSpaces": True}}
    (edit,) = client.send("textDocument/formatting", options)
    assert "Dense(4) Dens(3)" in edit["newText"]
    client.send("shutdown", None)
    client.send("exit", None, answer=False)
    assert client.process.wait(10) == 0
