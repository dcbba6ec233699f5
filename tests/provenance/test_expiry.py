"""Sign, let the certificate end, verify: trusted with a time-stamp, invalid without. For both key stores.

The validator goes by the machine's clock, so certificates here last seconds, and the test waits for their end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from detection.sandbox import Sandbox
from keys.bootstrap import CLAIM_ROLE
from keys.certificates import LEAF_DAYS, LEAF_NAME, check_chain
from keys.local import LocalKeyStore
from keys.openbao import OpenBao
from keys.signer import Purpose, Signer
from keys.vault import Vault
from keys.vault_signer import SIGNING_MOUNT
from keys.vault_store import ISSUER_MOUNT, VaultKeyStore
from provenance.report import VerificationReport
from provenance.time_stamps import TimeStamps
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.carriers import CARRIERS
from tests.provenance.house import House
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

LIFE = timedelta(seconds=15)
"""Of a certificate: the time to sign two files of every kind, some times over."""


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
    root, path = openbao.vault(), f"{SIGNING_MOUNT}/keys/{Purpose.CLAIM.key_name}"
    openbao.bootstrap()
    store = VaultKeyStore(Vault(openbao.url, request.getfixturevalue("service_token")))
    chain = store.signer(Purpose.CLAIM).chain
    root.write(f"{path}/rotate", {})
    version = (root.read(path) or {})["data"]["latest_version"]
    try:
        shorten(root, path, version, chain)
        yield store.signer(Purpose.CLAIM, version), store.anchors()
    finally:
        root.write(f"{path}/rotate", {})
        openbao.bootstrap()


def shorten(root: Vault, path: str, version: int, chain: str) -> None:
    """Certify a version as the bootstrap does, for LIFE; `chain` is an earlier one, for its intermediate."""
    from keys.bootstrap import _template_request

    request = root.write(f"{path}/csr", {"csr": _template_request(), "version": version})["data"]["csr"]
    data: dict[str, Any] = {"csr": request, "common_name": LEAF_NAME, "exclude_cn_from_sans": True}
    lasting = {"ttl": f"{round(LIFE.total_seconds())}s"}
    leaf = root.write(f"{ISSUER_MOUNT}/sign/{CLAIM_ROLE}", data | lasting)["data"]["certificate"]
    issuer = chain[chain.index("-----BEGIN", 1) :]
    root.write(f"{path}/set-certificate", {"certificate_chain": f"{leaf.strip()}\n{issuer}", "version": version})


@pytest.fixture(
    scope="module",
    params=[
        # Each waits once, not in every process that pytest-xdist runs.
        pytest.param(embedded, marks=pytest.mark.xdist_group("embedded expiry")),
        pytest.param(vault, marks=[pytest.mark.openbao, pytest.mark.xdist_group("vault expiry")]),
    ],
)
def outlived(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Outlived]:
    with serving(TimeStampAuthority()) as authority, request.param(request) as (signer, anchors):
        trust = TrustPolicy.of({"store": anchors}, authorities={"authority": authority.anchors})
        bare = House(sandbox, signer, trust)
        with TimeStamps([authority.url], required=True) as time_stamps:
            own = replace(bare, time_stamps=time_stamps)
            stamped = {mime: own.signed(file, mime=mime) for mime, file in CARRIERS.items()}
        unstamped = {mime: bare.signed(file, mime=mime) for mime, file in CARRIERS.items()}
        assert {bare.verify(file).verdict for file in (*stamped.values(), *unstamped.values())} == {Verdict.TRUSTED}
        time.sleep(1 + (check_chain(signer.chain, signer.public_key) - datetime.now(UTC)).total_seconds())
        yield Outlived(bare, stamped, unstamped)


@pytest.mark.parametrize("mime", CARRIERS)
def test_a_time_stamped_signature_outlives_its_certificate(outlived: Outlived, mime: str) -> None:
    report = outlived.report(outlived.stamped, mime)
    assert report.verdict is Verdict.TRUSTED
    assert {"timeStamp.validated", "timeStamp.trusted"} <= {status.code for status in report.statuses.success}
    assert report.statuses.failure == ()


@pytest.mark.parametrize("mime", CARRIERS)
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
