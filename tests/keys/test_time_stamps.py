"""What an authority answers: it holds, or the reason that it does not has a name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import tsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import decode_timestamp_response

from keys.errors import TimeStampError, TimeStampInvalidError, TimeStampUnreadableError, TimeStampUntrustedError
from keys.time_stamps import read, verified
from tests.ledger.stamper import response_of
from tests.simulators.openssl_authority import OpenSSLAuthority, needs_openssl
from tests.simulators.time_stamp_authority import TimeStampAuthority

MESSAGE = b"log.example/test\n5\n"
UNREADABLE, INVALID, UNTRUSTED = TimeStampUnreadableError, TimeStampInvalidError, TimeStampUntrustedError


@pytest.fixture(scope="module", params=[TimeStampAuthority, pytest.param(OpenSSLAuthority, marks=needs_openssl)])
def authority(request: pytest.FixtureRequest) -> TimeStampAuthority:
    made: TimeStampAuthority = request.param()
    return made


def test_a_good_answer_says_when(authority: TimeStampAuthority) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    response = response_of(authority, MESSAGE)
    said = verified(response, MESSAGE, authority.anchors, decode_timestamp_response(response).tst_info.nonce)
    assert before <= said.time <= datetime.now(UTC)
    assert said == read(response, MESSAGE)
    assert said.token in response


def test_an_answer_to_another_request_or_of_something_else_is_invalid(authority: TimeStampAuthority) -> None:
    response = response_of(authority, MESSAGE)
    with pytest.raises(INVALID, match="imprint"):
        read(response, MESSAGE + b"6")
    with pytest.raises(INVALID, match="imprint"):
        verified(response, MESSAGE + b"6", authority.anchors)
    with pytest.raises(INVALID, match="Nonce"):
        verified(response, MESSAGE, authority.anchors, 1)


def test_who_answers_must_be_under_the_roots(authority: TimeStampAuthority) -> None:
    with pytest.raises(UNTRUSTED, match="none of the given roots"):
        verified(response_of(authority, MESSAGE), MESSAGE, TimeStampAuthority("Somebody else").anchors)
    # A root of the same name with another key vouches for nobody either.
    with pytest.raises((UNTRUSTED, INVALID)):
        verified(response_of(authority, MESSAGE), MESSAGE, type(authority)().anchors)


def ago(years: int) -> Callable[[dict[str, Any]], None]:
    return lambda said: said.update(gen_time=said["gen_time"] + timedelta(days=365 * years))


def other_hash(said: dict[str, Any]) -> None:
    algorithm = {"hash_algorithm": {"algorithm": "sha512"}, "hashed_message": bytes(64)}
    said["message_imprint"] = tsp.MessageImprint(algorithm)


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        ({"twist": ago(-1)}, INVALID),
        ({"twist": ago(20)}, INVALID),
        ({"twist": other_hash}, INVALID),
        ({"critical": False}, INVALID),
        ({"usage": ExtendedKeyUsageOID.EMAIL_PROTECTION}, INVALID),
        ({"granted": "rejection"}, INVALID),
        ({"spoil": lambda answer: answer[:-1] + bytes([answer[-1] ^ 1])}, INVALID),
        ({"spoil": lambda _: b"<html>Buy now</html>"}, UNREADABLE),
        ({"spoil": lambda _: b""}, UNREADABLE),
        ({"spoil": lambda answer: answer[:-1]}, UNREADABLE),
        ({"spoil": lambda answer: answer + b"\0"}, UNREADABLE),
    ],
    ids=["before", "expired", "hash", "critical", "usage", "rejected", "forged", "garbage", "nothing", "cut", "more"],
)
def test_each_lie_has_its_name(lie: dict[str, Any], error: type[TimeStampError]) -> None:
    liar = TimeStampAuthority(**lie)
    with pytest.raises(error):
        verified(response_of(liar, MESSAGE), MESSAGE, liar.anchors)


def test_no_changed_byte_makes_it_say_something_else() -> None:
    """Some bytes are not signed (of certificates that nobody needs, say); none of them says anything."""
    authority = TimeStampAuthority()
    response = response_of(authority, MESSAGE)
    said, refused = read(response, MESSAGE), 0
    for at in range(0, len(response), 3):
        changed = response[:at] + bytes([response[at] ^ 1]) + response[at + 1 :]
        try:
            assert verified(changed, MESSAGE, authority.anchors).time == said.time
        except TimeStampError:
            refused += 1
    assert refused > len(response) / 3 * 0.9


def test_roots_that_are_none_are_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="PEM"):
        verified(b"", MESSAGE, "")
