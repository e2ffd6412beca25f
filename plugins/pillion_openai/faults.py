"""What the client or the network raise, as Pillion's ProviderErrors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from pillion.errors import ProviderBusy, ProviderDown
from pillion.keys import Key
from pillion.vendorfaults import failure, reported

from .rates import rates


@contextmanager
def translated(vendor: str, key: Key) -> Iterator[None]:
    """Errors of the openai client, of httpx2 and of decoding become ProviderErrors."""
    import httpx2
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        response = error.response
        if error.status_code == 401:
            key.refused()
        fault = failure(vendor, reported(error.status_code, response.content, response.headers), key.hint)
        if isinstance(fault, ProviderBusy):
            fault.rates = rates(response.headers)
        raise fault from error
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        cause = error.__cause__ or error
        raise ProviderDown(f"{vendor}: the connection failed ({type(cause).__name__}: {cause}).") from error
    except msgspec.DecodeError as error:
        raise ProviderDown(f"{vendor} sent a piece that can't be read: {error}.") from error
