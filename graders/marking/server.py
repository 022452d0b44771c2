"""The marking server's pages: the questions, the answers to one of them, and one answer with what is given for it."""

from __future__ import annotations

import functools
import re
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import parse_qs

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from graders.marking import words
from graders.marking.desk import Desk, NotThere, Sight, next_unmarked
from graders.marking.gate import Gate, Keys, same
from graders.marking.given import Given, NoMark, choices, given_by, mark_of
from graders.marking.markdown import harmless
from graders.marking.sheets import prompt_of, whose
from graders.pages.rendering import render
from graders.results.gradebook.answers import ChangedMeanwhile
from graders.results.gradebook.database import GradebookFault
from graders.results.gradebook.rows import Marked
from graders.text import without_orders
from graders.words.spoken import ENGLISH_WORDS, Words

ROOM = "graders.marking"
MOST_BYTES = 200_000  # of a form
MOST_FIELDS = 100
MOST_COMMENTS = 12  # that are offered
Fields = Mapping[str, Sequence[str]]
Handler = Callable[[Request, Fields], Response]


class _Refused(Exception):
    """A request that is answered by a sentence alone."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True)
class Manner:
    """How answers are shown.

    Attributes:
        course: its title.
        anonymous: without saying whose they are.
        words: the language of the pages.
    """

    course: str
    anonymous: bool = False
    words: Words = ENGLISH_WORDS


def application(desk: Desk, keys: Keys, port: int, manner: Manner) -> ASGIApp:
    """Return the marking server of one marker, for whoever has its keys."""
    pages = _Pages(desk, keys, manner)

    def answered(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        return _answered(handler, keys, manner.words)

    routes = [
        Route("/", answered(pages.questions), methods=["GET"]),
        Route("/question/{question}", answered(pages.question), methods=["GET"]),
        Route("/mark/{question}/{key}", answered(pages.answer), methods=["GET"]),
        Route("/mark/{question}/{key}", answered(pages.save), methods=["POST"]),
        Route("/take-back", answered(pages.take_back), methods=["POST"]),
        Route("/text/{question}/{key}", answered(pages.text), methods=["GET"]),
        Route("/alive", answered(pages.alive), methods=["GET"]),
        Route("/marking.js", answered(_script), methods=["GET"]),
    ]

    refused = functools.partial(refusal, manner.words)

    def absent(request: Request, _: Exception) -> Response:
        return refused(HTTPStatus.NOT_FOUND, words.NOT_THERE, request.scope["nonce"])

    def unmeant(request: Request, _: Exception) -> Response:
        return refused(HTTPStatus.METHOD_NOT_ALLOWED, words.NO_METHOD, request.scope["nonce"])

    handlers = {404: absent, 405: unmeant}
    return Gate(Starlette(routes=routes, exception_handlers=handlers), keys, port, refused)


def refusal(
    language: Words, status: HTTPStatus, sentence: str, nonce: str, again: Mapping[str, object] | None = None
) -> Response:
    """Return a page of one sentence.

    Args:
        language: the words of the page.
        status: how the request ended.
        sentence: why.
        nonce: for its style.
        again: what was to be saved, so that it is not lost: its path and its fields.
    """
    return _page("message", nonce, {"sentence": sentence, "again": again}, status, language)


class _Pages:
    """The pages; each is made from the gradebook of now."""

    def __init__(self, desk: Desk, keys: Keys, manner: Manner) -> None:
        self._desk = desk
        self._keys = keys
        self._manner = manner

    def questions(self, request: Request, _: Fields) -> Response:
        """Show the questions, and how far marking is."""
        piles = self._desk.piles()
        return self._show(request, "questions", {"piles": piles, "first": next_unmarked(piles)})

    def question(self, request: Request, _: Fields) -> Response:
        """Show all answers to a question with their marks."""
        pile, lines = self._desk.lines(request.path_params["question"])
        return self._show(request, "question", {"pile": pile, "lines": lines})

    def answer(self, request: Request, _: Fields) -> Response:
        """Show an answer, and what is given for it."""
        sight = self._look(request)
        given = given_by(sight.mine, sight.pile.question, self._manner.words)
        return self._form(request, sight, given, taken_back="taken-back" in request.query_params)

    def save(self, request: Request, fields: Fields) -> Response:
        """Keep a mark, and go on to the next answer."""
        sight = self._look(request)
        question = sight.pile.question
        given = Given(
            tuple(int(one) for one in fields.get("chosen", ()) if re.fullmatch("[0-9]{1,3}", one)),
            _one(fields, "points"),
            _one(fields, "comment"),
        )
        try:
            mark = mark_of(given, question, self._desk.marker)
            self._desk.give(sight, mark, _one(fields, "seen"))
        except NoMark as problem:
            return self._form(
                request,
                sight,
                given,
                problem=self._manner.words.text(str(problem)),
                status=HTTPStatus.UNPROCESSABLE_ENTITY,
            )
        except ChangedMeanwhile as change:
            now = self._desk.look(question.id, sight.place.key)
            return self._form(request, now, given, meanwhile=change.marks, status=HTTPStatus.CONFLICT)
        following = self._desk.look(question.id, sight.place.key).unmarked
        return RedirectResponse(following.path if following else "/", HTTPStatus.SEE_OTHER)

    def take_back(self, _: Request, fields: Fields) -> Response:
        """Take back the last mark, and go to its answer."""
        try:
            place = self._desk.take_back(_one(fields, "last"))
        except ChangedMeanwhile:
            place = None
        if place is None:
            raise _Refused(HTTPStatus.CONFLICT, words.CHANGED_LAST)
        return RedirectResponse(f"{place.path}?taken-back", HTTPStatus.SEE_OTHER)

    def text(self, request: Request, _: Fields) -> Response:
        """Show an answer whole, as plain text."""
        lines = self._look(request).answer.text.splitlines()
        text = "\n".join(without_orders(line.replace("\t", "    ")) for line in lines)
        return Response(text.encode("utf-8", "replace"), media_type="text/plain; charset=utf-8")

    def alive(self, _: Request, __: Fields) -> Response:
        """Say that the server answers, and what a form of before a restart has to hold now."""
        return JSONResponse({"form": self._keys.form})

    def _look(self, request: Request) -> Sight:
        return self._desk.look(request.path_params["question"], request.path_params["key"])

    def _form(
        self,
        request: Request,
        sight: Sight,
        given: Given,
        *,
        problem: str = "",
        meanwhile: Sequence[Marked] | None = None,
        taken_back: bool = False,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        answer = sight.answer
        values = {
            "sight": sight,
            "question": sight.pile.question,
            "whose": "" if self._manner.anonymous else whose(answer),
            "prompt": prompt_of(sight.pile.question, self._manner.words),
            "text": harmless(answer.text),
            "choices": choices(sight.pile.question),
            "given": given,
            "comments": sight.comments[:MOST_COMMENTS],
            "problem": problem,
            "meanwhile": meanwhile,
            "taken_back": taken_back,
        }
        return self._show(request, "answer", values, status)

    def _show(
        self, request: Request, template: str, values: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        known = {
            "course": self._manner.course,
            "anonymous": self._manner.anonymous,
            "marker": self._desk.marker,
            "independently": self._desk.independently,
            "form": self._keys.form,
            "last": self._desk.last(),
            "whose_of": whose,
        }
        return _page(template, request.scope["nonce"], {**known, **values}, status, self._manner.words)


def _page(template: str, nonce: str, values: Mapping[str, object], status: HTTPStatus, language: Words) -> Response:
    return Response(render(template, {**values, "nonce": nonce}, language, ROOM), status, media_type="text/html")


def _script(_: Request, __: Fields) -> Response:
    return Response(_script_text(), media_type="text/javascript")


@functools.cache
def _script_text() -> str:
    return files(ROOM).joinpath("templates", "marking.js").read_text(encoding="utf-8")


def _one(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")


async def _fields(request: Request, keys: Keys) -> Fields:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words.TOO_LONG)
    try:
        fields = parse_qs(body.decode("latin-1"), keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words.TOO_LONG) from None
    if not same(_one(fields, "form"), keys.form):
        raise _Refused(HTTPStatus.FORBIDDEN, words.OTHER_PAGE)
    return fields


def _answered(handler: Handler, keys: Keys, language: Words) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler as an endpoint: what goes wrong is one sentence, and what was typed is not lost."""
    refuse = functools.partial(refusal, language)

    async def endpoint(request: Request) -> Response:
        nonce: str = request.scope["nonce"]
        fields: Fields = {}
        try:
            if request.method == "POST":
                fields = await _fields(request, keys)
            return await run_in_threadpool(handler, request, fields)
        except ClientDisconnect:
            raise
        except _Refused as refused:
            return refuse(refused.status, refused.sentence, nonce)
        except NotThere:
            return refuse(HTTPStatus.NOT_FOUND, words.NOT_THERE, nonce, _again(request, fields))
        except GradebookFault as fault:
            return refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(fault), nonce, _again(request, fields))
        except msgspec.MsgspecError:
            return refuse(HTTPStatus.SERVICE_UNAVAILABLE, words.UNREADABLE, nonce, _again(request, fields))
        except Exception:  # noqa: BLE001 - whoever marks wants to go on
            traceback.print_exc(file=sys.stderr)
            return refuse(HTTPStatus.INTERNAL_SERVER_ERROR, words.BROKEN, nonce, _again(request, fields))

    return endpoint


def _again(request: Request, fields: Fields) -> Mapping[str, object] | None:
    return {"path": request.url.path, "fields": fields} if fields else None
