"""What the client or the network raise, as Pillion's ProviderErrors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from pillion.errors import ProviderDown
from pillion.vendorfaults import failure, reported


@contextmanager
def translated(vendor: str, hint: str) -> Iterator[None]:
    """Errors of the openai client, of httpx2 and of decoding become ProviderErrors; `hint` helps with a refused key."""
    import httpx2
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        response = error.response
        raise failure(vendor, reported(error.status_code, response.content, response.headers), hint) from error
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        cause = error.__cause__ or error
        raise ProviderDown(f"{vendor}: the connection failed ({type(cause).__name__}: {cause}).") from error
    except msgspec.DecodeError as error:
        raise ProviderDown(f"{vendor} sent a piece that can't be read: {error}.") from error
