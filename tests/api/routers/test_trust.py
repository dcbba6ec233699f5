"""Trust lists over HTTP and by command: compared, put in force on record, named by every report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast

import httpx
import pytest

from cases.errors import TrustListChangedError
from cases.trust_lists import LOOK_SECONDS, TrustLists
from detection.sandbox import Sandbox
from keys.certificates import development_ca
from keys.chain import pem
from provenance.errors import TrustPolicyError
from provenance.trust_list import ListName
from tests.api.cli.test_trust import VECTORS
from tests.api.wire import IN_THE_LOG, problem, rows, signed, upload
from tests.deployment import Running, picture
from tests.provenance.forger import CREATED, actions, forge
from tests.provenance.test_signers import signing_under
from tests.simulators.outside_ca import OutsideCA
from tests.waiting import until

NOW = datetime.now(UTC).replace(microsecond=0)
ACME, BRAVO = OutsideCA(NOW, "Acme"), OutsideCA(NOW, "Bravo")
LISTS = "/v1/trust/lists"
DATED = {"dated": "2026-08-14"}


@pytest.fixture(scope="module")
def photo_of_acme() -> bytes:
    """Signed by somebody under that authority."""
    house = signing_under(cast(Sandbox, None), ACME)
    return forge(house, {"assertions": [actions(CREATED)]})[0]


@pytest.fixture
def operator(own: Running) -> Iterator[httpx.Client]:
    with own.http(own.service.operator_token) as http:
        yield http


def put(http: httpx.Client, text: str, name: str = "own", **query: str) -> httpx.Response:
    return http.put(f"{LISTS}/{name}", content=text, params={**DATED, **query})


def judged(up: Running, file: bytes) -> dict[str, Any]:
    with up.http() as anyone:
        report: dict[str, Any] = upload(anyone, file, path="/v1/verifications").json()
    return report


def test_a_list_is_in_force_at_once_and_every_report_names_it(
    own: Running, operator: httpx.Client, photo_of_acme: bytes
) -> None:
    before = judged(own, photo_of_acme)
    assert (before["verdict"], before["trust_lists"]) == ("untrusted", [])
    compared = operator.post(f"{LISTS}/own/comparison", content=ACME.root, params=DATED).json()
    assert (compared["replaces"], compared["entry"], compared["removed"]) == ("", None, [])
    assert [one["subject"] for one in compared["added"]] == ["CN=Acme root"]
    assert operator.get(LISTS).json() == {"lists": []}, "a comparison keeps nothing"

    made = put(operator, ACME.root).json()
    digest = sha256(ACME.root.encode()).hexdigest()
    named = {"name": "own", "issued": "2026-08-14T00:00:00Z", "digest": digest}
    assert made["list"] == {**named, "next_update": None, "anchors": 1}
    after = judged(own, photo_of_acme)
    assert (after["verdict"], after["trust_lists"]) == ("trusted", [{**named, "next_update": ""}])
    assert after["trust"] != before["trust"]
    with own.http(token := own.key()) as http:
        asset, _ = signed(http, photo_of_acme)
        bundle = http.post(f"{asset['links']['custody']}/bundle").content
        seen, brought = (upload(http, bundle, path=f"/v1/custody/{one}").json() for one in ("bundles", "imports"))
    assert asset["parent"]["verdict"] == "trusted"
    assert seen["trust_lists"] == brought["trust_lists"] == after["trust_lists"]

    assert problem(put(operator, BRAVO.root), 409, "trust-list-changed")
    second = put(operator, BRAVO.root, replaces=digest).json()
    assert [one["subject"] for one in second["added"] + second["removed"]] == ["CN=Bravo root", "CN=Acme root"]
    assert judged(own, photo_of_acme)["verdict"] == "untrusted"
    caller = own.service.access.authenticate(token)
    for one in (asset, brought):
        said: Any = own.service.ledger.payloads.open(caller.tenant, one["ledger"]["entry"]).payload
        assert [(each.name, each.digest) for each in said.trust_lists] == [("own", digest)], (
            "it keeps naming what it used"
        )
    assert rows(own, "SELECT digest FROM trust_list WHERE number = 1") == [(digest,)]

    dropped = operator.delete(f"{LISTS}/own", params={"replaces": second["list"]["digest"]}).json()
    assert (dropped["list"], operator.get(LISTS).json()) == (None, {"lists": []})
    recorded = rows(own, f"SELECT entry_id, tenant_id FROM payload WHERE kind = 'trust.updated' {IN_THE_LOG}")
    assert [entry for entry, _ in recorded] == [made["entry"], second["entry"], dropped["entry"]]
    told: list[Any] = [own.service.ledger.payloads.open(tenant, entry).payload for entry, tenant in recorded]
    assert [(one.digest, one.replaces, len(one.added), len(one.removed)) for one in told] == [
        (digest, "", 1, 0),
        (second["list"]["digest"], digest, 1, 1),
        ("", second["list"]["digest"], 0, 1),
    ]


def test_a_list_that_is_not_taken_changes_nothing(own: Running, operator: httpx.Client) -> None:
    digest = put(operator, ACME.root).json()["list"]["digest"]
    older = operator.put(f"{LISTS}/own", content=BRAVO.root, params={"dated": "2026-08-13", "replaces": digest})
    assert "2026-08-14" in problem(older, 422, "trust-list")["detail"]
    problem(put(operator, "nothing", replaces=digest), 422, "trust-list")
    problem(put(operator, ACME.root.encode() + b"\xff", replaces=digest), 422, "trust-list")  # type: ignore[arg-type]
    problem(operator.put(f"{LISTS}/own", content=ACME.root), 422, "trust-list")
    problem(operator.get(f"{LISTS}/c2pa"), 404, "trust-list-not-found")
    problem(operator.delete(f"{LISTS}/c2pa"), 404, "trust-list-not-found")
    problem(operator.put(f"{LISTS}/c2pa", content=b"x" * 3_000_000, params=DATED), 413, "body-too-large")
    assert operator.get(f"{LISTS}/own").json()["pem"] == ACME.root


def test_a_list_past_its_publishers_next_is_said_to_be_old(
    own: Running, operator: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays in force: by whom it names nobody was told to trust less."""
    text = (VECTORS / "C2PA-TSA-TRUST-LIST.json").read_text()
    assert operator.put(f"{LISTS}/c2pa-tsa", content=text).status_code == 200
    assert judged(own, picture())["trust_lists"][0]["next_update"] == "2027-08-05T00:11:47Z"
    assert operator.get("/readyz").json()["parts"]["trust"] == {"ready": True, "reason": "", "warning": ""}
    later = datetime(2027, 8, 17, 1, tzinfo=UTC)
    monkeypatch.setattr(own.service.trust_lists, "clock", lambda: later)
    part = operator.get("/readyz").json()["parts"]["trust"]
    assert (part["ready"], part["reason"]) == (True, "")
    assert part["warning"].startswith(
        "the trust list c2pa-tsa is old: its publisher meant to publish the next one 12 days"
    )
    own.service.housekeeping.round()
    until(lambda: part["warning"] in caplog.text)
    digest = sha256(text.encode()).hexdigest()
    assert operator.delete(f"{LISTS}/c2pa-tsa", params={"replaces": digest}).status_code == 200
    assert operator.get("/readyz").json()["parts"]["trust"]["warning"] == ""


