from __future__ import annotations

import pytest
from starlette.requests import Request

from api.edge.auth import CrossSiteError, origin_of, refuse_cross_site
from api.settings import Settings

OURS = "https://sigillo.example"


def form(host: str, **headers: str) -> Request:
    sent = {"host": host, **headers}
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()]
    return Request({"type": "http", "method": "POST", "scheme": "http", "path": "/", "headers": raw, "root_path": ""})


def test_where_we_are_is_what_the_operator_says() -> None:
    assert origin_of(form("evil.example"), Settings(public_url=OURS)) == OURS
    assert origin_of(form("127.0.0.1:8080"), Settings(public_url="")) == "http://127.0.0.1:8080"


def test_a_form_is_ours_by_the_configured_origin_and_no_host_that_was_sent() -> None:
    behind_a_proxy = Settings(public_url=OURS)
    refuse_cross_site(form("10.0.0.7:8080", origin=OURS), behind_a_proxy)
    with pytest.raises(CrossSiteError):
        refuse_cross_site(form("evil.example", origin="http://evil.example"), behind_a_proxy)
    refuse_cross_site(form("localhost:8080", origin="http://localhost:8080"), Settings(public_url=""))
    refuse_cross_site(form("localhost:8080", sec_fetch_site="same-origin"), behind_a_proxy)
