from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.web.audit import bars
from tests.api.wire import proven, signed
from tests.deployment import Running


@pytest.mark.parametrize(
    ("entries", "heights"), [((0, 0), [0, 0]), ((1, 0, 1000), [1, 0, 24]), ((3,), [24]), ((1, 2), [12, 24])]
)
def test_a_day_with_an_entry_has_a_bar(entries: tuple[int, ...], heights: list[int]) -> None:
    assert list(bars(entries)) == heights


def test_a_search_finds_what_the_api_finds(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
        proven(deployment, asset["ledger"]["entry"])
        kinds = {one["entry"]["kind"] for one in http.get("/v1/ledger/entries").json()["entries"]}
        for kind in kinds:
            expected = http.get("/v1/ledger/entries", params={"kind": kind}).json()["entries"]
            shown = http.get("/audit", params={"kind": kind}).text
            assert all(f"/audit/entries/{one['entry']['id']}" in shown for one in expected)
            assert shown.count('href="/audit/entries/') == len(expected)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"from": "2000-01-01", "to": "2000-01-02"}, "was recorded in that time"),
        ({"from": "yesterday"}, "This cannot be searched"),
        ({"cursor": "x"}, "This cannot be searched"),
        ({"kind": "<script>"}, "No entry matches"),
    ],
)
def test_what_cannot_be_found_is_said(deployment: Running, query: dict[str, str], said: str) -> None:
    with deployment.http(deployment.key()) as http:
        proven(deployment, signed(http)[0]["ledger"]["entry"])
        answer = http.get("/audit", params=query)
    assert answer.status_code == 200
    assert said in answer.text
    assert '<script>"' not in answer.text
    assert "entries 0 to 0" not in answer.text


def signings(http: httpx.Client) -> Iterator[dict[str, Any]]:
    """All of them, however many other tests signed before."""
    cursor: str | None = ""
    while cursor is not None:
        asked = {"kind": "asset.signed"} | ({"cursor": cursor} if cursor else {})
        page = http.get("/v1/ledger/entries", params=asked).json()
        yield from (one["entry"] for one in page["entries"])
        cursor = page["next"]


def test_an_entry_is_shown_whole(deployment: Running) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
        entry = asset["ledger"]["entry"]
        proven(deployment, entry)
        shown = http.get(f"/audit/entries/{entry}").text
        found = next(one for one in signings(http) if one["id"] == entry)
    assert all(str(found[member]) in shown for member in ("id", "kind", "time", "policy", "commit", "actor", "prev"))
    assert f'data-receipt="/v1/receipts/{entry}"' in shown
