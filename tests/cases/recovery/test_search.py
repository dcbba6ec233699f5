"""Who is named first where several signed what looks like a file: against floods and later copies."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from PIL import Image

from cases.recovery import index as indexed
from tests.api.fixtures import to_the_log
from tests.api.fixtures import undisturbed as deployment
from tests.api.wire import proven, signed, upload
from tests.deployment import Running
from tests.recovering import clouds, posted, saved

__all__ = ["deployment", "to_the_log"]


def going_round(file: bytes) -> bytes:
    """What becomes of it on a platform."""
    return posted(Image.open(io.BytesIO(file)))


def put(deployment: Running, http: httpx.Client, file: bytes, title: str, visibility: str = "public") -> str:
    """Have it signed; its entry."""
    asset, _ = signed(http, file, {"title": title, "visibility": visibility})
    proven(deployment, asset["ledger"]["entry"])
    return str(asset["ledger"]["entry"])


@pytest.fixture
def keys(deployment: Running) -> Iterator[list[httpx.Client]]:
    with ExitStack() as stack:
        clients = [stack.enter_context(deployment.http(deployment.key())) for _ in range(5)]
        yield [*clients, stack.enter_context(deployment.http())]


def named(http: httpx.Client, file: bytes) -> Any:
    """What a verification says that it looks like."""
    return upload(http, file, path="/v1/verifications").json()["recovered"]


def titles(found: Any) -> list[str]:
    return [one["title"] for one in found["candidates"]]


def test_copies_that_others_sign_later_come_after_the_original(deployment: Running, keys: list[httpx.Client]) -> None:
    owner, *others, anyone = keys
    entry = put(deployment, owner, clouds(1), "ORIGINAL")
    copy = going_round(clouds(1))
    (alone,) = (found := named(anyone, copy))["candidates"]
    assert found["sentence"] == alone["sentence"]
    assert "looks like this was signed here on" in alone["sentence"]
    assert "trust" not in alone["sentence"], "our certificate says nothing of whose it is"
    for number, other in enumerate(others):
        put(deployment, other, copy, f"FORGED {number}")
    put(deployment, others[0], copy, "FORGED again")
    found = named(anyone, copy)
    assert titles(found) == ["ORIGINAL", "FORGED 0", "FORGED 1"], "one of each, by time"
    first, second, _ = found["candidates"]
    assert (first["ledger"]["entry"], second["match"], second["score"]) == (entry, "content", 100)
    assert first["match"] != "content"
    assert found["sentence"].startswith(first["sentence"])
    assert "was the first here with something like it" in found["sentence"]


def test_a_title_says_nothing_in_our_words(deployment: Running, keys: list[httpx.Client]) -> None:
    camera, *_, anyone = keys
    file, title = clouds(77), "Dawn”, by Reuters, whom you trust; its bytes are signed. “And"
    put(deployment, camera, file, title)
    found = named(anyone, going_round(file))
    assert titles(found) == [title], "as it was given"
    assert '“Dawn", by Reuters, whom you trust; its bytes are signed. "And”, by Sigillo' in found["sentence"]
    assert found["candidates"][0]["sentence"] in found["sentence"]


def test_what_the_same_one_signed_again_stays_the_first(deployment: Running, keys: list[httpx.Client]) -> None:
    owner, other, *_, anyone = keys
    put(deployment, owner, clouds(2), "ORIGINAL")
    copy = going_round(clouds(2))
    put(deployment, other, copy, "FORGED")
    put(deployment, owner, copy, "ORIGINAL, smaller")
    mine, theirs = (found := named(anyone, copy))["candidates"]
    assert titles(found) == ["ORIGINAL, smaller", "FORGED"], "the nearest of theirs, at the place of their first"
    assert mine["first_signed_at"] < theirs["signed_at"] < mine["signed_at"]


def test_who_signed_first_is_named_even_where_others_are_nearer(deployment: Running, keys: list[httpx.Client]) -> None:
    owner, *others, anyone = keys
    put(deployment, owner, clouds(3), "ORIGINAL")
    copy = saved(Image.open(io.BytesIO(clouds(3))).crop((12, 12, 640, 480)))
    for number, other in enumerate(others[:3]):
        put(deployment, other, copy, f"FORGED {number}")
    found = named(anyone, copy)
    assert titles(found) == ["FORGED 0", "FORGED 1", "ORIGINAL"]
    assert "less like it signed here before that" in found["sentence"]


@pytest.mark.parametrize("visibility", ["private", "unlisted", "public"])
def test_a_flood_by_one_key_hides_nobody(
    deployment: Running, keys: list[httpx.Client], monkeypatch: pytest.MonkeyPatch, visibility: str
) -> None:
    monkeypatch.setattr(indexed, "MAX_NEAR", 2)
    monkeypatch.setattr(indexed, "MAX_FIRST", 2)
    owner, flooder, *_, anyone = keys
    file = clouds(len(visibility))
    entry = put(deployment, owner, file, "ORIGINAL")
    copy = going_round(file)
    for _ in range(5):
        put(deployment, flooder, copy, "FLOOD", visibility)
    found = named(anyone, copy)
    assert found["candidates"][0]["ledger"]["entry"] == entry
    assert len(found["candidates"]) == (2 if visibility == "public" else 1)
    assert titles(named(flooder, copy)) == ["ORIGINAL", "FLOOD"], "whose it is finds their own, once"
