"""The host's hooks: what a plugin may add to HTTP and to the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from pillion.hookspecs import hookspec

if TYPE_CHECKING:
    from pathlib import Path

    import click
    from quart import Blueprint

    from pillion.kernel import Kernel
    from pillion.plugins import PluginHost


class HostHooks:
    """Given to `open_kernel(hookspecs=...)`; asked plugin by plugin, as the kernel's own are."""

    @hookspec
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        """Blueprints, asked for whenever the app is built: at start, and when a plugin is switched.

        They stand behind the same door as the host's own routes: Host, Origin and token are checked before.
        A page without a content security policy of its own gets one that lets it run and load nothing.
        A blueprint whose name or rule is taken already is refused, and the plugin's state says so.

        A route says what it takes and gives in an attribute of its view function, and `/openapi.json` tells it:
        `view.openapi = {"body": NewNote, "answers": {201: Note}, "errors": (409,)}`. All of it may be left out. `body`
        and `answers` (by status) are msgspec types, or types by media type; `query` is a Struct whose fields are the
        parameters; `headers` and `sends` tell the request's and the answers' headers, `path` the parts of the path,
        each name by a sentence; `errors` are statuses from 400 on besides those that follow from the rest; `example`
        is a body, `shows` an answer, as JSON values; `body_optional` is true where none is needed. The docstring's
        first paragraph is the summary, the rest the description. One that can't be read quarantines the plugin.

        `pillion_http.routes` has what most of them need: to read a query or a JSON body, and to answer with a Struct.

        A blueprint with an attribute `problem_members`, a function of a problem as a mapping, adds the members that it
        returns to the problems of its own routes.
        """

    @hookspec
    def register_worktrees(self, kernel: Kernel) -> Callable[[str], Awaitable[str]]:
        """Makes a worktree of its own for a new session: gets the folder that was asked for, and answers with the one
        that the session is opened on. The first plugin that brings one is asked; it raises what says why it can't.
        """

    @hookspec
    def register_tokenless(self) -> Sequence[str]:
        """Paths that answer also without the token, for clients which can't know it; one that ends in `/` stands for
        all below it. Asked for whenever the app is built.

        Without the token only a program of this machine comes in: its address and the Host are loopback's, and no page
        of another origin sends it. A bearer token that is not the server's counts as none there. What those routes do
        they do for everybody who may start programs on this machine.
        """

    @hookspec
    def report_version(self) -> str:
        """The `package_version` that `GET /api/version` tells instead of Pillion's own, to clients that want one of
        another program's; "": Pillion's. The first that says one counts."""

    @hookspec
    def register_commands(self, load: Callable[[Path | None, Path | None], PluginHost]) -> Sequence[click.Command]:
        """Commands of the program, beside its own. Asked for when somebody names one that Pillion has not, or asks for
        help. A command runs in a process of its own, without a kernel: it speaks to the running server over HTTP, or to
        files. A name that is taken is left out, and the plugin's state says so.

        One that needs the other plugins calls `load(config, data_dir)` with what its options `--config` and
        `--data-dir` say: settings and plugins as a kernel would have them, and warnings go to stderr.
        """
