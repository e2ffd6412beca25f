"""Overlays: texts that are unsaved in an editor, which win over the disk."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion.errors import NotFound
from pillion.overlay import LARGEST, Overlay, place_of
from pillion.session import Session

from .. import conditions
from ..bodies import Listed, answer, nothing, read
from ..described import described
from ..host import Host

PATH = {"path": "The file, relative to the session's workspace."}


class NewOverlay(Struct, frozen=True, forbid_unknown_fields=True):
    """PUT …/overlays/{path}. `version` is the editor's own number of this text, given back in `file.edit_wanted`."""

    text: Annotated[str, Meta(max_length=LARGEST)]
    version: int | None = None


class OverlayView(Struct, frozen=True):
    """An unsaved text: `hash` is SHA-256 (hex) of it in UTF-8, `size` its bytes."""

    path: str
    version: int | None
    hash: str
    size: int


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("overlays", __name__, url_prefix="/api/sessions/<id>/overlays")

    @routes.get("")
    @described(answers={200: Listed[OverlayView]})
    async def list_overlays(id: str) -> Response:
        """The session's unsaved texts, by path."""
        session = await host.kernel.session(id)
        return answer(Listed([_view(overlay) for overlay in session.overlays.all()]))

    @routes.put("/<path:path>")
    @described(
        path=PATH,
        body=NewOverlay,
        headers={"if-match": "The hash that the text must have now; `*`: there must be one."},
        answers={200: OverlayView, 201: OverlayView},
        sends={"etag": "The text's hash."},
        errors=(412, 429),
        example={"text": "print('not saved yet')\n", "version": 7},
    )
    async def put_overlay(id: str, path: str) -> Response:
        """An editor's unsaved text: from now on reads and searches of this session see it instead of the disk.

        What a tool writes to the file does not reach the disk: it comes back as the event `file.edit_wanted`. It counts
        until it is deleted, or the session or the server ends; nothing of it is kept in the log.
        """
        wanted = await read(NewOverlay)
        session = await host.kernel.session(id)
        place = await _place(host, session, path)
        before = session.overlays.get(place)
        conditions.check(before.hash if before else None)
        overlay = Overlay.of(place, wanted.text, wanted.version)
        session.overlays.put(overlay)
        return answer(_view(overlay), 200 if before else 201, {"etag": f'"{overlay.hash}"'})

    @routes.delete("/<path:path>")
    @described(
        path=PATH,
        headers={"if-match": "The hash that the text must have now."},
        answers={204: None},
        errors=(412,),
    )
    async def delete_overlay(id: str, path: str) -> Response:
        """The editor saved the text, or closed it: the disk counts again."""
        session = await host.kernel.session(id)
        place = await _place(host, session, path)
        known = session.overlays.get(place)
        conditions.check(known.hash if known else None)
        if session.overlays.drop(place) is None:
            raise NotFound(f"No text of {path} is unsaved.")
        return nothing()

    return routes


async def _place(host: Host, session: Session, path: str) -> str:
    """Raises OutsideWorkspace."""
    return await place_of(host.kernel.catalog.workspace(session.info.workspace), path)


def _view(overlay: Overlay) -> OverlayView:
    return OverlayView(overlay.path, overlay.version, overlay.hash, len(overlay.text.encode()))
