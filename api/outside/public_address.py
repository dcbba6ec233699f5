"""Which addresses lie in the open: those that nobody is reached at but on the public Internet.

Written out rather than asked of `ipaddress.is_global`, whose answer differs between versions of Python, and which calls
an address global that a translator or a tunnel turns into any other one.

IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890); RFC 4291, RFC 5771 for multicast.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

SPECIAL_V4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' own
            "127.0.0.0/8",
            "169.254.0.0/16",  # link-local; where clouds hand out credentials
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",
        ),
    )
)

GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All that is assigned for use in the open. Outside lie ::1, mapped and compatible IPv4, 64:ff9b::/96 (NAT64),
fc00::/7, fe80::/10, ff00::/8 and what has no use yet.
"""

SPECIAL_V6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Teredo, which carries an IPv4 address, and protocols' own
            "2001:db8::/32",
            "2002::/16",  # 6to4, which does, too
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether an address, as a resolver gives it, lies in the open. What is no address does not."""
    try:
        read = ip_address(address)
    except ValueError:
        return False
    if isinstance(read, IPv4Address):
        return not any(read in network for network in SPECIAL_V4)
    return _is_public_v6(read)


def _is_public_v6(address: IPv6Address) -> bool:
    in_the_open = address in GLOBAL_V6 and address.scope_id is None
    return in_the_open and not any(address in network for network in SPECIAL_V6)
