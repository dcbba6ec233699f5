"""What lies in the open, and every way of writing what does not."""

from __future__ import annotations

import pytest

from api.outside.public_address import is_public


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700::1111"])
def test_what_anybody_reaches(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "100.64.0.1", "169.254.169.254", "172.16.0.1"),
        *("172.31.255.255", "192.168.1.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255"),
        *("::", "::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1"),
        # An IPv4 address in the clothes of an IPv6 one: mapped, compatible, translated, NAT64 (two), 6to4, Teredo.
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::7f00:1", "2002:7f00:1::1", "2001:0:7f00:1::1", "2606:4700::1111%eth0"),
        # No addresses at all, though some would take them for one.
        *(
            "",
            "localhost",
            "0x7f000001",
            "017700000001",
            "127.1",
            "2130706433",
            "127.0.0.1.",
            " 127.0.0.1",
            "127.0.0.01",
        ),
    ],
)
def test_what_is_ours_or_nobodys(address: str) -> None:
    assert not is_public(address)
