"""Who may speak with the marking server: a browser on this machine that was given its address, and its own pages."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graders.marking import words

LOOPBACK = "127.0.0.1"
BYTES = 32  # of each key
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
Refusal = Callable[[HTTPStatus, str, str], Response]


def _drawn() -> str:
    return secrets.token_urlsafe(BYTES)


@dataclass(frozen=True)
class Keys:
    """What one run of the server is protected by.

    Attributes:
        address: stands in the address that is printed, and opens the door once for each browser.
        browser: the cookie's, which that browser keeps.
        form: stands in each form: whoever sends it has read a page.
    """

    address: str = field(default_factory=_drawn)
    browser: str = field(default_factory=_drawn)
    form: str = field(default_factory=_drawn)


class Gate:
    """Lets requests through that are meant for this server, from whom it was opened for.

    The address in `Host` has to be this machine's own, so that no name elsewhere that leads here reads anything; a
    request that changes something has to come from a page of this server.

    Args:
        app: what is behind it.
        keys: of this run.
        port: the server's.
        refusal: makes the page that says why something is refused: of a status, a sentence, and a nonce for its style.
    """

    def __init__(self, app: ASGIApp, keys: Keys, port: int, refusal: Refusal) -> None:
        self._app = app
        self._keys = keys
        self._hosts = {f"{name}:{port}" for name in (LOOPBACK, "localhost")}
        self._cookie = f"graders-mark-{port}"  # browsers send the cookies of one port to all ports
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through; every answer gets the headers that protect it."""
        if scope["type"] != "http":
            return
        nonce = secrets.token_urlsafe(BYTES)
        scope["nonce"] = nonce

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["Content-Security-Policy"] = POLICY.format(nonce=nonce)
            await send(message)

        await (self._answer(scope) or self._app)(scope, receive, protected)

    def _answer(self, scope: Scope) -> Response | None:
        """Return what to answer a request that does not get through."""
        headers = Headers(scope=scope)
        nonce: str = scope["nonce"]
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return self._refusal(HTTPStatus.MISDIRECTED_REQUEST, words.OTHER_HOST, nonce)
        if scope["method"] not in {"GET", "HEAD", "POST"}:
            return self._refusal(HTTPStatus.METHOD_NOT_ALLOWED, words.NO_METHOD, nonce)
        if scope["method"] == "POST" and not _is_from(f"http://{hosts[0].lower()}", headers):
            return self._refusal(HTTPStatus.FORBIDDEN, words.OTHER_PAGE, nonce)
        if same(_token(scope), self._keys.address):
            welcome = RedirectResponse("/", HTTPStatus.SEE_OTHER)
            welcome.set_cookie(self._cookie, self._keys.browser, httponly=True, samesite="strict")
            return welcome
        if not same(self._cookie_of(headers), self._keys.browser):
            return self._refusal(HTTPStatus.FORBIDDEN, words.NO_KEY, nonce)
        return None

    def _cookie_of(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return str(found.value) if found else ""


def same(given: str, wanted: str) -> bool:
    """Tell whether a key is the wanted one, in a time that says nothing of how much of it is right."""
    return secrets.compare_digest(given.encode(), wanted.encode())


def _is_from(origin: str, headers: Headers) -> bool:
    return headers.get("origin", "").lower() == origin and headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _token(scope: Scope) -> str:
    if scope["path"] != "/" or scope["method"] != "GET":
        return ""
    query: bytes = scope["query_string"]
    return parse_qs(query.decode("latin-1")).get("token", [""])[0]
