"""A student's notebook in a real Jupyter server: worked on, checked in place, saved, handed in, graded as in the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from graders.results.files import each_result
from tests.courses.test_notebooks import ANSWER, text_of
from tests.support import ROOT, WORDS, copy_of_words, lab, solve_words

pytest.importorskip("jupyter_server", reason="jupyter-server is not installed; the group tests has it")
websocket = pytest.importorskip("websocket", reason="jupyter-server comes with it")

TOKEN = uuid.uuid4().hex
NOTEBOOK = "words.ipynb"
PATIENCE = 120  # seconds for the server, and for an answer of the kernel


class Jupyter:
    """What a front end does with a server: it opens and saves notebooks, starts a kernel for one, and runs cells."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.folder = folder

    def ask(self, method: str, path: str, content: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.address}api/{path}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"null")

    @contextmanager
    def opened(self, name: str) -> Iterator[Page]:
        """Open a notebook with a kernel of its own."""
        document = self.ask("GET", f"contents/{name}")["content"]
        kernel = {"kernel": {"name": "python3"}, "name": name, "path": name, "type": "notebook"}
        session = self.ask("POST", "sessions", kernel)
        address = f"{self.address.replace('http', 'ws', 1)}api/kernels/{session['kernel']['id']}/channels"
        socket = websocket.create_connection(
            f"{address}?token={TOKEN}", timeout=PATIENCE, header=[f"Authorization: token {TOKEN}"]
        )
        try:
            yield Page(self, name, document, socket)
        finally:
            socket.close()
            self.ask("DELETE", f"sessions/{session['id']}")


class Page:
    """A notebook as it stands in a browser: its cells, which are run and saved apart."""

    def __init__(self, server: Jupyter, name: str, document: dict[str, Any], socket: Any) -> None:
        self.server, self.name, self.document = server, name, document
        self._socket = socket

    def cell(self, beginning: str) -> dict[str, Any]:
        [found] = [cell for cell in self.document["cells"] if text_of(cell).startswith(beginning)]
        return dict(found)

    def write(self, beginning: str, text: str) -> None:
        """Type another text into a cell."""
        for cell in self.document["cells"]:
            if text_of(cell).startswith(beginning):
                cell["source"] = text

    def save(self) -> None:
        self.server.ask(
            "PUT", f"contents/{self.name}", {"type": "notebook", "format": "json", "content": self.document}
        )

    def run(self, beginning: str) -> dict[str, str]:
        """Run a cell, as JupyterLab does; return what it shows in the end."""
        cell = self.cell(beginning)
        message = uuid.uuid4().hex
        header = {"msg_id": message, "msg_type": "execute_request", "session": "s", "username": "", "version": "5.3"}
        content = {"code": text_of(cell), "silent": False, "store_history": True, "allow_stdin": False}
        request = {"header": header, "parent_header": {}, "metadata": {"cellId": cell["id"]}, "content": content}
        self._socket.send(json.dumps({**request, "channel": "shell", "buffers": []}))
        shown: dict[str, str] = {}
        while True:
            told = json.loads(self._socket.recv())
            if told["parent_header"].get("msg_id") != message:
                continue
            match told["msg_type"], told["content"]:
                case "error", content:
                    raise AssertionError("\n".join(content["traceback"]))
                case "display_data" | "update_display_data", {"data": data}:
                    shown = data
                case "status", {"execution_state": "idle"}:
                    return shown

    def run_all(self) -> None:
        for cell in self.document["cells"]:
            if cell["cell_type"] == "code" and not text_of(cell).startswith("check("):
                self.run(text_of(cell))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = copy_of_words(tmp_path / "home")
    assert lab("notebook", "--out", folder / NOTEBOOK, cwd=folder).returncode == 0
    return folder


@pytest.fixture
def jupyter(home: Path, tmp_path: Path) -> Iterator[Jupyter]:
    own = {name: str(tmp_path / name.lower()) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")}
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={home}"),
    ]
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT), "LANGUAGE": "en"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield Jupyter(_address(server, tmp_path / "jupyter_runtime_dir"), home)
        finally:
            server.terminate()


def _address(server: subprocess.Popen[bytes], folder: Path) -> str:
    """Return the address that a server listens at, as it writes it down once it does."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert server.poll() is None
        if found := list(folder.glob("jpserver-*.json")):
            return str(json.loads(found[0].read_text(encoding="utf-8"))["url"])
        time.sleep(0.1)
    raise AssertionError("Jupyter's server did not start.")


def solution(home: Path, tmp_path: Path) -> dict[str, str]:
    """Return the text of each solved function, by its first line."""
    solved = copy_of_words(tmp_path / "solved")
    solve_words(solved)
    assert lab("notebook", "--out", "solved.ipynb", cwd=solved).returncode == 0
    cells = json.loads((solved / "solved.ipynb").read_text(encoding="utf-8"))["cells"]
    return {text.split("\n")[0]: text for cell in cells if cell["cell_type"] == "code" and (text := text_of(cell))}


def graded(places: Sequence[Path], out: Path) -> list[dict[str, tuple[str, float]]]:
    """Grade what was handed in; return how each check ended, and its points."""
    command = [sys.executable, "-m", "graders", "run", *places, "--course", WORDS, "--out", out, "--require", "none"]
    done = subprocess.run(
        [*map(str, command)], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    results = list(each_result(out))
    assert len(results) == len(places)
    return [{check.id: (check.outcome, check.points) for check in result.checks} for result in results]


def test_a_notebook_is_worked_on_in_a_server_and_graded_as_its_modules_are(
    home: Path, jupyter: Jupyter, tmp_path: Path
) -> None:
    count, shift = "def count_words(text: str) -> int:", "def shift(text: str, by: int) -> str:"
    done = solution(home, tmp_path)
    done[shift] = f"import string\n\n{done[shift]}"
    with jupyter.opened(NOTEBOOK) as page:
        page.run_all()
        assert "Step 1: 0 of 3.5 points" in page.run("check(1)")["text/plain"]
        page.write(count, done[count])
        page.run(count)  # and not saved
        shown = page.run("check(1)")
        assert "✓ count_words returns the number of words" in shown["text/plain"]
        assert "<details" in shown["text/html"]
        page.write(shift, done[shift])
        page.run("import string")
        answer = page.cell("### 2.1")
        page.write("### 2.1", f"{text_of(answer)}\n\n{ANSWER}")
        page.save()
        shown = page.run("check(2)")
        assert "✓ shift moves each letter" in shown["text/plain"]
        assert "1 of 1 answered" in shown["text/plain"]
    handed_in = lab("submit", NOTEBOOK, "--name", "Anna", cwd=home)
    assert handed_in.stdout.splitlines()[-1] == f"Hand in {home / 'Anna.ipynb'}"

    for text in (count, shift):  # the same work in the modules
        for path in (home / "words").glob("step*.py"):
            whole = path.read_text(encoding="utf-8")
            if text in whole:
                path.write_text(whole + f"\n\n{done[text]}\n", encoding="utf-8")
    assert lab("submit", "--name", "Boris", cwd=home).returncode == 0
    notebook, modules = graded([home / "Anna.ipynb", home / "Boris.zip"], tmp_path / "out")
    assert notebook == modules
    checks = {check for check, (outcome, _) in notebook.items() if outcome == "passed"}
    assert {check.partition(".")[0] for check in checks} == {"step01", "step02"}
    assert len(checks) < len(notebook)
