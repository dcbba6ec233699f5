"""A person's pages over HTTP: whose they are, what a form needs, and that what people write is text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.routers.registrations import IN_WALLETS
from api.schemas.registrations import RegistrationView
from api.web import static
from api.web.me import ends_soon
from cases.access import person_caller
from cases.assurance import actor
from identity.assurance.evidence import Found
from identity.assurance.tier import EvidenceKind
from identity.jose.jws import sign_jws
from identity.openid4vci.token import PRE_AUTHORISED
from ledger.ids import SubjectId
from tests.api.holders import Holder
from tests.api.people import Somebody, somebody
from tests.api.registrants import REGISTRATIONS
from tests.api.staff import form_token, signing_in
from tests.api.web.test_verify import HOSTILE, Tags
from tests.api.wire import count, rows
from tests.deployment import Running, running
from tests.simulators.authenticator import Authenticator

FORMS = [f"{n:x}" * 64 for n in range(8)]
NOBODYS = f"reg_{'a' * 26}"
WORDS = "zoo " * 11 + "wrong"


@dataclass
class Registrant:
    """Somebody who is signed in, and registered a picture for somebody else."""

    person: Somebody
    pages: httpx.Client
    registration: str
    code: str


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("registrants")) as found:
        yield found


def known(up: Running, person: Somebody) -> None:
    """Who they are was shown somewhere."""
    assurance, tokens = up.service.assurance, up.service.registry.people.tokens
    by = actor(person_caller(tokens.authenticate(person.token)))
    subject = assurance.accounts.subject(by.tenant, SubjectId(person.account))
    assurance.grants.grant(by, subject, Found(EvidenceKind.LOGIN, "test", ""))


def document(http: httpx.Client, account: str, **more: Any) -> dict[str, Any]:
    """What the page's script puts together."""
    rules = http.get(f"{REGISTRATIONS}/rules", params={"kind": "image"}).json()["consent"]
    return {"account": account, "consent": {"language": "en", "sha256": rules["sha256"]}, **more}


@contextmanager
def registered(up: Running, forms: list[str], **said: str) -> Iterator[Registrant]:
    """Somebody who registers through the pages, as their browser does."""
    device = Authenticator()
    with somebody(up, device) as person, up.http() as pages:
        known(up, person)
        signing_in(pages, device)
        token = form_token(pages.get("/register/image?region="))
        body = document(pages, person.account, **said)
        given = hashlib.sha256(bytes.fromhex("".join(forms))).hexdigest()
        statement = json.dumps({**body, "given": [given]})
        options = pages.post(
            "/register/statement", data={"form_token": token, "kind": "image", "registration": statement}
        )
        assert options.status_code == 200, options.text
        body["consent"]["passkey"] = device.get(options.json()["publicKey"])
        body["fingerprint"] = {"forms": forms, "quality": 90}
        made = pages.post("/register/image", data={"form_token": token, "registration": json.dumps(body)})
        assert made.status_code == 201, made.text
        code = " ".join(re.findall("<li><code>([a-z]+)</code></li>", made.text))
        yield Registrant(person, pages, f"reg_{made.text.partition('reg_')[2][:26]}", code)


@pytest.fixture(scope="module")
def ada(up: Running) -> Iterator[Registrant]:
    """For a child of hers, in words that are none."""
    with registered(up, FORMS, right="parent", stated=HOSTILE) as found:
        yield found


@pytest.fixture(scope="module")
def eve(up: Running) -> Iterator[httpx.Client]:
    """Somebody else who is signed in."""
    device = Authenticator()
    with somebody(up, device), up.http() as pages:
        signing_in(pages, device)
        yield pages


PATHS = ["", "/withdrawal", "/renewal", "/wallet"]
ACTS = ["/withdrawal", "/wallet", "/renewal", "/renewal/options", "/stay", f"/matches/lkm_{'a' * 26}"]


def test_nobody_who_is_not_signed_in_sees_them(up: Running, ada: Registrant) -> None:
    with up.http() as stranger:
        for path in ("/me", *(f"/me/{ada.registration}{end}" for end in PATHS), "/register/face"):
            answer = stranger.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in?next=%2F")
        for path in (f"/me/{ada.registration}{end}" for end in ACTS):
            assert stranger.post(path).status_code == 401


