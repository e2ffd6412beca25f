"""Which of the forms that a route can answer in the client likes best."""

from __future__ import annotations

from quart import request

from .problems import Refused


def preferred(*offered: str) -> str:
    """By the request's Accept header with its q-values; of equals the first. Raises Refused 406 when it wants none."""
    if not request.headers.get("Accept"):
        return offered[0]
    liked = {media_type: request.accept_mimetypes.quality(media_type) for media_type in offered}
    best = max(offered, key=liked.__getitem__)
    if liked[best] <= 0:
        raise Refused(406, f"This is answered as {', '.join(offered)}, and the header Accept wants none of them.")
    return best
