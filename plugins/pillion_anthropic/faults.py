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
def translated(key: Key) -> Iterator[None]:
    """Errors of the anthropic client, of httpx2 and of decoding become ProviderErrors."""
    import anthropic
    import httpx2

    try:
        yield
    except anthropic.APIStatusError as error:
        response = error.response
        if error.status_code == 401:
            key.refused()
        fault = failure("anthropic", reported(error.status_code, response.content, response.headers), key.hint)
        if isinstance(fault, ProviderBusy):
            fault.rates = rates(response.headers)
        raise fault from error
    except (anthropic.APIConnectionError, httpx2.HTTPError) as error:
        cause = error.__cause__ or error
        raise ProviderDown(f"anthropic: the connection failed ({type(cause).__name__}: {cause}).") from error
    except msgspec.DecodeError as error:
        raise ProviderDown(f"anthropic sent a piece that can't be read: {error}.") from error
