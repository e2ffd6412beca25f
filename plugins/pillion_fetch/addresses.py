"""Which IP addresses are of the public internet. All others are somebody's own, or nobody's."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_LOCAL4 = {
    "127.0.0.0/8": "this machine's own",
    "10.0.0.0/8": "private",
    "172.16.0.0/12": "private",
    "192.168.0.0/16": "private",
    "100.64.0.0/10": "inside a provider's network",
}
_NEVER4 = {
    "169.254.0.0/16": "link-local, where clouds keep their keys",
    "168.63.129.16/32": "a cloud's own",
    "100.100.100.200/32": "a cloud's own",
    "0.0.0.0/8": "none of a host",
    "192.0.0.0/24": "reserved",
    "192.0.2.0/24": "for documentation",
    "192.88.99.0/24": "reserved",
    "198.18.0.0/15": "for measurements",
    "198.51.100.0/24": "for documentation",
    "203.0.113.0/24": "for documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_LOCAL6 = {"::1/128": "this machine's own", "fc00::/7": "private"}
_NEVER6 = {
    "fd00:ec2::254/128": "a cloud's own",
    "fd20:ce::254/128": "a cloud's own",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
    "2001::/23": "reserved, or of a tunnel",
    "2001:db8::/32": "for documentation",
    "2002::/16": "of a tunnel",
    "3fff::/20": "for documentation",
}
_GLOBAL6 = IPv6Network("2000::/3")
_WITH_V4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""An IPv4 address in other clothes: mapped, and of NAT64, whose resolvers make such addresses for the public ones."""


def refused(address: Address, *, local: bool = False) -> str:
    """Why no connection is made to it; empty: it is public. `local`: the user's own networks are allowed, too.

    After the registries of special-purpose addresses of IANA (RFC 6890). What clouds answer their machines at, links,
    multicast and the reserved are never allowed.
    """
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return "of one link alone"
        for network in _WITH_V4:
            if address in network:
                return refused(IPv4Address(int(address) & 0xFFFFFFFF), local=local)
        if found := _among(address, _NEVER6):
            return found
        if found := _among(address, _LOCAL6):
            return "" if local else found
        return "" if address in _GLOBAL6 else "reserved"
    if found := _among(address, _NEVER4):
        return found
    found = _among(address, _LOCAL4)
    return "" if local else found


def parsed(text: str) -> Address:
    """Raises ValueError."""
    return ip_address(text)


def _among(address: Address, networks: dict[str, str]) -> str:
    kind = IPv4Network if isinstance(address, IPv4Address) else IPv6Network
    return next((said for network, said in networks.items() if address in kind(network)), "")
