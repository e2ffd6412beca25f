"""Where a page is: an address taken apart once, strictly, so that nobody after it can read it another way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal
from urllib.parse import quote, urljoin, urlsplit

import idna
from msgspec import Struct

from pillion import ToolError

LONGEST = 4000
"""Characters of an address."""
DEFAULT = {"http": 80, "https": 443}
_ODD = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")
"""What programs of the C library take for an IPv4 address, in whatever spelling."""
_PATH, _QUERY = "/%:@!$&'()*+,;=~-._", "/%:@!$&'()*+,;=~-._?[]|^`{}"


class BadAddress(ToolError):
    """This is no address of a page, or an odd spelling of one."""

    code = "address"


class Place(Struct, frozen=True):
    """`host` is a name in ASCII, without a last dot, or an address without brackets; `target` is path and query."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    target: str

    @property
    def ip(self) -> IPv4Address | IPv6Address | None:
        """Where the host is no name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """As the Host header has it: the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    def covered(self, patterns: Iterable[str]) -> bool:
        """By one that names its host, a domain that it is in (`*.example.org`), or with `:PORT` that port alone."""
        for pattern in patterns:
            host, port = _with_port(pattern)
            if port in (None, self.port) and (self.host == host or (host[:2] == "*." and self.host.endswith(host[1:]))):
                return True
        return False


def place_of(url: str, base: Place | None = None) -> Place:
    """The place that `url` names, seen from `base`. Raises BadAddress."""
    url = url.strip(" ")
    if len(url) > LONGEST:
        raise BadAddress(f"The address has {len(url):,} characters; {LONGEST:,} are allowed.")
    if _ODD.search(url):
        raise BadAddress("The address has white space, a backslash or a control character in it.")
    try:
        if base is not None:
            url = urljoin(base.url, url)
        split = urlsplit(url)
        port = split.port
    except ValueError as error:
        raise BadAddress(f"This is no address: {error}.") from None
    if split.scheme not in ("http", "https"):
        raise BadAddress("Only pages of http:// and https:// can be fetched.")
    if "@" in split.netloc:
        raise BadAddress("An address with a user name or password in it is not fetched.")
    host = _bracketed(split.netloc) if "[" in split.netloc else _host(split.hostname or "")
    scheme: Literal["http", "https"] = "https" if split.scheme == "https" else "http"
    if port == 0:
        raise BadAddress("There is no port 0.")
    target = quote(split.path or "/", safe=_PATH)
    if split.query:
        target += f"?{quote(split.query, safe=_QUERY)}"
    return Place(scheme, host, port or DEFAULT[scheme], target)


def _bracketed(netloc: str) -> str:
    found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::\d*)?", netloc)
    try:
        return str(IPv6Address(found[1] if found else ""))
    except ValueError:
        raise BadAddress("This is no IPv6 address.") from None


def _host(host: str) -> str:
    """In lower case and ASCII, with every spelling but the plain one refused."""
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise BadAddress("The host's name is none.") from None
    host = host.lower().removesuffix(".")
    if _NUMBER.fullmatch(host):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise BadAddress(f"{host[:60]} is an odd spelling of an address; four decimal numbers are not.") from None
    if not _NAME.fullmatch(host):
        raise BadAddress("The host's name is none.")
    return host


def _with_port(pattern: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(.*?):(\d{1,5})", pattern) if pattern.count(":") == 1 or "]:" in pattern else None
    host = found[1] if found else pattern
    return host.strip("[]").lower(), int(found[2]) if found else None


def check(pattern: str) -> str:
    """What is the matter with a pattern of the settings; empty: nothing."""
    host, port = _with_port(pattern)
    if port is not None and not 0 < port < 65536:
        return "its port is none"
    try:
        known = place_of(f"http://[{host}]" if ":" in host else f"http://{host.removeprefix('*.')}").host
    except BadAddress as error:
        return str(error)
    return "" if known == host.removeprefix("*.") else f"write it as {known}"
