"""Several files in one form, and the answer read piece by piece however it is cut."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from api.edge.tray import MixedAnswer, Part
from sigillo_client import BatchFile, Sigillo, UnreachableError
from sigillo_client.batch_files import Form, parts


def cut(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def answered(bodies: list[bytes]) -> bytes:
    given_out = [Part(f"part-{number}", "image/jpeg", body) for number, body in enumerate(bodies)]
    answer = MixedAnswer(given_out, ExitStack(), {})
    return b"".join(answer._chunks())


@given(bodies=st.lists(st.binary(max_size=300), max_size=5), size=st.integers(1, 400))
def test_an_answer_is_read_however_it_is_cut(bodies: list[bytes], size: int) -> None:
    found = [(part.name, b"".join(part.chunks)) for part in parts(cut(answered(bodies), size))]
    assert found == [(f"part-{number}", body) for number, body in enumerate(bodies)]


@given(bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=5), size=st.integers(1, 400))
def test_a_part_that_nobody_reads_is_passed_over(bodies: list[bytes], size: int) -> None:
    assert len([part.name for part in parts(cut(answered(bodies), size))]) == len(bodies)


def test_an_answer_is_read_to_its_end_so_that_its_connection_serves_again() -> None:
    ended = list[bool]()

    def body() -> Iterator[bytes]:
        yield answered([b"one", b"two"])
        ended.append(True)

    assert len(list(parts(body()))) == 2
    assert ended == [True]


@given(bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=5), data=st.data())
def test_an_answer_that_ends_early_is_no_answer(bodies: list[bytes], data: st.DataObject) -> None:
    whole = answered(bodies)
    with pytest.raises(UnreachableError):
        list(parts(cut(whole[: data.draw(st.integers(0, len(whole) - 3))], 100)))


@pytest.mark.parametrize("line", [b"<p>Log in to this network</p>", b"Content-Length: many"])
def test_what_somebody_between_answers_is_no_answer(line: bytes) -> None:
    with pytest.raises(UnreachableError, match="what lies between"):
        list(parts(iter([b"<html>\r\n" + line + b"\r\n\r\n</html>\r\n"])))


def test_an_answer_that_somebody_between_compresses_is_read() -> None:
    asset = b'{"id": "ast_1"}'
    given_out = MixedAnswer([Part("asset", "application/json", asset)], ExitStack(), {})
    headers = {"Content-Type": given_out.headers["content-type"], "Content-Encoding": "gzip"}
    answer = httpx.Response(200, headers=headers, content=iter([gzip.compress(b"".join(given_out._chunks()))]))
    with Sigillo() as sigillo:
        sigillo._http._transport.close()
        sigillo._http._transport = httpx.MockTransport(lambda _: answer)
        (done,) = sigillo.sign_files("bat_1", [BatchFile(b"x", "one", "a.jpg")], {}, lambda *_: None)
    assert isinstance(done, dict)
    assert done["id"] == "ast_1"


def test_a_form_is_as_long_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(bytes(3_000_000))
    files = [BatchFile(b"small", "one", "a.jpg"), BatchFile(tmp_path / "large.jpg", "two", 'na"me\r\n.jpg')]
    form = Form({"title": "x"}, files)
    body = b"".join(form.chunks())
    assert len(body) == int(Headers(form.headers)["content-length"])
    assert b'filename="na%22me%0D%0A.jpg"\r\nContent-Type: image/jpeg\r\nIdempotency-Key: two\r\n\r\n' in body
    assert max(map(len, form.chunks())) < 1024 * 1024 + 1000
