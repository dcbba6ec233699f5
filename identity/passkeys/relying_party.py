"""Who we are to browsers and authenticators: a host name, and the one origin whose pages may ask for our passkeys.

A passkey is bound to the host name for ever; an IP address cannot have any (Web Authentication Level 3, section 5.1.3),
so a deployment on this machine goes by `localhost`.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from identity.passkeys.errors import RelyingPartyError

NAME: Final = "Sigillo"
LOCALHOST: Final = "localhost"
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True)
class RelyingParty:
    """As in the options of a ceremony, and as its answer must say."""

    id: str
    origin: str


def relying_party(public_url: str) -> RelyingParty:
    """Of a deployment that others reach there. Raises RelyingPartyError."""
    parts = urlsplit(public_url)
    host, scheme = _named(parts.hostname or ""), parts.scheme
    port = "" if parts.port in {None, _DEFAULT_PORTS.get(scheme)} else f":{parts.port}"
    return RelyingParty(host, f"{scheme}://{host}{port}")


def _named(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_loopback:
        raise RelyingPartyError
    return LOCALHOST
