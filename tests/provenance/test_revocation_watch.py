"""Sources of revocations: what is asked, kept, passed over, and how an outage ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from keys.clock import system_entropy
from keys.errors import KeyStoreDownError, RevocationRefusedError
from keys.revocation import IssuerAndSerial, Revocation
from provenance.revocation_watch import (
    INTERVAL,
    MAX_ANSWER_BYTES,
    RETRY,
    ListSource,
    ResponderSource,
    Watch,
    fetch,
)
from tests.ledger.world import HeldClock
from tests.simulators.certificate_authority import DAY, CertificateAuthority, Listed, Publication, publishing


@pytest.fixture
def authority() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture
def clock(authority: CertificateAuthority) -> HeldClock:
    return HeldClock(authority.now)


@pytest.fixture
def published(authority: CertificateAuthority) -> Iterator[Publication]:
    """The authority's list, where it publishes it."""
    with publishing(lambda _: authority.listing({})) as publication:
        yield publication


def listed(authority: CertificateAuthority, get: Callable[[], bytes], folder: Path) -> ListSource:
    return ListSource("the list", get, lambda: [authority.issuer], folder / "kept" / "list.crl")


def told(watch: Watch) -> list[Revocation]:
    return list(watch.revocations())


def name(authority: CertificateAuthority) -> IssuerAndSerial:
    return IssuerAndSerial.of(authority.leaf)


def revoking(authority: CertificateAuthority, number: int) -> bytes:
    return authority.listing({authority.leaf.serial_number: Listed(authority.now)}, number=number)


def test_a_list_is_asked_for_again_when_it_is_due(
    authority: CertificateAuthority, published: Publication, clock: HeldClock, tmp_path: Path
) -> None:
    watch = Watch([listed(authority, partial(fetch, published.url), tmp_path)], clock)
    watch.refresh()
    assert (told(watch), watch.good_until(authority.leaf)) == ([], authority.now + DAY)
    published.answer = lambda _: revoking(authority, 2)
    watch.refresh()
    assert (told(watch), len(published.asked)) == ([], 1)
    clock.move(INTERVAL)
    watch.refresh()
    assert [one.certificate for one in told(watch)] == [name(authority)]


def test_nobody_speaks_for_another_authoritys_certificates(
    authority: CertificateAuthority, published: Publication, clock: HeldClock, tmp_path: Path
) -> None:
    watch = Watch([listed(authority, partial(fetch, published.url), tmp_path)], clock)
    assert watch.silent(authority.leaf) == ("the list",)
    watch.refresh()
    assert watch.silent(authority.leaf) == ()
    other = CertificateAuthority().leaf
    assert (watch.good_until(other), watch.silent(other)) == (None, ("the list",))


def test_the_key_stores_own_list_may_have_nothing_to_say(
    authority: CertificateAuthority, clock: HeldClock, tmp_path: Path
) -> None:
    """Nobody named it; but it must have been asked."""
    source = ListSource("its own", lambda: b"", lambda: [authority.issuer], tmp_path / "own.crl", named=False)
    watch = Watch([source], clock)
    assert watch.silent(authority.leaf) == ("its own",)
    watch.refresh()
    assert watch.silent(authority.leaf) == ()


LIES: dict[str, Callable[[CertificateAuthority], bytes]] = {
    "forged": lambda _: CertificateAuthority().listing({}, number=9),
    "tampered": lambda ca: (signed := ca.listing({}, number=9))[:-1] + bytes([signed[-1] ^ 1]),
    "rolled back": lambda ca: ca.listing({}, number=1),
    "none": lambda _: b"<html>not here</html>",
}


