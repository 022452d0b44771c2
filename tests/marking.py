"""A small class whose written answers are to be marked, and a browser's part in that."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lxml import html
from starlette.testclient import TestClient

from graders.course import load_course
from graders.intake.layouts.handin import Handin
from graders.marking.desk import Desk
from graders.marking.gate import Keys
from graders.marking.server import Manner, application
from graders.policy import Grades
from graders.questions import Question, load_questions
from graders.results.files import write_result
from graders.results.gradebook.book import Gradebook
from graders.results.schema import AnswerStatus, Isolation, Result, WrittenAnswer
from graders.words.spoken import ENGLISH_WORDS, Words
from tests.support import ROOT, WORDS

QUESTION = load_questions(load_course(WORDS))[0]
PORT = 8901
INTERRUPTED = 130
HERE = f"http://127.0.0.1:{PORT}"


def record(
    book: Gradebook, folder: Path, texts: Mapping[str, str], question: Question = QUESTION, attempt: int = 1
) -> None:
    """Let students hand in answers to a question."""
    for student, text in texts.items():
        result = Result(
            course="Words",
            submission=student,
            digest=f"{student}-{attempt}",
            score=0,
            max_score=6,
            isolation=Isolation.of({}),
            time_limit=900,
            steps=[],
            versions={},
            checks=[],
            written=[WrittenAnswer(question.id, question.step, question.title, text, AnswerStatus.TO_BE_MARKED)],
            notes=[],
        )
        handin = Handin(
            students=[student],
            name=f"Όνομα {student}",
            attempt=attempt,
            digest=result.digest,
            ids={"moodle_participant": student},
        )
        book.record(handin, write_result(result, folder / f"{student}-{attempt}"))


def course_with(questions: str, folder: Path) -> Path:
    """Return a folder with the small course, which asks other questions: the text of their file."""
    (folder / "questions.toml").write_text(questions, encoding="utf-8")
    text = (WORDS / "course.toml").read_text(encoding="utf-8").replace('root = "."', f'root = "{WORDS}"')
    there = text.replace('"words_checks/questions.toml"', f'"{folder / "questions.toml"}"')
    (folder / "course.toml").write_text(there, encoding="utf-8")
    return folder


@contextmanager
def served(*arguments: str | Path, folder: Path = ROOT, course: Path = WORDS) -> Iterator[str]:
    """Run `graders mark serve` in a folder, and give the address that it prints; Ctrl-C ends it."""
    command = [sys.executable, "-m", "graders", "mark", "serve", *map(str, arguments), "--course", str(course)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        found = re.search(r"http\S+", server.stdout.readline())
        assert found
        try:
            yield found[0]
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait() == INTERRUPTED


class Browser:
    """What a marker's browser does, without a script: it follows links and sends the forms that it was given."""

    def __init__(
        self,
        book: Gradebook,
        marker: str,
        questions: Sequence[Question] = (QUESTION,),
        *,
        anonymous: bool = False,
        independently: bool = False,
        words: Words = ENGLISH_WORDS,
    ) -> None:
        self.keys = Keys()
        desk = Desk(book, questions, Grades(), marker, independently=independently)
        app = application(desk, self.keys, PORT, Manner("Words", anonymous, words))
        self.client = TestClient(app, base_url=HERE, follow_redirects=False)
        self.status = 0
        self.path = ""
        self.page = html.document_fromstring("<p>")
        self.source = ""

    def open(self) -> None:
        """Open the address that is printed."""
        welcome = self.client.get(f"/?token={self.keys.address}")
        assert welcome.status_code == 303
        self.go(welcome.headers["location"])

    def go(self, path: str) -> None:
        self._shown(path, self.client.get(path))

    def follow(self, key: str) -> None:
        """Press the key of a link."""
        (link,) = self.page.xpath("//a[@data-key=$key]", key=key)
        self.go(link.get("href"))

    def has(self, key: str) -> bool:
        return bool(self.page.xpath("//*[@data-key=$key]", key=key))

    def fields(self, form: str = "//form[@id='give']") -> dict[str, list[str]]:
        """Return what a form would send as it stands."""
        (found,) = self.page.xpath(form)
        filled: dict[str, list[str]] = {}
        for element in found.xpath(".//input | .//textarea"):
            if element.get("type") in {"radio", "checkbox"} and element.get("checked") is None:
                continue
            text = (element.text or "") if element.tag == "textarea" else element.get("value", "")
            filled.setdefault(element.get("name"), []).append(text.removeprefix("\n"))
        return filled

    def give(self, *keys: str, **typed: str) -> None:
        """Press number keys, type, and save."""
        fields = self.fields()
        if keys:
            fields["chosen"] = [self.page.xpath("//input[@data-key=$key]/@value", key=key)[0] for key in keys]
            fields["points"] = [""]
        self.send(self.path.partition("?")[0], {**fields, **{name: [text] for name, text in typed.items()}})

    def take_back(self) -> None:
        form = "//form[@action='/take-back']"
        self.send("/take-back", self.fields(form))

    def send(self, path: str, fields: Mapping[str, Sequence[str]], **headers: str) -> None:
        answer = self.client.post(path, data=fields, headers={"Origin": HERE, **headers})
        if answer.status_code == 303:
            self.go(answer.headers["location"])
        else:
            self._shown(path, answer)

    @property
    def said(self) -> str:
        """The text of the page."""
        return " ".join(" ".join(self.page.find("body").itertext()).split())

    def _shown(self, path, answer) -> None:
        self.status, self.path, self.source = answer.status_code, path, answer.text
        self.page = html.document_fromstring(answer.text)
        assert re.fullmatch(
            r"default-src 'none'; script-src 'self'; style-src 'nonce-[\w-]+'; connect-src 'self'; img-src data:; "
            r"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            answer.headers["content-security-policy"],
        )
