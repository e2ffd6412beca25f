"""One error tree. A class is named for what its catcher can do.

PillionError
├── ConfigError        a person mends the settings; names plugin and key, and the way out
│   └── MissingLibrary  install what it names; the plugin's state is `missing`
├── NotFound           ask for something that exists
├── BadCursor          begin at the start, or where a page said
├── Conflict           somebody was first: look again, then decide
│   ├── OwnedElsewhere  another process has the session: ask that one, or end it
│   ├── Stale          it is not what the request takes it for: read it again
│   └── NeedsRestart   it can't change while the server runs; the settings can
├── Gone               it was there, and its time is over
├── Busy               come back later; a bounded queue is full
├── Denied             not allowed; a policy, a person or a deadline said no
├── ToolError          the model reads it and tries another way
│   ├── SetAside       a person said something first, or no call was wanted; the call was not run
│   ├── OutsideWorkspace
│   ├── ProtectedPath  a person may change the setting that it names
│   ├── NoSuchFile     look for it, or make it
│   ├── NotAFile       it is a folder, or something that has no content to read
│   ├── NotText        take its bytes as they are
│   └── FileTooLarge   take another way to what is wanted of it
├── ProviderError      the model's side failed
│   ├── ProviderBusy   wait `retry_after` seconds, then ask again
│   ├── ProviderDown   ask again soon, or another provider
│   ├── ProviderRefused  a person must mend key or rights
│   │   ├── QuotaSpent   a person must pay, or wait for the next month
│   │   └── WrongBaseUrl  a person must mend the address
│   ├── ModelNotFound  ask another model
│   ├── ContextOverflow  make the conversation shorter
│   ├── RequestTooLarge  send less in one request: smaller pictures, shorter outputs
│   ├── ContentFiltered  say it in another way
│   ├── NoModelAnswers  each model of the role failed; says why of each
│   └── BadRequest     the request can't work as it is
├── BadExport          the file is no whole export of sessions; names the line
├── BadSchema          a prompt's JSON Schema can't be checked; names the place
├── BadAnswer          the model gave no JSON that fits the prompt's schema, asked twice
├── BudgetSpent        the turn ends at its limit, or its budget
├── NotShorter         a conversation can't be made shorter: it is sent as it is
├── Stuck              the turn ends, since it goes in circles
├── HeldUp             raised inside a plugin's code that keeps the event loop from turning: let go
├── LostLease          another process owns the session now: let go
├── TooLarge           make it smaller
└── StoreFailed        the store can't keep things at the moment
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .values import Rate


class PillionError(Exception):
    """`code` is its name for programs, `status` its HTTP status; `retryable`: may the same request work later?"""

    code = "error"
    status = 500
    retryable = False


class ConfigError(PillionError):
    """A setting is wrong. `plugin` and `key` say where, `hint` the way out; `path` is the whole dotted key."""

    code = "config"
    status = 422

    def __init__(self, message: str, *, plugin: str = "", key: str = "", hint: str = "", path: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.plugin, self.key, self.hint = plugin, key, hint
        self.path = path or (f"plugins.{plugin}" if plugin and "." not in key else key)


class MissingLibrary(ConfigError):
    """A plugin needs something that is not installed; `hint` is the command that brings it."""

    code = "missing_library"


class NotFound(PillionError):
    """Nothing has that name."""

    code = "not_found"
    status = 404


class BadCursor(PillionError):
    """No place in a log or a list: those are `41`, `41.7`, `latest`, or what a page gave."""

    code = "bad_cursor"
    status = 400


class Conflict(PillionError):
    """Somebody was first."""

    code = "conflict"
    status = 409


class OwnedElsewhere(Conflict):
    """Another process has the session open. It says which one, and the way out."""

    code = "owned_elsewhere"
    retryable = True


class NeedsRestart(Conflict):
    """It can't change while the server runs; the settings can, for the next start."""

    code = "needs_restart"


class Stale(Conflict):
    """What is to be replaced is another one by now than the request names."""

    code = "precondition_failed"
    status = 412


class Gone(PillionError):
    """It was there, and its time is over."""

    code = "gone"
    status = 410


class Busy(PillionError):
    """A bounded queue is full. `retry_after` is in seconds."""

    code = "busy"
    status = 429
    retryable = True

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Denied(PillionError):
    """A policy, a person or a deadline said no."""

    code = "denied"
    status = 403


class ToolError(PillionError):
    """What a tool says to the model when it can't do what was asked. Any plugin may raise it."""

    code = "tool"
    status = 422


class SetAside(ToolError):
    """The call was not run: a person said something first, or none was wanted in this step."""

    code = "set_aside"


