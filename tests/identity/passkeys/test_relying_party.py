from __future__ import annotations

import pytest

from identity.passkeys.errors import RelyingPartyError
from identity.passkeys.relying_party import RelyingParty, relying_party


@pytest.mark.parametrize(
    ("url", "name", "origin"),
    [
        ("https://sigillo.example", "sigillo.example", "https://sigillo.example"),
        ("https://sigillo.example:443", "sigillo.example", "https://sigillo.example"),
        ("https://sigillo.example:8443", "sigillo.example", "https://sigillo.example:8443"),
        ("http://127.0.0.1:8080", "localhost", "http://localhost:8080"),
        ("http://[::1]:8080", "localhost", "http://localhost:8080"),
        ("http://localhost:80", "localhost", "http://localhost"),
    ],
)
def test_a_host_and_an_origin_as_browsers_write_them(url: str, name: str, origin: str) -> None:
    assert relying_party(url) == RelyingParty(name, origin)


@pytest.mark.parametrize("url", ["https://192.0.2.1", "https://[2001:db8::1]:8443"])
def test_an_address_has_no_passkeys(url: str) -> None:
    with pytest.raises(RelyingPartyError, match="SIGILLO_PUBLIC_URL"):
        relying_party(url)
