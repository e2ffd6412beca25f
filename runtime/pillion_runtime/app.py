"""The Quart app: the host's routes, the plugins' routes, and every error as a problem."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from quart import Blueprint, Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from . import bodies, conditions, openapi, problems
from .host import Host
from .logs import REQUEST
from .longbody import Connection, Request
from .routes import (
    approvals,
    browsers,
    calls,
    completions,
    context,
    description,
    events,
    health,
    models,
    outputs,
    overlays,
    plugins,
    portable,
    prompts,
    questions,
    sessions,
)

log = logging.getLogger("pillion.http")
OWN = (
    health,
    description,
    plugins,
    models,
    sessions,
    portable,
    prompts,
    events,
    approvals,
    questions,
    calls,
    outputs,
    context,
    completions,
    overlays,
    browsers,
)


def create_app(host: Host) -> QuartTrio:
    """A fresh app. It is built again when a plugin is switched, since a running one takes no new blueprint."""
    app = _bare(host)
    for noun in OWN:
        app.register_blueprint(noun.blueprint(host))
    plugins = host.kernel.host
    for plugin, answer in list(plugins.ask("register_routes", kernel=host.kernel)):
        if reason := _register(app, answer, described=plugins.is_shipped(plugin)):
            plugins.quarantine(plugin, reason)
            return create_app(host)  # what of it is registered can't be taken back
    for endpoint in {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}:
        app.view_functions[endpoint] = host.once.wrapped(app.view_functions[endpoint])
    return app


def tokenless(host: Host) -> frozenset[str]:
    """The paths that plugins serve without a token, too."""
    found: set[str] = set()
    for plugin, answer in host.kernel.host.ask("register_tokenless"):
        if isinstance(answer, (list, tuple)) and all(isinstance(path, str) and path[:1] == "/" for path in answer):
            found.update(answer)
        else:
            host.kernel.host.fault(plugin, "Its hook register_tokenless returned no list of paths.")
    return frozenset(found)


def _bare(host: Host) -> QuartTrio:
    app = QuartTrio("pillion_runtime", static_folder=None)
    app.request_class = Request  # type: ignore[assignment]  # it is one of those
    app.asgi_http_class = Connection
    app.url_map.merge_slashes = False  # a path with a slash too many is another path, no reason to redirect
    app.config.update(DEBUG=False, PROPAGATE_EXCEPTIONS=False, MAX_CONTENT_LENGTH=bodies.LIMIT, BODY_TIMEOUT=60)

    app.after_request(conditions.unchanged)

    @app.errorhandler(Exception)
    async def problem(error: Exception) -> Response:
        refused = _http_refusal(error) if isinstance(error, HTTPException) else problems.refusal(error)
        if refused.status == 500:
            log.error("request failed", exc_info=error)
        said = problems.said(
            refused, request.path, REQUEST.get(), page="text/html" in request.headers.get("Accept", "")
        )
        own = getattr(app.blueprints.get(request.blueprint or ""), "problem_members", None)
        body = said.body if own is None else _with(said.body, own)
        return Response(host.kernel.secrets.redact_bytes(body), refused.status, said.headers)

    return app


def _with(body: bytes, members: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> bytes:
    try:
        problem: dict[str, Any] = msgspec.json.decode(body)
        return msgspec.json.encode({**problem, **members(problem)})
    except Exception as error:  # a plugin's fault is its own
        log.error("problem_members failed", exc_info=error)
        return body


def _http_refusal(error: HTTPException) -> problems.Refused:
    """What Quart and its router raise: unknown paths, wrong methods, large and slow bodies."""
    status = error.code or 500
    match status:
        case 404:
            return problems.Refused(404, "There is nothing at this path.")
        case 405:
            methods = ", ".join(sorted(error.valid_methods or ())) if isinstance(error, MethodNotAllowed) else ""
            return problems.Refused(405, f"This path answers to: {methods}.", headers={"allow": methods})
        case 413:
            return problems.Refused(413, f"A body may have {bodies.LIMIT // 1024 // 1024} MiB.")
        case _:
            return problems.Refused(status, error.description or "The request can't be served.")


def _register(app: QuartTrio, answer: Any, *, described: bool) -> str:
    """Registers a plugin's blueprints. Returns why they can't stand, "" where they do. `described`: it is known already
    that each of its routes can be described; to try it takes a tenth of all that a start takes."""
    if not isinstance(answer, Sequence) or not all(isinstance(blueprint, Blueprint) for blueprint in answer):
        return "Its hook register_routes must return a list of Quart blueprints."
    before = list(app.url_map.iter_rules())
    taken = {(rule.rule, method) for rule in before for method in rule.methods or ()}
    alone = QuartTrio("pillion_runtime", static_folder=None)
    try:
        for blueprint in answer:
            if blueprint.name in app.blueprints:
                return f"It brings a blueprint {blueprint.name!r}, and there is one of that name."
            app.register_blueprint(blueprint)
            if not described:
                alone.register_blueprint(blueprint)
        if not described:
            openapi.document(alone)
    except Exception as error:  # a plugin's fault is its own
        return f"Its routes can't be registered: {error}."
    older = {id(rule) for rule in before}
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            if id(rule) not in older and (rule.rule, method) in taken:
                return f"It brings a route {method} {rule.rule}, which exists already."
    return ""
