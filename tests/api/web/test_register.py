"""Registering a refusal in Chromium, from the first page to the proof that one has left, with a passkey; and what is
sent on the way. At 320 pixels.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect

from detection.copies.fingerprint import from_hex
from detection.fingerprint import turned_hashes
from detection.generations.prefix_tree import PrefixTree
from tests.api.web.test_pages import NARROW, readable
from tests.api.web.test_pdq_js import VECTORS
from tests.api.wire import PATIENCE
from tests.browser import MILLISECONDS, browser, found, home, tab, with_passkeys
from tests.deployment import Running
from tests.detection.faces import photos

__all__ = ["browser", "home"]

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium")

expect.set_options(timeout=PATIENCE * MILLISECONDS)
PICTURE = VECTORS / "adobe-20220124-A.jpg"
CHECK = """async ([proof, registration]) => {
  const { checkAbsence } = await import("/static/absence.js");
  const { knownKey } = await import("/static/checks.js");
  try {
    return (await checkAbsence(proof, registration, await knownKey())).registration;
  } catch (error) {
    return error.code ?? String(error);
  }
}"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What somebody has on their device."""
    folder = tmp_path_factory.mktemp("device")
    drawn = {
        "document": photos.PORTRAIT, "selfie": photos.mirrored(), "photo": photos.lit(1.1),
        "hills": photos.landscape(), "crowd": photos.crowd(2),
    }  # fmt: skip
    for name, picture in drawn.items():
        (folder / f"{name}.jpg").write_bytes(photos.jpeg(picture))
    return {name: folder / f"{name}.jpg" for name in drawn}


@pytest.fixture
def page(browser: Browser, home: Running) -> Iterator[Page]:
    """Somebody's who is new here, with a device that makes passkeys."""
    origin = home.service.settings.origin
    with tab(browser, origin, viewport=NARROW) as opened:
        with_passkeys(opened)
        opened.on("dialog", lambda asked: asked.accept())
        yield opened


def shows_who_they_are(page: Page, files: dict[str, Path]) -> None:
    page.get_by_label("A photo of the portrait").set_input_files(files["document"])
    page.get_by_label("A photo of your face").set_input_files(files["selfie"])
    page.get_by_role("button", name="Compare them").press("Enter")
    expect(page.get_by_text("You showed the portrait in your document")).to_be_visible()


def agrees(page: Page) -> str:
    """Signs and registers; the name of the registration."""
    page.get_by_label("I have read this").press("Space")
    page.get_by_role("button", name="Sign with my passkey").press("Enter")
    expect(page.get_by_role("heading", name="You are registered")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "content", "a screen reader is taken to the answer"
    return page.locator(".paper code.long").first.inner_text()


def asked_about(home: Running, files: dict[str, Path]) -> str:
    """What a creation tool is told about the face."""
    with home.http(home.key("Painter", scopes=["likeness:check"])) as http:
        said = {"check": (None, json.dumps({"purpose": "commercial", "nonce": "kq0vX2mB6Yw"}), "application/json")}
        answer = http.post("/v1/likeness-checks", files={"file": files["selfie"].read_bytes(), **said})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["answer"])