def test_nobody_elses_are_there(eve: httpx.Client, ada: Registrant) -> None:
    token = form_token(eve.get("/sign-in"))
    fields = {"form_token": token, "response": "confirmed", "sha256": "0" * 64, "passkey": "{}"}
    for registration in (ada.registration, NOBODYS):
        for end in PATHS:
            assert eve.get(f"/me/{registration}{end}").status_code == 404
        for end in ("/renewal/options", "/stay", ACTS[-1]):
            assert eve.post(f"/me/{registration}{end}", data=fields).status_code == 404
    assert ada.registration not in eve.get("/me").text


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_another_sites_form_does_nothing(up: Running, ada: Registrant, token: str) -> None:
    before, fields = count(up, "entry"), {"form_token": token, "registration": "{}", "kind": "image"}
    paths = [f"/me/{ada.registration}{end}" for end in ACTS]
    paths += ["/register/image", "/register/statement", "/register/identity/wallet", "/recover"]
    for path in paths:
        assert ada.pages.post(path, data=fields).status_code == 403, path
    for path in ("/register/face", "/register/photo", "/register/identity/portrait"):
        answer = ada.pages.post(path, data={"form_token": token}, files={"photo": b"x"})
        assert answer.status_code == 403, path
    assert count(up, "entry") == before


def test_what_people_write_is_text(ada: Registrant) -> None:
    for path in ("/me", f"/me/{ada.registration}", f"/me/{ada.registration}/withdrawal"):
        found = Tags(ada.pages.get(path).text)
        assert all("onerror" not in attributes for _, attributes in found.tags)
        assert [tag for tag, _ in found.tags].count("script") <= 2
    place = ada.pages.get("/register/face", params={"region": HOSTILE})
    assert place.status_code == 422
    assert "<img src=x" not in place.text


