"""Sign, let the certificate end, verify: trusted with a time-stamp, invalid without. For both key stores.

The validator goes by the machine's clock, so certificates here last seconds, and the test waits for their end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detection.sandbox import Sandbox
from keys.certificates import LEAF_DAYS, LEAF_NAME, subject_name
from keys.chain import check_chain
from keys.local import LocalKeyStore
from keys.openbao import OpenBao
from keys.rotation import rotate
from keys.signer import Algorithm, KeyRef, Purpose, Signer
from keys.vault import Vault
from keys.vault_claims import CLAIM_ROLE, VaultClaimKeys
from keys.vault_store import VaultKeyStore
from keys.vault_versions import ISSUER_MOUNT
from provenance.report import VerificationReport
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.carriers import CARRIERS
from tests.provenance.house import House
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

pytestmark = pytest.mark.openbao
LIFE = timedelta(seconds=20)
"""Of a certificate: the time to sign a file of every kind with both key stores, some times over."""

BARE = ("image/jpeg", "video/mp4")
"""Signed without a time-stamp, too."""


@dataclass(frozen=True)
class Outlived:
    """Files by media type, signed under a certificate that has ended since."""

    house: House
    stamped: dict[str, bytes]
    bare: dict[str, bytes]

    def report(self, files: dict[str, bytes], mime: str) -> VerificationReport:
        return self.house.verify(files[mime])


@contextmanager
def embedded(request: pytest.FixtureRequest) -> Iterator[tuple[Signer, str]]:
    folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("short")
    made = datetime.now(UTC) - timedelta(days=LEAF_DAYS) + LIFE
    store = LocalKeyStore.open(folder, embedded_profile=True, clock=lambda: made)
    yield store.signer(Purpose.CLAIM), store.anchors()


@contextmanager
def vault(request: pytest.FixtureRequest) -> Iterator[tuple[Signer, str]]:
    """The next version of the key, with a certificate of seconds; afterwards one that lasts."""
    openbao: OpenBao = request.getfixturevalue("openbao")
    openbao.bootstrap()
    store = VaultKeyStore(Vault(openbao.url, request.getfixturevalue("service_token")))
    claims = VaultClaimKeys(openbao.vault())
    ref = claims.make(Algorithm.ES256)
    try:
        claims.install(ref, short_chain(openbao.vault(), claims, ref), claims.roots())
        yield store.signer(Purpose.CLAIM, ref.version), store.anchors()
    finally:
        rotate(claims)


def short_chain(root: Vault, claims: VaultClaimKeys, ref: KeyRef) -> str:
    """As the store's own CA would certify a version, for LIFE."""
    data = {"common_name": LEAF_NAME, "exclude_cn_from_sans": True, "ttl": f"{round(LIFE.total_seconds())}s"}
    csr = claims.request(ref, subject_name(LEAF_NAME))
    leaf = root.write(f"{ISSUER_MOUNT}/sign/{CLAIM_ROLE}", {**data, "csr": csr})["data"]["certificate"]
    issuer = (root.read(f"{ISSUER_MOUNT}/cert/ca") or {})["data"]["certificate"]
    return f"{leaf.strip()}\n{issuer.strip()}\n"


@pytest.fixture(scope="module")
def ended(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[dict[str, Outlived]]:
    """For each key store; both are waited for at once."""
    with serving(TimeStampAuthority()) as authority, ExitStack() as stack:
        made = {store.__name__: stack.enter_context(store(request)) for store in (embedded, vault)}
        yield {name: _signed(sandbox, authority, *signing) for name, signing in made.items()}


def _signed(sandbox: Sandbox, authority: TimeStampAuthority, signer: Signer, anchors: str) -> Outlived:
    trust = TrustPolicy.of({"store": anchors}, authorities={"authority": authority.anchors})
    bare = House(sandbox, signer, trust)
    with TimeStamps([authority.url], required=True) as time_stamps:
        own = replace(bare, time_stamps=time_stamps)
        stamped = {mime: own.signed(file, mime=mime) for mime, file in CARRIERS.items()}
    unstamped = {mime: bare.signed(CARRIERS[mime], mime=mime) for mime in BARE}
    assert {bare.verify(file).verdict for file in (*stamped.values(), *unstamped.values())} == {Verdict.TRUSTED}
    return Outlived(bare, stamped, unstamped)


@pytest.fixture(params=["embedded", "vault"])
def outlived(request: pytest.FixtureRequest, ended: dict[str, Outlived]) -> Outlived:
    found = ended[request.param]
    ends = check_chain(found.house.signer.chain, found.house.signer.public_key).ends
    time.sleep(max(0, 1 + (ends - datetime.now(UTC)).total_seconds()))
    return found


@pytest.mark.parametrize("mime", CARRIERS)
def test_a_time_stamped_signature_outlives_its_certificate(outlived: Outlived, mime: str) -> None:
    report = outlived.report(outlived.stamped, mime)
    assert report.verdict is Verdict.TRUSTED
    assert {"timeStamp.validated", "timeStamp.trusted"} <= {status.code for status in report.statuses.success}
    assert report.statuses.failure == ()


@pytest.mark.parametrize("mime", BARE)
def test_one_without_ends_with_it(outlived: Outlived, mime: str) -> None:
    report = outlived.report(outlived.bare, mime)
    assert report.verdict is Verdict.INVALID
    assert "signingCredential.expired" in [status.code for status in report.statuses.failure]


def test_a_time_stamp_that_nobody_trusts_saves_nothing(outlived: Outlived) -> None:
    trust = TrustPolicy.of({"store": outlived.house.trust.anchors})
    report = replace(outlived.house, trust=trust).verify(outlived.stamped["image/jpeg"])
    assert report.verdict is Verdict.INVALID


def test_content_changed_under_a_time_stamp_is_found(outlived: Outlived) -> None:
    file = outlived.stamped["image/jpeg"]
    changed = file[:-200] + bytes([file[-200] ^ 0xFF]) + file[-199:]
    assert outlived.house.verify(changed).verdict is Verdict.INVALID
