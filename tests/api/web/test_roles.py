"""Who reaches which page: every page of the app, for each role and each tenant. A page that is not told of here fails.

Beside that, of every page: another site sends it nothing, no form goes without its token, and nobody frames it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import httpx
import pytest

from api.app import PAGES
from api.web.page_route import PageRoute
from tests.api.people import somebody
from tests.api.staff import form_token, member, signing_in
from tests.api.wire import signed
from tests.deployment import Running

Route = tuple[str, str]

EVERYBODY: Final = frozenset({"nobody", "person", "counsel", "reviewer", "operator", "their counsel", "their reviewer"})
SIGNED_IN: Final = EVERYBODY - {"nobody"}
STAFF: Final = SIGNED_IN - {"person"}
FOR: Final[dict[Route, frozenset[str]]] = {
    **{
        ("GET", path): EVERYBODY
        for path in (
            *("/", "/verify", "/prove", "/prove/{session}", "/prove/{session}/qr.svg", "/audit"),
            *("/audit/entries/{entry}", "/sign-in", "/sign-in/new", "/sign-out", "/join/{secret}"),
            *("/sign-in/with/{provider}", "/sign-in/from/{provider}", "/register", "/recover"),
            *("/me/passkeys", "/me/passkeys/{passkey}/name", "/me/passkeys/{passkey}/removal"),
        )
    },
    **{
        ("POST", path): EVERYBODY
        for path in ("/verify", "/prove", "/sign-in", "/sign-in/new", "/sign-out", "/join/{secret}", "/recover")
    },
    **{
        ("GET", path): SIGNED_IN
        for path in (
            *("/register/{kind}", "/register/identity/{session}", "/register/identity/{session}/qr.svg"),
            *("/me", "/me/{registration}", "/me/{registration}/withdrawal", "/me/{registration}/renewal"),
            *("/me/{registration}/wallet", "/cosign"),
        )
    },
    **{
        ("POST", path): SIGNED_IN
        for path in (
            *("/register/photo", "/register/statement", "/register/face", "/register/image"),
            *("/register/identity/wallet", "/register/identity/portrait", "/register/identity/{session}"),
            *("/me/{registration}/matches/{match}", "/me/{registration}/withdrawal", "/me/{registration}/stay"),
            *("/me/{registration}/renewal", "/me/{registration}/renewal/options", "/me/{registration}/wallet"),
            *("/cosign", "/cosign/options", "/me/passkeys", "/me/passkeys/options"),
            *("/me/passkeys/{passkey}/name", "/me/passkeys/{passkey}/removal"),
        )
    },
    ("GET", "/operate"): STAFF,
    ("GET", "/operate/holds"): STAFF,
    ("POST", "/operate/holds"): STAFF,
    ("GET", "/operate/staff"): frozenset({"operator"}),
    ("POST", "/operate/staff"): frozenset({"operator"}),
    ("GET", "/operate/staff/removal"): EVERYBODY,
    ("POST", "/operate/staff/removal"): frozenset({"operator"}),
}
"""Who may. Others are sent to sign in, or told that it is not for them."""

CHANGES_NOTHING: Final = frozenset({("POST", "/verify"), ("POST", "/prove")})
"""Forms of strangers, without a token: the first keeps nothing, the second asks a wallet."""

WITH_PHOTOS: Final = frozenset({"/register/photo", "/register/face", "/register/identity/portrait"})
"""Forms whose token comes in the stream, with what they send."""

PARTS: Final = {
    "session": "wrq_nobody",
    "entry": f"ent_{'a' * 26}",
    "secret": "0" * 64,
    "provider": "nobody",
    "kind": "face",
    "registration": f"reg_{'a' * 26}",
    "match": f"lkm_{'a' * 26}",
    "passkey": f"pky_{'a' * 26}",
}


def routes() -> set[Route]:
    found = (route for page in PAGES for route in page.router.routes if isinstance(route, PageRoute))
    return {(method, route.path) for route in found for method in route.methods or ()}


@pytest.fixture(scope="module")
def readers(deployment: Running) -> Iterator[dict[str, httpx.Client]]:
    """A browser for each, signed in as that."""
    scopes = ["access:admin", "holds:admin", "registrations:review"]
    theirs = deployment.key("", scopes=scopes, source_types=[], new_tenant=True)
    ours = deployment.service.operator_token
    with ExitStack() as stack:
        found = {"nobody": stack.enter_context(deployment.http()), "person": stack.enter_context(deployment.http())}
        person = stack.enter_context(somebody(deployment))
        signing_in(found["person"], person.device)
        for name, role, by in (
            *((role, role, ours) for role in ("operator", "counsel", "reviewer")),
            *((f"their {role}", role, theirs) for role in ("counsel", "reviewer")),
        ):
            found[name] = stack.enter_context(member(deployment, role, by)).browser
        yield found


def test_every_page_is_told_of_here() -> None:
    assert routes() == set(FOR)


@pytest.mark.parametrize("who", sorted(EVERYBODY))
def test_who_reaches_which_page(readers: dict[str, httpx.Client], who: str) -> None:
    browser = readers[who]
    for method, path in sorted(routes()):
        if path == "/sign-out":
            continue  # the others would be nobody
        fields = {"form_token": form_token(browser.get("/sign-in"))} if method == "POST" else None
        answer = browser.request(method, path.format(**PARTS), data=fields)
        if who in FOR[method, path]:
            assert answer.status_code not in {401, 403}, (method, path, answer.text)
            assert not answer.headers.get("location", "").startswith("/sign-in?"), (method, path)
        elif who == "nobody" and method == "GET":
            assert answer.headers["location"].startswith("/sign-in?next=%2F"), path
        else:
            assert answer.status_code == (401 if who == "nobody" else 403), (method, path, answer.text)


@pytest.mark.parametrize("who", ["nobody", "person", "operator"])
def test_no_form_goes_without_its_token_or_from_elsewhere(readers: dict[str, httpx.Client], who: str) -> None:
    browser = readers[who]
    token = form_token(browser.get("/sign-in"))
    for method, path in sorted(FOR):
        if method == "GET":
            continue
        place = path.format(**PARTS)
        if (method, path) not in CHANGES_NOTHING and who in FOR[method, path]:
            for forged in ({}, {"form_token": "0" * 64}, {"form_token": ""}):
                photo = {"photo": b"x"} if path in WITH_PHOTOS else None
                answer = browser.post(place, data=forged, files=photo)
                assert answer.status_code == 403, (path, answer.text)
                assert "This form is not for you as you are now" in answer.text, path
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            answer = browser.post(place, data={"form_token": token}, headers=headers)
            assert answer.status_code == 403, path
            assert "Another site" in answer.text, path
    assert browser.get("/sign-in").status_code == 200


def test_nobody_frames_a_page_and_each_is_small_with_nothing_inline(readers: dict[str, httpx.Client]) -> None:
    for who in ("nobody", "operator"):
        for method, path in sorted(routes()):
            if method == "GET" and "qr" not in path:
                answer = readers[who].get(path.format(**PARTS))
                if answer.status_code == 303:
                    continue
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
                assert answer.headers["cache-control"] == "no-store", path
                assert "unsafe" not in answer.headers["content-security-policy"], path
                assert len(answer.content) < 60_000, path
                for inline in ("<style", "style=", "onclick", "onload", "javascript:", "https://"):
                    assert inline not in answer.text, (path, inline)


def test_what_is_held_for_one_tenant_is_not_there_for_another(
    deployment: Running, readers: dict[str, httpx.Client]
) -> None:
    with deployment.http(deployment.key()) as http:
        asset = signed(http)[0]["id"]
    name = f"case-{asset[-8:]}"
    deployment.operator.place_hold(name, [asset], "an order")
    assert name in readers["counsel"].get("/operate/holds").text
    theirs = readers["their counsel"]
    shown = theirs.get("/operate/holds")
    assert name not in shown.text
    assert asset not in shown.text
    asked = {"form_token": form_token(theirs.get("/sign-in")), "held": "legal", "decision": "release", "reason": "mine"}
    assert theirs.post("/operate/holds", data={**asked, "name": name}).status_code == 404
    reviewer = readers["their reviewer"]
    asked = {**asked, "form_token": form_token(reviewer.get("/sign-in")), "held": "asset"}
    assert reviewer.post("/operate/holds", data={**asked, "name": asset}).status_code == 404
    assert name in readers["counsel"].get("/operate/holds").text
    deployment.operator.release_hold(name, "the test is over")