def test_whose_registration_is_compared_with_nothing_reads_it(ada: Registrant, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = ("/me", f"/me/{ada.registration}")
    assert not any("register again" in ada.pages.get(page).text for page in pages)
    monkeypatch.setattr("cases.registration.PDQ", "another way")
    assert all("register again" in ada.pages.get(page).text for page in pages)


def test_a_script_reads_why_and_a_person_sees_it(ada: Registrant) -> None:
    fields, photo = {"form_token": form_token(ada.pages.get("/sign-in"))}, {"photo": b"no picture"}
    told = ada.pages.post("/register/photo", data=fields, files=photo, headers={"accept": "application/json"})
    assert told.headers["content-type"] == "application/problem+json"
    assert 'role="alert"' in ada.pages.post("/register/photo", data=fields, files=photo).text


def test_what_waits_for_a_person_is_not_renewed(ada: Registrant) -> None:
    shown = ada.pages.get(f"/me/{ada.registration}").text
    assert "waiting for a person" in shown
    assert "/withdrawal" in shown
    assert "/renewal" not in shown


def test_the_recovery_code_withdraws_later_and_the_passkey_stops_it(up: Running, ada: Registrant) -> None:
    with up.http() as stranger:
        fields = {"form_token": form_token(stranger.get("/recover")), "registration": ada.registration}
        wrong = stranger.post("/recover", data={**fields, "code": WORDS})
        asked = stranger.post("/recover", data={**fields, "code": ada.code})
    assert wrong.status_code == 403
    assert "Type the twelve words" in wrong.text
    assert WORDS in wrong.text, "what was typed is there to be mended"
    assert f'value="{ada.registration}"' in wrong.text
    assert "It ends by" in asked.text
    assert f"/v1/registrations/{ada.registration}/absence" in asked.text
    shown = ada.pages.get(f"/me/{ada.registration}")
    assert "It will end by" in shown.text
    stopped = ada.pages.post(f"/me/{ada.registration}/stay", data={"form_token": form_token(shown)})
    assert stopped.status_code == 303
    assert rows(up, "SELECT leaving_at FROM registration WHERE id = ?", ada.registration) == [(None,)]


@pytest.mark.parametrize(
    ("days", "state", "said"),
    [(29, "active", True), (31, "active", False), (29, "held", False), (29, "leaving", False), (29, "expired", False)],
)
def test_an_end_that_comes_near_is_said(up: Running, ada: Registrant, days: int, state: str, said: bool) -> None:
    ends = up.service.housekeeping.clock() + timedelta(days=days)
    found = up.service.registry.registrations.registry.registrations.find(
        up.service.deployment.operator().tenant, SubjectId(ada.registration)
    )
    view = RegistrationView.of(found).model_copy(update={"expires_at": ends, "state": state})
    assert ends_soon(up.service, [view]) == ({ada.registration} if said else set())


def test_withdrawing_takes_the_owners_passkey(up: Running, ada: Registrant, eve: httpx.Client) -> None:
    """A page that is open, or a stolen session, is not enough; and no token is left over."""
    path, fields = f"/me/{ada.registration}/withdrawal", {"form_token": form_token(ada.pages.get("/sign-in"))}
    other = Authenticator()
    with somebody(up, other):
        tokens = count(up, "person_token")
        used = other.get(ada.pages.post("/v1/people/sign-ins").json()["publicKey"])
        for passkey, refused in (("", 400), ("{}", 400), (json.dumps(used), 404)):
            assert ada.pages.post(path, data={**fields, "passkey": passkey}).status_code == refused
    assert rows(up, "SELECT state FROM registration WHERE id = ?", ada.registration) != [("withdrawn",)]
    used = ada.person.device.get(ada.pages.post("/v1/people/sign-ins").json()["publicKey"])
    done = ada.pages.post(path, data={**fields, "passkey": json.dumps(used)})
    assert (done.status_code, done.headers.get("location")) == (303, f"/me/{ada.registration}"), done.text
    assert count(up, "person_token") == tokens
    assert "absence" in ada.pages.get(f"/me/{ada.registration}").text


def test_a_wallet_fetches_the_credential_and_acts_by_it(up: Running, eve: httpx.Client) -> None:
    with registered(up, [f"{n + 8:x}" * 64 for n in range(8)]) as bob, up.http() as phone:
        path = f"/me/{bob.registration}/wallet"
        assert "act for you without a passkey" in bob.pages.get(path).text
        fields = {"form_token": form_token(bob.pages.get(path))}
        assert bob.pages.post(path, data={**fields, "passkey": "{}"}).status_code == 400, "a session is not enough"
        used = bob.person.device.get(bob.pages.post("/v1/people/sign-ins").json()["publicKey"])
        shown = unescape(bob.pages.post(path, data={**fields, "passkey": json.dumps(used)}).text)
        link = re.search(r'href="(openid-credential-offer:[^"]+)"', shown)
        code = re.search(r'<p class="typed"><code>([0-9]{6})</code>', shown)
        assert link
        assert code
        offer = json.loads(parse_qs(urlsplit(link[1]).query)["credential_offer"][0])
        assert offer["credential_configuration_ids"] == [IN_WALLETS]
        grant = offer["grants"][PRE_AUTHORISED]
        form = {"grant_type": PRE_AUTHORISED, "pre-authorized_code": grant["pre-authorized_code"]}
        token = phone.post("/openid4vci/token", data={**form, "tx_code": code[1]}).json()["access_token"]
        wallets = [Holder(), Holder()]
        proofs = proved(phone, *wallets)
        bearer = {"Authorization": f"Bearer {token}"}
        asked = {"credential_configuration_id": IN_WALLETS, "proofs": {"jwt": proofs}}
        both = phone.post("/openid4vci/credential", json=asked, headers=bearer)
        assert both.json()["error"] == "invalid_proof", "one wallet has it"
        holder = wallets[0]
        asked["proofs"] = {"jwt": proved(phone, holder)}
        got = phone.post("/openid4vci/credential", json=asked, headers=bearer)
        assert got.status_code == 200, got.text
        (one,) = got.json()["credentials"]
        holder.credential = one["credential"]
        assert holder.act(phone, bob.registration, does="read", cursor="").json()["matches"] == []
        again = phone.post("/openid4vci/credential", json=asked, headers=bearer)
        assert again.status_code == 401, "it is fetched once"
        done = holder.act(phone, bob.registration, does="withdraw")
        assert done.status_code == 200, done.text
        used = bob.person.device.get(bob.pages.post("/v1/people/sign-ins").json()["publicKey"])
        ended = bob.pages.post(path, data={**fields, "passkey": json.dumps(used)})
        assert ended.status_code == 409, "what ended is offered to nobody"


def proved(phone: httpx.Client, *holders: Holder) -> list[str]:
    """Proofs of wallets' keys over one nonce (OpenID4VCI 1.0, appendix F.1)."""
    issuer = phone.get("/.well-known/openid-credential-issuer").json()["credential_issuer"]
    said = {"aud": issuer, "iat": int(time()), "nonce": phone.post("/openid4vci/nonce").json()["c_nonce"]}
    return [sign_jws(one.key, {"typ": "openid4vci-proof+jwt", "jwk": one.jwk}, said) for one in holders]


def test_a_page_is_light(ada: Registrant) -> None:
    """Below 100 kB with its style and scripts, before any picture."""
    style = (static.FOLDER / "sigillo.css").read_bytes()
    scripts = b"".join(
        (static.FOLDER / f"{name}.js").read_bytes() for name in ("register", "papers", "passkey", "page", "pdq")
    )
    for path in ("/register", "/register/face?region=FR", "/register/image", "/me"):
        assert len(ada.pages.get(path).content + style + scripts) < 100_000