@pytest.mark.parametrize("lie", LIES)
def test_what_proves_nothing_leaves_the_last_good_list_in_force(
    authority: CertificateAuthority, published: Publication, clock: HeldClock, tmp_path: Path, lie: str
) -> None:
    heard: list[tuple[str, str]] = []
    published.answer = lambda _: revoking(authority, 2)
    watch = Watch([listed(authority, partial(fetch, published.url), tmp_path)], clock, lambda *what: heard.append(what))
    watch.refresh()
    published.answer = lambda _: LIES[lie](authority)
    for _ in range(2):
        clock.move(INTERVAL)
        watch.refresh()
    assert [one.certificate for one in told(watch)] == [name(authority)]
    assert [who for who, _ in heard] == ["the list"], "said once, not at every round"
    assert watch.faults.keys() == {"the list"}
    published.answer = lambda _: authority.listing({7: Listed(authority.now)}, number=3)
    clock.move(RETRY)
    watch.refresh()
    assert [one.certificate.serial for one in told(watch)] == [7], "asked sooner after a failure, and believed again"
    assert watch.faults == {}


def test_another_authoritys_list_does_not_take_the_place_of_the_last_one(
    authority: CertificateAuthority, clock: HeldClock, tmp_path: Path
) -> None:
    other, lists = CertificateAuthority(), [revoking(authority, 2)]
    known = [authority.issuer, other.issuer]
    watch = Watch([ListSource("the list", lambda: lists[-1], lambda: known, tmp_path / "list.crl")], clock)
    watch.refresh()
    lists.append(other.listing({}, number=900))
    clock.move(INTERVAL)
    watch.refresh()
    assert [one.certificate for one in told(watch)] == [name(authority)], "taken back by nobody"
    assert "another authority" in watch.faults["the list"]
    lists.append(revoking(authority, 3))
    clock.move(RETRY)
    watch.refresh()
    assert watch.faults == {}, "nor can it be kept from being heard"


def test_an_outage_leaves_the_last_good_list_in_force(
    authority: CertificateAuthority, clock: HeldClock, tmp_path: Path
) -> None:
    with publishing(lambda _: revoking(authority, 1)) as published:
        url = published.url
        watch = Watch([listed(authority, partial(fetch, url), tmp_path)], clock)
        watch.refresh()
    clock.move(INTERVAL)
    watch.refresh()
    assert "no answer" in watch.faults["the list"]
    assert len(told(watch)) == 1


def test_a_kept_list_outlives_a_restart(authority: CertificateAuthority, clock: HeldClock, tmp_path: Path) -> None:
    Watch([listed(authority, lambda: revoking(authority, 2), tmp_path)], clock).refresh()

    def down() -> bytes:
        raise KeyStoreDownError("Vault does not answer")

    watch = Watch([listed(authority, down, tmp_path)], clock)
    assert len(told(watch)) == 1, "before anybody is asked"
    watch.refresh()
    assert (len(told(watch)), watch.silent(authority.leaf)) == (1, ())
    clock.move(RETRY)
    watch = Watch([listed(authority, lambda: authority.listing({}, number=1), tmp_path)], clock)
    watch.refresh()
    assert "older" in watch.faults["the list"]
    assert len(told(watch)) == 1


def test_a_kept_list_that_was_changed_counts_for_nothing(
    authority: CertificateAuthority, clock: HeldClock, tmp_path: Path
) -> None:
    source = listed(authority, lambda: authority.listing({}), tmp_path)
    Watch([source], clock).refresh()
    source.kept.write_bytes(CertificateAuthority().listing({7: Listed(authority.now)}))
    watch = Watch([listed(authority, lambda: b"", tmp_path)], clock)
    assert (told(watch), watch.silent(authority.leaf)) == ([], ("the list",))


def test_a_file_may_be_a_source(authority: CertificateAuthority, clock: HeldClock, tmp_path: Path) -> None:
    file = tmp_path / "ca.crl"
    watch = Watch([listed(authority, file.read_bytes, tmp_path)], clock)
    watch.refresh()
    assert watch.silent(authority.leaf)
    file.write_bytes(revoking(authority, 1))
    clock.move(RETRY)
    watch.refresh()
    assert len(told(watch)) == 1


