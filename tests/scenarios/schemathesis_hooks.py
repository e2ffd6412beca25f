"""For schemathesis: paths lead to a session that exists, and answers are held against all that the server says of them.

Its command line loads this file; the environment says which session, and where the server's descriptions are.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import schemathesis
from tests.contract import STREAMS, contract

SESSION = os.environ["FUZZ_SESSION"]
CONTRACT = contract(*(Path(os.environ["FUZZ_FOLDER"], name).read_bytes() for name in ("openapi.json", "events.json")))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Most paths get a session or a plugin that exists; never the one that would end it."""
    ends_it = (case.method, case.path) == ("DELETE", "/api/sessions/{id}")
    if case.path.startswith("/api/sessions/{id}") and not ends_it and len(str(case.path_parameters["id"])) % 3:
        case.path_parameters["id"] = SESSION
    if case.path == "/api/plugins/{name}":
        name = str(case.path_parameters["name"])
        if len(name) % 3 or name.isidentifier():  # it may be a plugin whose routes are tried next
            case.path_parameters["name"] = "edit"


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """A body without a schema: whatever value it makes up, as a line."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


@schemathesis.check
def as_described(context: Any, response: Any, case: Any) -> None:
    """Status, content type and body, with no room for what is not described."""
    headers = {name.lower(): values[0] for name, values in response.headers.items()}
    streams = headers.get("content-type", "").partition(";")[0] in STREAMS
    request = response.request
    path = unquote(urlsplit(request.url).path)
    CONTRACT.check(request.method, path, response.status_code, headers, None if streams else response.content)