def test_a_face_from_the_first_page_to_the_proof(page: Page, home: Running, files: dict[str, Path]) -> None:
    page.goto("/register")
    readable(page, "what it does")
    page.get_by_role("link", name="Register my face").press("Enter")
    page.get_by_role("button", name="Make a passkey").press("Enter")
    page.get_by_label("Country or state").select_option("France")
    page.get_by_role("button", name="Use these rules").press("Enter")
    expect(page.get_by_role("heading", name="Your photos")).to_have_count(0)
    readable(page, "who somebody is")
    shows_who_they_are(page, files)

    page.get_by_label("advertising").press("Space")
    expect(page.get_by_label("Only some uses")).to_be_checked()
    page.get_by_label("Choose photos").set_input_files([files[name] for name in ("photo", "hills", "crowd")])
    looked = page.locator("#looked")
    expect(looked.get_by_text("This one will do")).to_be_visible()
    expect(looked.get_by_text("No face was found in this photo")).to_be_visible()
    expect(looked.get_by_text("There is more than one face in this photo")).to_be_visible()
    page.get_by_label("A photo of the portrait").set_input_files(files["document"])
    readable(page, "the form")
    registration = agrees(page)
    expect(page.locator(".words li")).to_have_count(12)
    assert page.evaluate("document.querySelector('img.qr').decode().then(() => true)"), "the code is drawn"
    readable(page, "what is shown once")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the receipt").click()
    assert re.fullmatch(rb"[\w-]+\.[\w-]+\.[\w-]+", saved.value.path().read_bytes())

    assert asked_about(home, files) == "refused"
    asked = list[str]()
    page.on("dialog", lambda one: asked.append(one.type))
    page.get_by_role("link", name="I have written the words down").click()
    expect(page.get_by_text("A creation tool asked")).to_be_visible()
    assert asked == [], "whoever says that they wrote it down is not asked again"
    readable(page, "the log")
    page.get_by_role("button", name="It may not be").press("Enter")
    expect(page.get_by_text("You said: it may not be")).to_be_visible()

    page.get_by_role("link", name="Put it into my wallet").press("Enter")
    readable(page, "before an offer")
    page.get_by_role("button", name="Offer it").press("Enter")
    expect(page.get_by_role("heading", name="Scan this with your wallet")).to_be_visible()
    assert page.evaluate("document.querySelector('img.qr').decode().then(() => true)"), "the code is drawn"
    readable(page, "an offer")
    page.get_by_role("link", name="Back to the registration").press("Enter")

    page.get_by_role("link", name="Renew it").press("Enter")
    page.get_by_label("I have read this").press("Space")
    readable(page, "renewing")
    page.get_by_role("button", name="Renew it").press("Enter")
    expect(page.get_by_role("heading", name="My face: protected")).to_be_visible()

    page.get_by_role("link", name="Withdraw it").press("Enter")
    readable(page, "withdrawing")
    page.get_by_role("button", name="Withdraw it").press("Enter")
    expect(page.get_by_role("heading", name="My face: withdrawn")).to_be_visible()
    expect(page.get_by_text("Your browser checked it")).to_be_visible()
    readable(page, "the proof")
    assert asked_about(home, files) == "allowed"
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download the proof").press("Enter")
    forged_proofs_are_named(page, registration, json.loads(saved.value.path().read_bytes()))


def forged_proofs_are_named(page: Page, registration: str, proof: dict[str, Any]) -> None:
    """Every member of a proof is looked at."""
    other = f"reg_{'a' * 26}"
    forged: list[tuple[dict[str, Any], str, str]] = [
        ({}, registration, registration),
        ({}, other, "malformed"),
        ({"siblings": [*proof["siblings"], "0" * 64]}, registration, "inclusion"),
        ({"siblings": None}, registration, "malformed"),
        ({"other": "0" * 64, "siblings": []}, registration, "inclusion"),
        ({"salt": "0" * 64}, registration, "inclusion"),
        ({"salt": "x"}, registration, "malformed"),
        ({"opened": proof["opened"].replace('"size":', '"size": ')}, registration, "inclusion"),
        ({"receipt": proof["receipt"].replace("index ", "index 9", 1)}, registration, "inclusion"),
        ({"format": "sigillo-absence@2"}, registration, "malformed"),
    ]
    for change, about, said in forged:
        assert page.evaluate(CHECK, [{**proof, **change}, about]) == said, change


GAP = """async (proofs) => {
  const { checkGap } = await import("/static/absence.js");
  const bytes = (text) => Uint8Array.from(text.match(/../g), (byte) => parseInt(byte, 16));
  const said = [];
  for (const [place, other, siblings, root] of proofs) {
    const check = checkGap(bytes(place), other && bytes(other), siblings.map(bytes), bytes(root));
    said.push(await check.then(() => "absent", (error) => error.code));
  }
  return said;
}"""


