from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

import api.web.verify
from api.schemas.verification import VerificationView
from api.web.verify import Node, nested
from provenance.report import Ingredient, StampStanding, TimeStamp
from provenance.summary import Message
from provenance.verdict import Verdict
from tests.api.wire import proven, signed
from tests.deployment import Running, picture
from tests.detection.faces import photos
from tests.waiting import until

HOSTILE = "<img src=x onerror=alert(1)>'\"</title><script>alert(1)</script>"


class Tags(HTMLParser):
    """What a page really has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def ingredient(depth: int) -> Ingredient:
    return Ingredient(depth, None, None, None, None, None, None, ())


def flattened(nodes: list[Node], depth: int = 1) -> list[tuple[int, Ingredient]]:
    return [each for node in nodes for each in [(depth, node.of), *flattened(node.under, depth + 1)]]


@given(st.lists(st.integers(1, 6)))
def test_a_tree_is_the_order_it_was_told_in(steps: list[int]) -> None:
    depths, at = [], 0
    for step in steps:
        at = min(step, at + 1)
        depths.append(at)
    told = [ingredient(depth) for depth in depths]
    assert flattened(list(nested(told))) == list(zip(depths, told, strict=True))


def test_depths_that_jump_are_hung_somewhere() -> None:
    assert len(flattened(list(nested([ingredient(3), ingredient(9), ingredient(1), ingredient(0)])))) == 4


def test_what_others_wrote_is_text(deployment: Running) -> None:
    """Title and author come out of a stranger's file."""
    claim = {"title": HOSTILE, "author": {"name": HOSTILE, "statement": HOSTILE}}
    with deployment.http(deployment.key()) as http:
        _, file = signed(http, claim=claim)
        answer = http.post("/verify", files={"file": ("<b>.jpg", file)})
    assert answer.status_code == 200
    found = Tags(answer.text)
    assert [tag for tag, _ in found.tags].count("script") == 2, "the words, and the page's own"
    assert all("onerror" not in attributes for _, attributes in found.tags)
    assert answer.text.count("&lt;img src=x onerror=alert(1)&gt;") >= 3


@pytest.mark.parametrize(
    ("change", "verdict"), [("nothing", "trusted"), ("a byte", "invalid"), ("all", "absent"), ("most", "unreadable")]
)
def test_verdicts_in_words(deployment: Running, change: str, verdict: str) -> None:
    with deployment.http(deployment.key()) as http:
        _, file = signed(http)
        body = {
            "nothing": file,
            "a byte": file[:-20] + bytes([file[-20] ^ 1]) + file[-19:],
            "all": picture(),
            "most": file[:60],
        }[change]
        answer = http.post("/verify", files={"file": ("x.jpg", body)})
    assert f'class="card verdict {verdict}"' in answer.text
    assert ("Who signed it" in answer.text) == (verdict == "trusted")


def test_what_does_not_hold_is_said_with_reservation(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        _, file = signed(http)
        tampered = file[:-20] + bytes([file[-20] ^ 1]) + file[-19:]
        shown = http.post("/verify", files={"file": ("x.jpg", tampered)}).text
    assert "Changed since it was signed" in shown
    assert "Whom it names as its signer" in shown
    assert "Who signed it" not in shown
    assert "What it says was done to it" in shown
    assert "What was done to it" not in shown
    assert "We cannot tell" not in shown
    assert '<details class="card" open>' in shown, "what does not hold is named there"


def test_a_time_stamp_without_a_time_says_so(deployment: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = TimeStamp(None, "DigiCert", trusted=False, standing=StampStanding.UNREADABLE)

    async def verified(*_: object, **_asked: object) -> VerificationView:
        return VerificationView(Verdict.UNTRUSTED, "", time_stamps=(stamp,), messages=(Message("untrusted"),))

    monkeypatch.setattr(api.web.verify, "verified", verified)
    with deployment.http() as http:
        shown = http.post("/verify", files={"file": b"x"}).text
    assert "It carries a time-stamp by DigiCert that gives no time for this signature." in shown


@pytest.mark.parametrize("visibility", ["public", "unlisted", "private"])
def test_a_changed_copy_names_the_entry_of_its_original_as_that(deployment: Running, visibility: str) -> None:
    with deployment.http(deployment.key()) as http:
        asset, file = signed(http, claim={"visibility": visibility})
        tampered = file[:-20] + bytes([file[-20] ^ 1]) + file[-19:]
        shown = http.post("/verify", files={"file": ("x.jpg", tampered)}).text
    assert (f'href="/audit/entries/{asset["ledger"]["entry"]}"' in shown) == (visibility == "public")
    assert ("are the original" in shown) == (visibility == "public")
    assert "data-receipt" not in shown, "no receipt is checked as this file's"


def test_a_public_asset_names_its_entry(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, file = signed(http, claim={"visibility": "public"})
        proven(deployment, asset["ledger"]["entry"])
        shown = http.post("/verify", files={"file": ("x.jpg", file)}).text
    assert f'data-receipt="/v1/receipts/{asset["ledger"]["entry"]}"' in shown


def test_a_copy_that_lost_its_manifest_leads_to_its_original(deployment: Running) -> None:
    photo = photos.PORTRAIT_FILE.read_bytes()
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http, photo, claim={"visibility": "public", "title": HOSTILE})
        entry = asset["ledger"]["entry"]
        proven(deployment, entry)
        until(lambda: http.post("/v1/verifications", files={"file": photo}).json()["recovered"]["candidates"])
        shown = http.post("/verify", files={"file": ("x.jpg", photo)}).text
    assert 'class="card verdict absent"' in shown, "recovered is not trusted"
    assert f'href="/manifests/{quote(asset["manifest"], safe="")}"' in shown
    assert "Recovered is not trusted" in shown
    assert f'data-receipt="/v1/receipts/{entry}"' in shown
    assert "What was signed says of itself" in shown
    assert "<img src=x" not in shown


def test_it_says_how_sure_we_are_and_why(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        _, file = signed(http)
        told = http.post("/v1/verifications?confidence=true", files={"file": file}).json()["confidence"]
        shown = http.post("/verify", files={"file": ("x.jpg", file)}).text
    assert f'value="{told["score"]}"' in shown
    assert all(escape(reason["sentence"]) in shown for reason in told["reasons"])


def test_what_was_made_by_ai_says_so(deployment: Running) -> None:
    action = {"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}
    with deployment.http(deployment.key("Painter", source_types=["trainedAlgorithmicMedia"])) as http:
        _, file = signed(http, claim={"title": "x", "actions": [action]})
        shown = http.post("/verify", files={"file": ("x.jpg", file)}).text
    assert "This picture was generated by AI." in shown
