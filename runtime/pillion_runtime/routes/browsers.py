"""Browsers: a link that signs one in, and the way out."""

from __future__ import annotations

import logging
from typing import Annotated

from msgspec import Meta, Struct
from quart import Blueprint, Response, request

from pillion.errors import NotFound

from .. import hostsettings, signin
from ..bodies import answer, nothing, read_optional
from ..browsers import LASTS
from ..described import described
from ..host import Host, is_authorized
from ..problems import FieldError, Refused

log = logging.getLogger("pillion.http")


class NewCode(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/browser-codes. `session`: the link leads to the page of this one."""

    session: Annotated[str, Meta(max_length=100)] = ""


class CodeView(Struct, frozen=True):
    """`url` signs in the first browser that opens it within `seconds`."""

    url: str
    seconds: float


class Link(Struct, frozen=True):
    """GET /open."""

    code: str = ""


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("browsers", __name__)
    browsers = host.browsers

    @routes.post("/api/browser-codes")
    @described(body=NewCode, body_optional=True, answers={201: CodeView}, example={})
    async def make_browser_code() -> Response:
        """Makes a link that signs a browser in, once, within a minute."""
        wanted = await read_optional(NewCode)
        if wanted.session:
            await _check(host, wanted.session)
        code = browsers.new_code(f"/sessions/{wanted.session}" if wanted.session else "/")
        return answer(CodeView(f"{_scheme(host)}://{request.host}/open?code={code}", LASTS), 201)

    @routes.get("/open")
    @described(
        query=Link,
        answers={303: None, 200: {"text/html": str}, 204: None},
        sends={"location": "The page, without the code.", "set-cookie": "Lasts as long as the server."},
        errors=(401,),
    )
    async def sign_in() -> Response:
        """Signs this browser in: the code is exchanged for a cookie, and the way leads on to the page.

        200: the link stood in a page of elsewhere, and a page of ours leads on, since a browser keeps the cookie back
        from a redirect then. 204: somebody only looks ahead (HEAD, a prefetch); the code stays good. 401
        `code_refused`: it is unknown, used or too old.
        """
        if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", ""):
            return nothing()
        path = browsers.exchange(request.args.get("code", ""))
        if path is None and is_authorized():
            path = "/"  # an old link, in a browser that is signed in
        if path is None:
            raise Refused(401, "This link was used before, or is older than a minute.", code="code_refused")
        cookie = f"{browsers.cookie}={browsers.sign_in()}; Path=/; HttpOnly; SameSite=Strict"
        cookie += "; Secure" if _scheme(host) == "https" else ""
        log.info("a browser is signed in")
        if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
            return nothing(303, {"location": path, "set-cookie": cookie})
        return Response(signin.arrived(path), 200, {**signin.HEADERS, "set-cookie": cookie})

    @routes.post("/api/sign-out")
    @described(answers={204: None}, sends={"set-cookie": "Takes the cookie away."})
    async def sign_out() -> Response:
        """Signs this browser out: its cookie counts no more."""
        browsers.sign_out(request.headers.getlist("Cookie"))
        gone = f"{browsers.cookie}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        return nothing(headers={"set-cookie": gone})

    return routes


async def _check(host: Host, session: str) -> None:
    try:
        await host.kernel.look(session)
    except NotFound as error:
        raise Refused(422, str(error), errors=[FieldError("session", str(error))]) from None


def _scheme(host: Host) -> str:
    """How this server is reached under the name of the request: https where host.origins says so."""
    return "https" if f"https://{request.host.lower()}" in hostsettings.origins(host.settings) else "http"
