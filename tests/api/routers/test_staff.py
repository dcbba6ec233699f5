"""Staff: invited by a link, there by a passkey, gone at once, and all of it on record without a name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest

from cases.access import Caller
from cases.errors import StaffAlreadyError, StaffRemovedError
from cases.staff import Staff
from cases.staff_member import ROLES, Role
from identity.passkeys.tokens import SESSION
from ledger.ids import SubjectId
from tests.api.people import begun, somebody
from tests.api.staff import form_token, invited, joining, member, signing_in
from tests.api.wire import IN_THE_LOG, everything, problem, proven, rows
from tests.deployment import Running, running
from tests.ledger.world import HeldClock
from tests.simulators.authenticator import Authenticator


@pytest.fixture(scope="module")
def operator(deployment: Running) -> str:
    return deployment.service.operator_token


@pytest.fixture
def inviter(deployment: Running, operator: str) -> Iterator[httpx.Client]:
    with deployment.http(operator) as http:
        yield http


@pytest.fixture
def browser(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http() as http:
        yield http


def staff(up: Running) -> list[dict[str, Any]]:
    return up.operator.staff()


def test_somebody_joins_by_a_link_and_signs_in_again(
    deployment: Running, inviter: httpx.Client, browser: httpx.Client
) -> None:
    invitation = invited(inviter, "operator")
    assert "Operator: you see how the service is" in browser.get(httpx.URL(invitation["link"]).path).text
    device = Authenticator()
    assert joining(browser, invitation["link"], device).status_code == 303
    assert "You are signed in" in browser.get("/sign-in").text
    (mine,) = [one for one in staff(deployment) if one["id"] == invitation["id"]]
    assert mine["joined_at"]
    assert "link" not in mine
    signing_in(browser, device)
    said = rows(deployment, f"SELECT entry_id, kind FROM payload WHERE kind LIKE 'staff.%' {IN_THE_LOG} DESC LIMIT 4")
    assert [kind for _, kind in said] == ["staff.signedin", "staff.signedin", "staff.joined", "staff.invited"]
    home = deployment.service.deployment.operator().tenant
    payload = deployment.service.ledger.payloads.open(home, said[0][0]).payload
    assert (payload.staff, payload.principal, payload.way) == (mine["id"], mine["principal"], "passkey")


def test_the_log_does_not_say_who_works_when(deployment: Running, operator: str) -> None:
    with member(deployment, "counsel", operator) as one, member(deployment, "reviewer", operator) as other:
        entries = []
        for each in (one, other, one):
            signing_in(each.browser, each.device)
            told = f"SELECT entry_id FROM payload WHERE kind = 'staff.signedin' {IN_THE_LOG} DESC LIMIT 1"
            entries.append(rows(deployment, told)[0][0])
        for entry in entries:
            proven(deployment, entry)
        actors = {deployment.service.ledger.entry(entry).actor for entry in entries}
    assert len(set(entries)) == 3
    assert len(actors) == 1


def test_a_link_is_good_once_and_its_secret_is_not_kept(
    deployment: Running, inviter: httpx.Client, browser: httpx.Client
) -> None:
    invitation = invited(inviter, "counsel")
    secret = invitation["link"].rpartition("/")[2]
    kept = everything(deployment)
    assert secret.encode() not in kept
    assert bytes.fromhex(secret) not in kept
    joining(browser, invitation["link"], Authenticator())
    with deployment.http() as other:
        again = other.get(f"/join/{secret}")
        assert again.status_code == 404
        assert "No such invitation" in again.text
        assert other.get(f"/join/{'0' * 64}").text.replace("0" * 64, secret) == again.text.replace(
            again.headers["x-request-id"], ""
        )


def test_an_invitation_ends_after_a_day(tmp_path: Path, clock: HeldClock) -> None:
    with running(tmp_path, clock) as up, up.http(up.service.operator_token) as inviter, up.http() as browser:
        invitation = invited(inviter, "operator")
        path = httpx.URL(invitation["link"]).path
        clock.move(timedelta(hours=24) - timedelta(milliseconds=1))
        shown = browser.get(path)
        assert shown.status_code == 200
        clock.move(timedelta(milliseconds=1))
        assert browser.get(path).status_code == 404
        before = rows(up, "SELECT count(*) FROM assurance_account")
        assert browser.post(path, data={"form_token": form_token(shown), "passkey": "{}"}).status_code == 404
        assert rows(up, "SELECT count(*) FROM assurance_account") == before


def test_whoever_has_an_account_joins_with_it_and_has_one_role(
    deployment: Running, inviter: httpx.Client, browser: httpx.Client
) -> None:
    first, second = (httpx.URL(invited(inviter, "counsel")["link"]).path for _ in range(2))
    with somebody(deployment) as person:
        signing_in(browser, person.device)
        shown = browser.get(first)
        assert person.account in shown.text
        assert browser.post(first, data={"form_token": "0" * 64}).status_code == 403
        assert browser.post(first, data={"form_token": form_token(shown)}).status_code == 303
        again = browser.post(second, data={"form_token": form_token(browser.get(second))})
        assert again.status_code == 409
        assert "You have a role already" in again.text


def test_removing_ends_every_session_at_once(deployment: Running, operator: str, inviter: httpx.Client) -> None:
    with member(deployment, "operator", operator) as mine, deployment.http() as phone:
        signing_in(phone, mine.device)
        caller = deployment.service.staff.of(_account(deployment, mine.id))
        assert caller is not None
        removed = inviter.delete(f"/v1/staff/{mine.id}")
        assert removed.status_code == 200
        for browser in (mine.browser, phone):
            assert "You are signed in" not in browser.get("/sign-in").text
        with pytest.raises(StaffRemovedError):
            deployment.service.staff.invite(caller, Role.COUNSEL)
        problem(inviter.delete(f"/v1/staff/{mine.id}"), 404, "staff-not-found")
        signing_in(phone, mine.device)
        assert "You are signed in" in phone.get("/sign-in").text, "they have their account, and no role"
        assert deployment.service.staff.of(_account_of(deployment, phone)) is None


def test_an_invitation_is_taken_back(deployment: Running, inviter: httpx.Client, browser: httpx.Client) -> None:
    invitation = invited(inviter, "operator")
    assert inviter.delete(f"/v1/staff/{invitation['id']}").status_code == 200
    assert browser.get(httpx.URL(invitation["link"]).path).status_code == 404


def test_two_invitations_taken_at_once_give_one_role(
    deployment: Running, inviter: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = [invited(inviter, "counsel")["link"].rpartition("/")[2] for _ in range(2)]
    both, known = Barrier(2), Staff.of

    def of(staff: Staff, account: SubjectId) -> Caller | None:
        found = known(staff, account)
        both.wait(10)
        return found

    def join(secret: str) -> object:
        try:
            return deployment.service.staff.join(secret, SubjectId(person.account))
        except StaffAlreadyError as error:
            return type(error)

    with somebody(deployment) as person, ThreadPoolExecutor(2) as pool:
        with monkeypatch.context() as patched:
            patched.setattr(Staff, "of", of)
            assert list(pool.map(join, secrets)).count(StaffAlreadyError) == 1
        assert deployment.service.staff.of(SubjectId(person.account)) is not None


def test_what_somebody_left_behind_lets_nobody_in(
    deployment: Running, operator: str, inviter: httpx.Client, browser: httpx.Client
) -> None:
    """Neither one of the staff who was removed, nor a key that was revoked, comes back by a link of their own."""
    with member(deployment, "operator", operator) as mine:
        shown = mine.browser.get("/operate/staff")
        page = mine.browser.post("/operate/staff", data={"form_token": form_token(shown), "role": "operator"})
        found = re.search(r"/join/[0-9a-f]{64}", page.text)
        assert found, page.text
        ready = browser.get(found[0])
        assert ready.status_code == 200
        assert inviter.delete(f"/v1/staff/{mine.id}").status_code == 200
        assert browser.get(found[0]).status_code == 404
        fields = {"form_token": form_token(ready), "passkey": json.dumps(Authenticator().create(begun(browser, "")))}
        assert browser.post(found[0], data=fields).status_code == 404
    made = deployment.operator.issue_key({"tool": "", "scopes": ["access:admin", "holds:admin"], "source_types": []})
    with deployment.http(str(made["token"])) as http:
        path = httpx.URL(invited(http, "counsel")["link"]).path
    assert browser.get(path).status_code == 200
    assert inviter.delete(f"/v1/api-keys/{made['id']}").status_code in {200, 204}
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_nobody_gives_a_role_that_reaches_further(deployment: Running, role: Role) -> None:
    for scopes in (["access:admin"], ["access:admin", *sorted(ROLES[role] - {"deployment:admin"})]):
        with deployment.http(deployment.key("", scopes=scopes, source_types=[], new_tenant=True)) as http:
            answer = http.post("/v1/staff", json={"role": role})
            if set(ROLES[role]) <= set(scopes):
                assert answer.status_code == 201
            else:
                problem(answer, 403, "grant-too-wide")


def test_a_tenant_sees_and_removes_its_own_staff_alone(deployment: Running, operator: str) -> None:
    scopes = ["access:admin", "holds:admin"]
    key = deployment.key("", scopes=scopes, source_types=[], new_tenant=True)
    with member(deployment, "counsel", operator) as ours, member(deployment, "counsel", key) as theirs:
        with deployment.http(key) as http:
            assert [one["id"] for one in http.get("/v1/staff").json()["staff"]] == [theirs.id]
            problem(http.delete(f"/v1/staff/{ours.id}"), 404, "staff-not-found")
        assert theirs.id not in [one["id"] for one in staff(deployment)]
        tenants = {deployment.service.staff.of(_account(deployment, one.id)).tenant for one in (ours, theirs)}  # type: ignore[union-attr]
        assert len(tenants) == 2


def test_a_key_without_the_scope_invites_nobody(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        problem(http.post("/v1/staff", json={"role": "counsel"}), 403, "scope-missing")
        problem(http.get("/v1/staff"), 403, "scope-missing")
        problem(http.delete(f"/v1/staff/stf_{'a' * 26}"), 403, "scope-missing")


def _account(up: Running, staff: str) -> Any:
    ((account,),) = rows(up, "SELECT account_id FROM staff WHERE id = ?", staff)
    return account


def _account_of(up: Running, browser: httpx.Client) -> Any:
    token = browser.cookies["sigillo-session"]
    return up.service.registry.people.tokens.authenticate(token, SESSION).account