@pytest.fixture
def responder(authority: CertificateAuthority) -> Iterator[Publication]:
    """A delegated responder that echoes the nonce."""
    by = authority.responder()

    def answer(asked: bytes) -> bytes:
        nonces = [one.value.nonce for one in ocsp.load_der_ocsp_request(asked).extensions if _is_nonce(one.value)]
        return authority.answer(by=by, nonce=nonces[0])

    with publishing(answer) as publication:
        yield publication


def _is_nonce(value: x509.ExtensionType) -> bool:
    return isinstance(value, x509.OCSPNonce)


def asking(authority: CertificateAuthority, url: str) -> ResponderSource:
    return ResponderSource(url, lambda: [authority.leaf, authority.issuer], system_entropy)


def test_a_responder_speaks_for_the_certificate_that_signs(
    authority: CertificateAuthority, responder: Publication, clock: HeldClock
) -> None:
    watch = Watch([asking(authority, responder.url)], clock)
    watch.refresh()
    assert (told(watch), watch.faults) == ([], {})
    assert watch.good_until(authority.leaf) == authority.now + DAY
    assert watch.good_until(CertificateAuthority().leaf) is None
    asked = ocsp.load_der_ocsp_request(responder.asked[0])
    assert asked.serial_number == authority.leaf.serial_number


def test_a_responder_says_that_it_is_revoked(
    authority: CertificateAuthority, responder: Publication, clock: HeldClock
) -> None:
    watch = Watch([asking(authority, responder.url)], clock)
    watch.refresh()
    by = authority.responder()
    responder.answer = lambda _: authority.answer(ocsp.OCSPCertStatus.REVOKED, by=by)
    clock.move(INTERVAL)
    watch.refresh()
    assert [one.certificate for one in told(watch)] == [name(authority)]


def test_an_answer_to_another_request_is_no_answer(
    authority: CertificateAuthority, responder: Publication, clock: HeldClock
) -> None:
    responder.answer = lambda _: authority.answer(by=authority.responder(), nonce=bytes(32))
    watch = Watch([asking(authority, responder.url)], clock)
    watch.refresh()
    assert "another request" in watch.faults[responder.url]
    assert watch.silent(authority.leaf) == (responder.url,)


def test_a_responder_is_asked_at_once_about_the_next_certificate_that_signs(
    authority: CertificateAuthority, responder: Publication, clock: HeldClock
) -> None:
    """Or a rotation would stop signing; and what was said of the last says nothing of it."""
    der = ec.generate_private_key(ec.SECP256R1()).public_key()
    spki = der.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    following = x509.load_pem_x509_certificate(authority.made.issue(spki, authority.now).encode())
    signing = [authority.leaf, authority.issuer]
    watch = Watch([ResponderSource(responder.url, lambda: signing, system_entropy)], clock)
    watch.refresh()
    signing[0] = following
    assert watch.silent(following) == (responder.url,)
    by, asked = authority.responder(), len(responder.asked)
    responder.answer = lambda _: authority.answer(by=by, about=following)
    watch.refresh()
    assert (watch.silent(following), len(responder.asked)) == ((), asked + 1)
    watch.refresh()
    assert len(responder.asked) == asked + 1


def test_where_nothing_signs_nobody_is_asked(responder: Publication, clock: HeldClock) -> None:
    Watch([ResponderSource(responder.url, list, system_entropy)], clock).refresh()
    assert responder.asked == []


@pytest.mark.parametrize("status", [302, 404, 500])
def test_only_a_plain_answer_is_taken(published: Publication, status: int) -> None:
    published.status = status
    with pytest.raises(RevocationRefusedError, match=str(status)):
        fetch(published.url)
    assert len(published.asked) == 1, "no redirect is followed"


def test_no_more_is_read_than_an_answer_may_have(published: Publication) -> None:
    published.answer = lambda _: bytes(MAX_ANSWER_BYTES + 1)
    with suppress(ConnectionError), pytest.raises(RevocationRefusedError, match="longer"):
        fetch(published.url)
