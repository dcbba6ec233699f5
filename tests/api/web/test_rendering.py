from __future__ import annotations

import pytest

from api.web.rendering import moment
from tests.deployment import Running

PAGES = ("/", "/verify", "/audit", "/audit/entries/{entry}", "/audit/entries/ent_nobody", "/verify?x=<script>")


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_harmless_and_small(deployment: Running, path: str) -> None:
    with deployment.http() as http:
        deployment.key()
        entry = http.get("/v1/ledger/entries").json()["entries"][0]["entry"]["id"]
        answer = http.get(path.format(entry=entry))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert len(answer.content) < 60_000
    for inline in ("<style", "style=", "onclick", "onload", "javascript:", "http://", "https://"):
        assert inline not in answer.text.replace(f"{http.base_url}", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-21T23:24:09+01:00", "2026-11-21 22:24:09 UTC"),
        ("2026-11-21T22:24:09Z", "2026-11-21 22:24:09 UTC"),
        ("some day", "some day"),
        (None, ""),
    ],
)
def test_moments(text: str | None, shown: str) -> None:
    assert moment(text) == shown


def test_what_goes_wrong_is_told_on_a_page(deployment: Running) -> None:
    with deployment.http() as http:
        answer = http.get("/audit/entries/ent_nobody")
        assert answer.status_code == 404
        assert 'role="alert"' in answer.text
        assert "No such ledger entry" in answer.text
        empty = http.post("/verify", files={"file": ("x.jpg", b"")})
        assert empty.status_code == 422
        assert 'role="alert"' in empty.text
        assert http.post("/verify", content=b"x").status_code == 400


def test_files_of_pages(deployment: Running) -> None:
    with deployment.http() as http:
        for name, kind in {
            "sigillo.css": "text/css",
            "ledger.js": "text/javascript",
            "seal.svg": "image/svg+xml",
        }.items():
            answer = http.get(f"/static/{name}")
            assert answer.headers["content-type"].startswith(kind)
            assert answer.headers["x-content-type-options"] == "nosniff"
        for path in ("/static/", "/static/nothing.js", "/static/..%2Fwords.py", "/static/../words.py"):
            assert http.get(path).status_code == 404
