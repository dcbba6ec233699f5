"""Trust lists as files: what is taken whole, what is refused by its place, what is worth a warning."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from keys.certificates import development_ca
from provenance.errors import TrustListError, TrustPolicyError
from provenance.trust_list import (
    MAX_ANCHORS,
    MAX_CHARACTERS,
    TRUSTED,
    ListName,
    TrustList,
    changes,
    read,
    require_newer,
)
from tests.provenance.house import House
from tests.simulators.outside_ca import OutsideCA

DAY = datetime(2026, 8, 14, tzinfo=UTC)
NOW = datetime(2026, 11, 29, tzinfo=UTC)
HERE = Path(__file__).parents[1] / "vectors" / "c2pa-trust-list"
BROKEN = "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n"


def authority(name: str, began: datetime = DAY) -> str:
    """A root of ten years."""
    return OutsideCA(began, name, levels=0).root


ACME, BRAVO = authority("Acme"), authority("Bravo")


def plain(text: str, dated: datetime | None = DAY, name: ListName = ListName.OWN) -> TrustList:
    return read(name, text, dated, NOW, development=False)


def published(*services: tuple[str, str], scheme: str = "C2PA Trust List", issued: str = "2026-08-14T00:00:00Z") -> str:
    """A list as C2PA writes them; a service is a status and a PEM certificate."""
    listed = [
        {
            "ServiceInformation": {
                "ServiceDigitalIdentity": {"X509Certificates": [{"val": "".join(pem.split("\n")[1:-2])}]},
                "ServiceStatus": status,
            }
        }
        for status, pem in services
    ]
    about = {"SchemeName": [{"lang": "en", "value": scheme}], "ListIssueDateTime": issued}
    whole = {"ListAndSchemeInformation": about, "TrustedEntitiesList": [{"TrustedEntityServices": listed}]}
    return json.dumps({"LoTE": whole})


@pytest.mark.parametrize(
    ("name", "file", "count"), [(ListName.C2PA, "C2PA-TRUST-LIST", 30), (ListName.C2PA_TSA, "C2PA-TSA-TRUST-LIST", 22)]
)
def test_both_forms_of_the_official_lists_are_taken_and_say_the_same(name: ListName, file: str, count: int) -> None:
    pem, document = ((HERE / f"{file}.{form}").read_text() for form in ("pem", "json"))
    one, other = plain(pem, DAY, name), plain(document, None, name)
    assert len(one.certificates) == count
    assert one.certificates == other.certificates
    assert (other.issued[:10], other.next_update[:10]) == ("2026-08-05", "2027-08-05")
    assert not one.warnings + other.warnings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no certificate in it"),
        ("just words", "no certificate in it"),
        (ACME + BROKEN + BRAVO, "certificate 2 in it is broken"),
        (ACME + BRAVO[:-30], "cut or pasted badly"),
        (ACME[:300] + BRAVO, "cut or pasted badly"),
        (ACME + BRAVO.replace(" CERTIFICATE", " TRUSTED CERTIFICATE"), "TRUSTED CERTIFICATE in it"),
        (ACME + "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----", "private key"),
        (" " * (MAX_CHARACTERS + 1), "more than"),
        (ACME * (MAX_ANCHORS + 1), "more than"),
        ("{", "not JSON"),
        ("{}", "LoTE"),
        ('{"LoTE": ' + "[" * 100_000, "not JSON"),
        (published((TRUSTED, ACME), issued="yesterday"), "ListIssueDateTime"),
        (published((TRUSTED, ACME), issued="2026-12-24T00:00:00Z"), "has not come yet"),
        (published((TRUSTED, BROKEN)), "certificate 1 in it is broken"),
        (published(("http://c2pa.org/conformance/trust-list/untrusted", ACME)), "no certificate in it"),
    ],
)
def test_what_is_no_list_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(TrustListError, match=said):
        plain(text, name=ListName.C2PA)


@pytest.mark.parametrize("text", [ACME, published((TRUSTED, ACME))], ids=["PEM", "JSON"])
def test_what_an_editor_puts_before_a_list_is_passed_over_and_counts_in_its_digest(text: str) -> None:
    found = plain("\ufeff" + text, name=ListName.C2PA)
    assert found.certificates == plain(text, name=ListName.C2PA).certificates
    assert found.digest == sha256(b"\xef\xbb\xbf" + text.encode()).hexdigest()


def test_a_pem_list_has_to_be_dated() -> None:
    with pytest.raises(TrustListError, match="--dated"):
        plain(ACME, None)
    with pytest.raises(TrustListError, match="has not come yet"):
        plain(ACME, NOW + timedelta(days=1))


def test_a_list_for_time_stamps_is_not_taken_for_one_of_signers() -> None:
    text = published((TRUSTED, ACME), scheme="C2PA TSA Trust List")
    with pytest.raises(TrustListError, match="c2pa-tsa, not c2pa"):
        plain(text, name=ListName.C2PA)
    assert plain(text, name=ListName.C2PA_TSA).name.for_stamps


def test_who_is_no_authority_is_refused_by_place(house: House) -> None:
    with pytest.raises(TrustPolicyError, match=r"certificate 2: .*not a certificate authority"):
        plain(ACME + house.signer.chain)


def test_a_development_ca_is_on_no_list_but_of_development() -> None:
    made = development_ca(DAY)
    for certificate in (made.root, made.intermediate):
        pem = certificate.public_bytes(Encoding.PEM).decode()
        with pytest.raises(TrustPolicyError, match="development CA"):
            plain(ACME + pem)
        assert read(ListName.OWN, pem, DAY, NOW, development=True).certificates


def test_what_is_odd_and_harmless_is_a_warning() -> None:
    ended, early = authority("Ended", datetime(2016, 1, 1, tzinfo=UTC)), authority("Early", NOW + timedelta(days=9))
    withdrawn = ("http://c2pa.org/conformance/trust-list/untrusted", BRAVO)
    found = plain(published(*((TRUSTED, pem) for pem in (ACME, ended, ACME, early)), withdrawn), name=ListName.C2PA)
    assert len(found.certificates) == 3, "each once, and none that was withdrawn"
    said = (
        "1 of its entries",
        "certificate 2 ('CN=Ended root') ended",
        "certificate 3 ('CN=Acme root') is listed twice",
    )
    for begins, warning in zip((*said, "certificate 4 ('CN=Early root') is not valid"), found.warnings, strict=True):
        assert warning.startswith(begins)


def test_changes_are_by_fingerprint_and_none_goes_back() -> None:
    namesake = authority("Acme")
    before, after = plain(ACME + BRAVO), plain(BRAVO + namesake, DAY + timedelta(days=1))
    made = changes(before, after)
    assert [one.subject for one in made.added] == [one.subject for one in made.removed] == ["CN=Acme root"]
    assert changes(None, before).added == before.certificates
    assert changes(before, None).removed == before.certificates
    require_newer(before, after)
    require_newer(before, before)
    require_newer(None, before)
    with pytest.raises(TrustListError, match="2026-08-15"):
        require_newer(after, before)
