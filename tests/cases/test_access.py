from __future__ import annotations

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.schemas.assets import ClaimBody
from cases.access import ASSET_SCOPES, Caller, Scope
from cases.asset import Visibility
from cases.errors import (
    ApiKeyNotFoundError,
    GrantTooWideError,
    PrincipalNotFoundError,
    ScopeMissingError,
    UnknownKeyError,
)
from cases.signing import Submission
from detection.memfd import Memfd
from keys.clock import system_entropy
from ledger.ids import PrincipalId, new_id
from provenance.request import Grant
from provenance.vocabulary import DigitalSourceType
from tests.api.wire import counts, rows
from tests.deployment import Running, picture

SHARED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NOTHING = Grant("Tool", frozenset())


@given(scopes=st.frozensets(st.sampled_from(Scope)), wanted=st.sampled_from(Scope))
def test_scope_is_held_or_refused(scopes: frozenset[Scope], wanted: Scope) -> None:
    caller = Caller("tnt_x", "prn_x", scopes, NOTHING)  # type: ignore[arg-type]  # ids are text
    if wanted in scopes:
        caller.require(wanted)
    else:
        with pytest.raises(ScopeMissingError) as refused:
            caller.require(wanted)
        assert refused.value.scope == wanted


@SHARED
@given(
    held=st.frozensets(st.sampled_from(DigitalSourceType), max_size=4),
    wanted=st.frozensets(st.sampled_from(DigitalSourceType), max_size=4),
    scopes=st.frozensets(st.sampled_from([*ASSET_SCOPES, Scope.ACCESS])),
    asked=st.frozensets(st.sampled_from(Scope), max_size=3),
    named=st.sampled_from(["Desk", "Desk", "desk"]),
)
def test_nobody_hands_on_more_than_they_hold(
    deployment: Running,
    held: frozenset[DigitalSourceType],
    wanted: frozenset[DigitalSourceType],
    scopes: frozenset[Scope],
    asked: frozenset[Scope],
    named: str,
) -> None:
    operator = deployment.service.deployment.operator()
    by = Caller(operator.tenant, operator.principal, scopes, Grant("Desk", held))
    access = deployment.service.access
    if not (asked <= scopes and wanted <= held and named == "Desk"):
        with pytest.raises(GrantTooWideError):
            access.issue(by, asked, Grant(named, wanted))
    else:
        issued = access.issue(by, asked, Grant(named, wanted))
        assert access.authenticate(issued.token) == issued.key.caller
        assert issued.key.caller.tenant == by.tenant


@SHARED
@given(st.text(max_size=80))
def test_no_other_text_is_a_key(deployment: Running, token: str) -> None:
    with pytest.raises(UnknownKeyError):
        deployment.service.access.authenticate(token)


@SHARED
@given(at=st.integers(0, 95), to=st.sampled_from("0123456789abcdefg_"))
def test_no_neighbour_of_a_key_is_a_key(deployment: Running, at: int, to: str) -> None:
    operator = deployment.service.deployment.operator()
    issued = deployment.service.access.issue(operator, ASSET_SCOPES, NOTHING)
    changed = issued.token[:at] + to + issued.token[at + 1 :]
    if changed != issued.token:
        with pytest.raises(UnknownKeyError):
            deployment.service.access.authenticate(changed)


def test_secret_is_kept_as_its_digest(deployment: Running) -> None:
    operator = deployment.service.deployment.operator()
    issued = deployment.service.access.issue(operator, ASSET_SCOPES, NOTHING)
    secret = issued.token.rsplit("_", 1)[1]
    assert len(bytes.fromhex(secret)) == 32
    assert rows(deployment, "SELECT digest FROM api_key WHERE id = ?", issued.key.id) == [
        (hashlib.sha256(secret.encode()).hexdigest(),)
    ]
    assert secret not in repr(issued)


def test_principal_of_nobody_or_of_another_tenant_gets_no_key(deployment: Running) -> None:
    access = deployment.service.access
    operator, newcomer = deployment.service.deployment.operator(), deployment.service.deployment.newcomer()
    theirs = access.issue(newcomer, ASSET_SCOPES, NOTHING).key.caller.principal
    before = len(access.all(operator))
    for principal in (theirs, PrincipalId(new_id("prn", system_entropy))):
        with pytest.raises(PrincipalNotFoundError):
            access.issue(operator, ASSET_SCOPES, NOTHING, principal)
    assert len(access.all(operator)) == before


def test_key_of_another_tenant_cannot_be_revoked(deployment: Running) -> None:
    access = deployment.service.access
    operator, newcomer = deployment.service.deployment.operator(), deployment.service.deployment.newcomer()
    mine = access.issue(operator, ASSET_SCOPES, NOTHING)
    with pytest.raises(ApiKeyNotFoundError):
        access.revoke(newcomer, mine.key.id)
    assert access.authenticate(mine.token)


def test_key_revoked_while_its_upload_arrives_signs_nothing(deployment: Running) -> None:
    """A slow body must not stretch a key's life: the unit of work looks again."""
    service = deployment.service
    operator = service.deployment.operator()
    issued = service.access.issue(operator, ASSET_SCOPES | {Scope.ACCESS}, NOTHING)
    caller = service.access.authenticate(issued.token)
    claim = ClaimBody().claim(NOTHING.tool)
    with Memfd.of([picture()]) as content:
        submission = Submission(content, "image/jpeg", claim, Visibility.UNLISTED)
        with service.intake.take(caller, submission) as taken:
            asset = taken.id
        service.access.revoke(operator, issued.key.id)
        before = counts(deployment)
        for act in (
            lambda: service.intake.take(caller, submission),
            lambda: service.library.erase(caller, asset),
            lambda: service.access.issue(caller, ASSET_SCOPES, NOTHING),
        ):
            with pytest.raises(UnknownKeyError):
                act()
    assert counts(deployment) == before