def test_a_gap_among_many(page: Page) -> None:
    """Of trees that the service makes: what is not in one is proved absent, and nothing else is by that proof."""
    page.goto("/register")
    draw = random.Random(8)
    values = [draw.randbytes(32) for _ in range(40)]
    trees = [PrefixTree(values[:size]) for size in (0, 1, 2, 3, 17, 32)]
    proofs, expected = list[list[Any]](), list[str]()
    for tree in trees:
        for place in values[32:]:
            gap = tree.gap(place)
            other, siblings = gap.other and gap.other.hex(), [one.hex() for one in gap.siblings]
            proofs += [
                [place.hex(), other, siblings, tree.root.hex()],
                [place.hex(), other, siblings, values[0].hex()],
                [place.hex(), place.hex(), siblings, tree.root.hex()],
                [(place[0] ^ 128).to_bytes().hex() + place[1:].hex(), other, siblings, tree.root.hex()],
            ]
            # What begins with another bit is elsewhere, unless there is but one place.
            expected += ["absent", "inclusion", "inclusion", "inclusion" if siblings else "absent"]
    assert page.evaluate(GAP, proofs) == expected


def test_a_picture_that_never_leaves_the_browser(page: Page, home: Running, files: dict[str, Path]) -> None:
    sent = list[Request]()
    page.goto("/register/image")
    page.get_by_role("button", name="Make a passkey").press("Enter")
    expect(page.get_by_role("heading", name="Who you are")).to_have_count(0)
    page.get_by_role("button", name="Use these rules").press("Enter")
    shows_who_they_are(page, files)
    page.on("request", lambda one: sent.append(one) if one.method == "POST" else None)
    page.context.set_offline(True)
    page.get_by_label("Choose a picture").set_input_files(PICTURE)
    expect(page.get_by_text("Nothing has been sent")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("img", name="The picture that you chose")).to_have_class("blurred")
    assert not sent
    readable(page, "a picture's form")
    page.get_by_label("For a child").check()
    page.get_by_label("I have read this").check()
    page.get_by_role("button", name="Sign with my passkey").press("Enter")
    expect(page.get_by_text("Say in a few words by which right")).to_be_visible()
    page.get_by_label("I have read this").uncheck()
    page.get_by_label("For myself").check()
    registration = agrees(page)
    assert [one.url.rpartition("/")[2] for one in sent] == ["statement", "image"]
    content = PICTURE.read_bytes()
    for one in sent:
        body = one.post_data_buffer or b""
        assert len(body) < 8192, "no picture fits in"
        assert not any(content[at : at + 16] in body for at in range(0, len(content) - 16, 64))
    forms, _ = turned_hashes(Image.open(PICTURE).convert("RGB"))
    tenant, kept = home.service.deployment.operator().tenant, home.service.registry.registrations.pictures
    assert kept.index.match(tenant, from_hex(list(forms[:1]))) == [registration], "an upload of it is found"
    page.goto("/me")
    expect(page.get_by_role("heading", name="One picture: watched for")).to_be_visible()
    expect(page.get_by_text("Nothing is blocked by that")).to_be_visible()
    readable(page, "what somebody registered")
    page.get_by_role("link", name="Open it").press("Enter")
    expect(page.get_by_text(registration)).to_be_visible()


def test_without_javascript_it_is_said_what_needs_it(browser: Browser, home: Running) -> None:
    with tab(browser, home.service.settings.origin, java_script_enabled=False) as page:
        page.goto("/register")
        expect(page.get_by_role("heading", name="What it does not do")).to_be_visible()
        page.get_by_role("link", name="Register a picture").click()
        expect(page.get_by_text("Signing in with a passkey needs JavaScript")).to_be_visible()
        page.goto("/recover")
        page.get_by_label("Name of the registration").fill(f"reg_{'a' * 26}")
        page.get_by_label("The twelve words").fill("zoo " * 11 + "wrong")
        page.get_by_role("button", name="Ask that it end").click()
        expect(page.get_by_role("alert")).to_contain_text("Type the twelve words as they were shown")