class OutsideWorkspace(ToolError):
    """A path leads out of the workspace."""

    code = "outside_workspace"


class ProtectedPath(ToolError):
    """What lies there is not read, or not written: it may hold keys, makes programs run, or is Pillion's own."""

    code = "protected_path"
    status = 403


class NoSuchFile(ToolError):
    """Nothing in the workspace has that path."""

    code = "no_such_file"
    status = 404


class NotAFile(ToolError):
    """A folder, a named pipe, a socket, a device: no regular file."""

    code = "not_a_file"


class NotText(ToolError):
    """A file's content is no text, or not in the encoding that it seems to have."""

    code = "not_text"


class FileTooLarge(ToolError):
    """A file has more bytes than are read at once."""

    code = "file_too_large"


class ProviderError(PillionError):
    """The model's side failed."""

    code = "provider"
    status = 502


class ProviderBusy(ProviderError):
    """Too many requests, or overloaded. `retry_after`: seconds the vendor asks for, None when it does not say.

    `rates` is what it said that it takes of the key.
    """

    code = "provider_busy"
    status = 503
    retryable = True

    def __init__(self, message: str, retry_after: float | None = None, rates: Sequence[Rate] = ()) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.rates = tuple(rates)


class ProviderDown(ProviderError):
    """Unreachable, silent, cut in mid-stream, or an error of its own."""

    code = "provider_down"
    status = 502
    retryable = True


class ProviderRefused(ProviderError):
    """The vendor refuses the key or its rights. Asking again does not help."""

    code = "provider_refused"


class QuotaSpent(ProviderRefused):
    """The account has no money or quota left. It is not a limit that passes in a minute: that is ProviderBusy."""

    code = "quota_spent"


class WrongBaseUrl(ProviderRefused):
    """What answers at the address is no such API."""

    code = "wrong_base_url"


class ModelNotFound(ProviderError):
    """The vendor has no model of that name, or none for this key."""

    code = "model_not_found"


class ContextOverflow(ProviderError):
    """The conversation is longer than the model can read."""

    code = "context_overflow"


class RequestTooLarge(ProviderError):
    """The request has too many bytes, or more tokens than the vendor takes at once from this account."""

    code = "request_too_large"


class ContentFiltered(ProviderError):
    """The vendor's filter stopped the request, or the answer."""

    code = "content_filtered"


class NoModelAnswers(ProviderError):
    """Each model of a role was asked, and none could answer. `errors` are theirs, in order."""

    code = "no_model_answers"

    def __init__(self, message: str, errors: Sequence[PillionError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)
        self.retryable = any(error.retryable for error in self.errors)


class BadRequest(ProviderError):
    """The vendor found the request wrong; its own words are the message."""

    code = "bad_request"


class BadExport(PillionError):
    """A file is no whole export of sessions. `line` is the number of the line that can't be, from 1."""

    code = "bad_export"
    status = 422

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"Line {line}: {message}")
        self.line = line


class BadSchema(PillionError):
    """The JSON Schema of an answer can't be checked. `at` is the place in it: `.properties.age.pattern`."""

    code = "bad_schema"
    status = 422

    def __init__(self, at: str, message: str) -> None:
        super().__init__(f"schema{at}: {message}" if at else message)
        self.at, self.said = at, message


class BadAnswer(PillionError):
    """The model gave no JSON that fits the prompt's schema, not even when it was told why."""

    code = "bad_answer"
    status = 502


class BudgetSpent(PillionError):
    """A limit of the turn is reached; `limit` is `steps`, `seconds`, `tokens` or `cost`, or the name of a budget that a
    plugin keeps. The turn's reason is then `limit:` and that."""

    code = "budget"
    status = 402

    def __init__(self, limit: str, message: str = "") -> None:
        super().__init__(message or f"The limit of {limit} is reached.")
        self.limit = limit


class NotShorter(PillionError):
    """A conversation could not be made shorter: what was made of it is empty, or no less."""

    code = "not_shorter"
    status = 409


class Stuck(PillionError):
    """The same call brought the same result again and again."""

    code = "stuck"


class HeldUp(PillionError):
    """A plugin's code kept the event loop from turning, and was interrupted where it stood."""

    code = "held_up"


class LostLease(PillionError):
    """Another process owns the session now."""

    code = "lost_lease"
    status = 409


class TooLarge(PillionError):
    """More than is kept in one place."""

    code = "too_large"
    status = 413


class StoreFailed(PillionError):
    """The store can't keep things at the moment."""

    code = "store_failed"
    status = 503
    retryable = True
