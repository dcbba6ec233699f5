"""Until when a verdict lasts: the next moment at which a certificate or a time-stamp may change it, or no promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from detection.memfd import Memfd
from keys.certificates import development_ca
from keys.chain import parse
from provenance.creator import CREATOR_LABEL
from provenance.lasting import NEVER, lasts_until
from provenance.signers import Signers
from provenance.stamps import SKEW, Stamps, certificates_of
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.validation import trace, trace_alone
from tests.provenance.house import House, draw
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CA = development_ca(BEGAN)
KEY = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
CHAIN = parse(CA.issue(KEY, BEGAN))
LEAF_ENDS = CHAIN[0].not_valid_after_utc


def until(
    now: datetime = BEGAN + timedelta(days=1),
    headers: tuple[dict[str, Any], ...] = ({},),
    detail: dict[str, Any] | None = None,
    chain: tuple[x509.Certificate, ...] = tuple(CHAIN),
    answer: bytes = b"",
) -> datetime | None:
    signers = Signers({"m": chain}, (CA.root,), frozenset())
    return lasts_until(detail or {}, {"m": headers}, signers, Stamps({"m": answer}, (), now))


def test_it_lasts_until_the_next_certificate_begins_or_ends() -> None:
    assert until() == LEAF_ENDS == min(one.not_valid_after_utc for one in (*CHAIN, CA.root))
    later = sorted({one.not_valid_after_utc for one in (*CHAIN, CA.root)})
    assert [until(now) for now in later] == [*later[1:], NEVER]
    assert until(BEGAN - timedelta(days=400)) == min(one.not_valid_before_utc for one in (*CHAIN, CA.root))


def test_a_time_that_has_not_come_is_a_moment() -> None:
    now = BEGAN + timedelta(days=1)
    says = {"manifests": [{"signature": {"timeStampInfo": {"timestamp": (now + timedelta(days=2)).isoformat()}}}]}
    assert until(now, detail=says) == now + timedelta(days=2) - SKEW
    assert until(now + timedelta(days=2) - SKEW, detail=says) == now + timedelta(days=2)


@pytest.mark.parametrize(
    "unsure",
    [
        {"headers": ({}, {"rVals": {"ocspVals": [b"x"]}})},
        {"headers": ({}, {"sigTst2": {"tstTokens": [{"val": b"x"}]}})},
        {"headers": ({}, {"sigTst2": {"tstTokens": [{"val": b"x"}] * 2}}), "answer": b"x"},
        {"headers": ({"sigTst": {"tstTokens": [{"val": b"x"}]}}, {"sigTst2": {}}), "answer": b"x"},
        {"headers": ({}, {"sigTst2": {"tstTokens": [{"val": b"x"}]}}), "answer": b"x"},
        {"chain": ()},
        {"detail": {"manifests": [{"assertions": {"c2pa.time-stamp": {}}}]}},
        {"detail": {"manifests": [{}, {"assertions": {CREATOR_LABEL: {}}}]}},
    ],
)
def test_nothing_is_promised_of_what_is_not_looked_at(unsure: dict[str, Any]) -> None:
    assert until(**unsure) is None


def test_a_signed_file_lasts_as_long_as_its_chain(house: House, stranger: House) -> None:
    ends = min(one.not_valid_after_utc for one in parse(house.signer.chain))
    asset = house.sign(stranger.signed(draw()))
    assert asset.descent is not None
    assert asset.descent.lasts_until == min(ends, *(one.not_valid_after_utc for one in parse(stranger.signer.chain)))
    with asset.content as file:
        assert trace(house.sandbox, file, house.trust) == asset.descent
    with Memfd.of([asset.manifest_store]) as store:
        alone = trace_alone(house.sandbox, store, house.trust)
    assert (alone.lasts_until, alone.lineage) == (asset.descent.lasts_until, asset.descent.lineage)


def test_an_authoritys_certificate_counts_too(house: House) -> None:
    with serving(TimeStampAuthority()) as authority, TimeStamps([authority.url], required=True) as time_stamps:
        trust = TrustPolicy.of({"house": house.trust.anchors}, authorities={"authority": authority.anchors})
        asset = replace(house, trust=trust, time_stamps=time_stamps).sign(draw())
        with asset.content as file:
            assert trace(house.sandbox, file, trust) == asset.descent
        answer = authority.answer(authority.asked[0])
    assert asset.descent is not None
    theirs = {one.not_valid_after_utc for one in certificates_of(answer)}
    ends = {one.not_valid_after_utc for one in parse(house.signer.chain)}
    assert asset.descent.lasts_until == min(theirs | ends | {authority.root.not_valid_after_utc})
    assert asset.descent.report.time_stamps == (asset.time_stamp,)
