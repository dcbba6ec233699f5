from __future__ import annotations

import io
import ssl
import time
from pathlib import Path

import httpx
import pytest

from sigillo_client import NEVER, Problem, Sigillo, TokenError, UnreachableError
from sigillo_client.connection import TIMEOUT_SECONDS, UPLOAD_SECONDS
from tests.api.wire import PATIENCE
from tests.deployment import Running


def test_an_assets_whole_life(deployment: Running, photo: Path, tmp_path: Path) -> None:
    with deployment.client(deployment.key()) as sigillo:
        asset = sigillo.sign(photo, {"title": "Harbour"}, idempotency_key="one")
        assert sigillo.sign(photo, {"title": "Harbour"}, idempotency_key="one")["id"] == asset["id"]
        assert sigillo.asset(asset["id"])["title"] == "Harbour"
        signed = io.BytesIO()
        sigillo.content(asset["id"], signed)
        copy = tmp_path / "signed.jpg"
        copy.write_bytes(signed.getvalue())
        assert sigillo.verify(copy)["verdict"] == "trusted"
        assert sigillo.verify(copy, anchors=sigillo.anchors(), trust_config="1.3.6.1.5.5.7.3.4")["verdict"] == "trusted"
        assert sigillo.custody(asset["id"])["nodes"][0]["asset"] == asset["id"]
        deadline = time.monotonic() + PATIENCE
        while not (receipt := sigillo.receipt(asset["ledger"]["entry"])):
            assert time.monotonic() < deadline
        assert receipt.startswith("c2sp.org/tlog-proof@v1")
        origin = sigillo.log_key().split("+")[0]
        assert sigillo.checkpoint().startswith(origin)
        assert sigillo.erase(asset["id"])["erased"] == asset["id"]
        with pytest.raises(Problem) as gone:
            sigillo.content(asset["id"], io.BytesIO())
        assert (gone.value.status, gone.value.members["reason"]) == (410, "erased")


def test_an_answer_to_an_upload_may_take_as_long_as_a_film(photo: Path) -> None:
    waits = list[float]()

    def answer(request: httpx.Request) -> httpx.Response:
        waits.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json={"ready": True})

    with Sigillo() as sigillo:
        sigillo._http._transport.close()
        sigillo._http._transport = httpx.MockTransport(answer)
        sigillo.sign(photo)
        sigillo.ready()
    assert waits == [UPLOAD_SECONDS, TIMEOUT_SECONDS]


@pytest.mark.parametrize("token", ["sgk_secret\r", "sgk_secret\n", "sgk_ secret", "sgk_s\u00e9cret", "\ufeffsgk_cret"])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(token: str) -> None:
    """As files of settings have them that end their lines in another way. What is sent would be named in an error."""
    with pytest.raises(TokenError) as refused:
        Sigillo(token=token)
    assert "cret" not in str(refused.value)


def test_operators_calls(deployment: Running) -> None:
    issued = deployment.operator.issue_key({"tool": "Brush"})
    assert issued["id"] in {key["id"] for key in deployment.operator.api_keys()}
    deployment.operator.revoke_key(issued["id"])
    assert deployment.operator.ready()["ready"] is True


def test_no_answer_is_told_apart_from_a_refusal(deployment: Running) -> None:
    with (
        Sigillo("http://127.0.0.1:1", retries=NEVER) as sigillo,
        pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"),
    ):
        sigillo.checkpoint()
    with deployment.client() as sigillo, pytest.raises(Problem) as refused:
        sigillo.asset("ast_x")
    assert refused.value.status == 401


def test_token_does_not_show(deployment: Running) -> None:
    token = deployment.key()
    with deployment.client(token) as sigillo:
        assert token not in repr(sigillo)


@pytest.mark.parametrize(("url", "times"), [("http://127.0.0.1:9", 0), ("https://127.0.0.1:9", 1)])
def test_the_webs_authorities_are_read_where_tls_is_spoken(
    url: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[object]()
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **where: read.append(where))
    with Sigillo(url):
        assert len(read) == times