def test_only_whoever_runs_the_deployment_changes_whom_it_trusts(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        problem(put(http, ACME.root), 403, "scope-missing")
        problem(http.post(f"{LISTS}/own/comparison", content=ACME.root, params=DATED), 403, "scope-missing")
        problem(http.delete(f"{LISTS}/own"), 403, "scope-missing")


def test_another_process_sees_it_within_a_second(own: Running, operator: httpx.Client) -> None:
    at = [0.0]
    service = own.service
    other = TrustLists(
        service.ledger, service.library.database, service.housekeeping.clock, development=True, timer=lambda: at[0]
    )
    assert other.in_force() == ()
    digest = put(operator, ACME.root).json()["list"]["digest"]
    assert other.in_force() == ()
    at[0] = LOOK_SECONDS
    assert [one.digest for one in other.in_force()] == [digest]
    by = service.deployment.operator()
    with pytest.raises(TrustListChangedError):
        other.update(by, ListName.OWN, BRAVO.root, NOW, "")
    made = other.update(by, ListName.OWN, BRAVO.root, NOW, digest)
    assert [one.digest for one in other.in_force()] == [made.list and made.list.digest]


def test_a_development_ca_is_trusted_in_the_embedded_profile_alone(own: Running) -> None:
    root, service = pem([development_ca(NOW).root]), own.service
    lists = TrustLists(service.ledger, service.library.database, service.housekeeping.clock, development=False)
    with pytest.raises(TrustPolicyError, match="only the embedded profile"):
        lists.update(service.deployment.operator(), ListName.OWN, root, NOW, "")
    assert service.trust.widened(root, "").anchors.count("BEGIN") == 2
