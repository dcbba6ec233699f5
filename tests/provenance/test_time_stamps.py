"""Time-stamps from authorities that work, lie, hang or are gone: a good one, or the documented policy."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import tsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from detection.errors import JobFailedError, WorkerCrashedError
from provenance.errors import TimeStampRefusedError, TimeStampUnavailableError
from provenance.time_stamps import FAILURES, MAX_ANSWER_BYTES, REST_SECONDS, Answer, TimeStamps
from provenance.trust import TrustPolicy
from provenance.verdict import Verdict
from tests.provenance.house import MIMES, House, draw
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

IMPATIENT = 0.5
"""Seconds for an authority that will not answer; good ones in the same test have as long."""

PATIENT = 20.0
"""Seconds after which an authority that hung or dripped would have had its way."""

GOOD = "Good time-stamps"


@pytest.fixture
def good() -> Iterator[TimeStampAuthority]:
    with serving(TimeStampAuthority(GOOD)) as authority:
        yield authority


def trusting(house: House, *authorities: TimeStampAuthority) -> TrustPolicy:
    """The house's policy with the roots of these authorities."""
    roots = {authority.name: authority.anchors for authority in authorities}
    return TrustPolicy.of({"this service": house.trust.anchors}, authorities=roots)


@contextmanager
def stamping(
    house: House, trust: TrustPolicy, *urls: str, required: bool = True, seconds: float = 10
) -> Iterator[House]:
    """The house, asking these authorities."""
    with TimeStamps(urls, required=required, seconds=seconds) as time_stamps:
        yield replace(house, trust=trust, time_stamps=time_stamps)


@pytest.mark.parametrize("kind", MIMES)
def test_a_claim_bears_a_trusted_time_stamp(house: House, good: TimeStampAuthority, kind: str) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with stamping(house, trusting(house, good), good.url) as own:
        asset = own.sign(draw(kind), mime=MIMES[kind])
        with asset.content as file:
            report = own.verify(file.read(file.size))
    assert report.verdict is Verdict.TRUSTED
    assert report.time_stamps == (asset.time_stamp,)
    assert asset.time_stamp is not None
    assert (asset.time_stamp.authority, asset.time_stamp.trusted) == (GOOD, True)
    assert before <= datetime.fromisoformat(str(asset.time_stamp.time)) <= datetime.now(UTC)


def test_no_authority_is_asked_where_none_is_set(house: House) -> None:
    asset = house.sign(draw())
    asset.content.close()
    assert asset.time_stamp is None


def test_what_leaves_the_house_is_a_hash_and_a_nonce(house: House, good: TimeStampAuthority) -> None:
    with stamping(house, trusting(house, good), good.url) as own:
        for _ in range(2):
            own.sign(draw()).content.close()
    requests = [tsp.TimeStampReq.load(request, strict=True) for request in good.asked]
    for request in requests:
        assert set(request.native) == {"version", "message_imprint", "req_policy", "nonce", "cert_req", "extensions"}
        assert (request.native["req_policy"], request.native["extensions"]) == (None, None)
        assert request["message_imprint"]["hash_algorithm"]["algorithm"].native == "sha256"
        assert len(request["message_imprint"]["hashed_message"].native) == hashlib.sha256().digest_size
    first, second = (request["nonce"].native for request in requests)
    assert first != second


def other_imprint(said: dict[str, Any]) -> None:
    hashed = hashlib.sha256(b"something else").digest()
    said["message_imprint"] = tsp.MessageImprint({"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashed})


def other_nonce(said: dict[str, Any]) -> None:
    said["nonce"] += 1


def no_nonce(said: dict[str, Any]) -> None:
    del said["nonce"]


def a_day_ago(said: dict[str, Any]) -> None:
    """Before the claim's certificate: right for the authority's own certificate, and worthless here."""
    said["gen_time"] -= timedelta(days=1)


def tampered(answer: bytes) -> bytes:
    return answer[:-1] + bytes([answer[-1] ^ 1])


LIARS: dict[str, dict[str, Any]] = {
    "wrong imprint": {"twist": other_imprint},
    "wrong nonce": {"twist": other_nonce},
    "no nonce": {"twist": no_nonce},
    "a time at which the certificate was not yet valid": {"twist": a_day_ago},
    "usage not critical": {"critical": False},
    "certificate for something else": {"usage": ExtendedKeyUsageOID.EMAIL_PROTECTION},
    "rejected": {"granted": "rejection"},
    "tampered": {"spoil": tampered},
    "garbage": {"spoil": lambda _: b"<html>Buy now</html>"},
    "nothing": {"spoil": lambda _: b""},
    "cut short": {"spoil": lambda answer: answer[:-100]},
    "oversized": {"spoil": lambda answer: answer + bytes(MAX_ANSWER_BYTES)},
    "an error": {"status": 500},
}


@pytest.mark.parametrize("lie", LIARS)
def test_a_liar_is_passed_over(house: House, good: TimeStampAuthority, lie: str) -> None:
    with serving(TimeStampAuthority("Liar", **LIARS[lie])) as liar:
        trust = trusting(house, liar, good)
        with stamping(house, trust, liar.url, good.url) as own:
            check_stamped_by_good(own)
        with stamping(house, trust, liar.url) as own, pytest.raises(TimeStampUnavailableError, match=liar.url[7:-1]):
            own.sign(draw())
        with stamping(house, trust, liar.url, required=False) as own:
            check_signed_without(own)
        assert len(liar.asked) == 3


def check_stamped_by_good(own: House) -> None:
    asset = own.sign(draw())
    assert asset.time_stamp is not None
    assert asset.time_stamp.authority == GOOD
    with asset.content as file:
        assert own.verify(file.read(file.size)).verdict is Verdict.TRUSTED


def check_signed_without(own: House) -> None:
    asset = own.sign(draw())
    assert asset.time_stamp is None
    with asset.content as file:
        report = own.verify(file.read(file.size))
    assert (report.verdict, report.time_stamps) == (Verdict.TRUSTED, ())


def test_a_root_that_nobody_configured_is_worth_nothing(house: House, good: TimeStampAuthority) -> None:
    with serving(TimeStampAuthority("Stranger")) as stranger:
        with stamping(house, trusting(house, good), stranger.url, good.url) as own:
            check_stamped_by_good(own)
        with stamping(house, trusting(house, good), stranger.url, required=False) as own:
            check_signed_without(own)


def test_our_own_root_vouches_for_no_authority(house: House, good: TimeStampAuthority) -> None:
    """Without the operator's list there is nothing to chain to."""
    with stamping(house, trusting(house), good.url, required=False) as own:
        check_signed_without(own)


def dead() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


def test_a_dead_authority_is_passed_over(house: House, good: TimeStampAuthority) -> None:
    with stamping(house, trusting(house, good), dead(), good.url) as own:
        check_stamped_by_good(own)


def test_a_hung_authority_is_passed_over(house: House, good: TimeStampAuthority) -> None:
    release = threading.Event()
    with serving(TimeStampAuthority("Slow", delay=lambda: release.wait(PATIENT))) as slow:
        try:
            with stamping(house, trusting(house, slow, good), slow.url, good.url, seconds=IMPATIENT) as own:
                check_stamped_by_good(own)
            assert len(slow.asked) == 1
        finally:
            release.set()


@contextmanager
def dripping(beginning: bytes) -> Iterator[tuple[str, threading.Event]]:
    """An authority that always has a little more to say, so that every single read is quick; and whether it was
    listened to for PATIENT seconds.
    """
    stop, heard_out = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(beginning)
                for _ in range(round(PATIENT / 0.05)):
                    if stop.wait(0.05):
                        return
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return
            heard_out.set()

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/", heard_out
        finally:
            stop.set()
            thread.join(30)


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 200 OK\r\nX-More: ", b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n"],
    ids=["head", "body"],
)
def test_an_authority_that_drips_has_no_more_time_than_others(
    house: House, good: TimeStampAuthority, beginning: bytes
) -> None:
    with dripping(beginning) as (url, heard_out):
        with stamping(house, trusting(house, good), url, good.url, seconds=IMPATIENT) as own:
            check_stamped_by_good(own)
        assert not heard_out.is_set()


def test_no_more_is_read_than_an_answer_may_have(good: TimeStampAuthority) -> None:
    good.spoil = lambda _: bytes(MAX_ANSWER_BYTES + 1)
    with (
        TimeStamps([good.url], required=True) as time_stamps,
        pytest.raises(TimeStampUnavailableError, match=f"longer than {MAX_ANSWER_BYTES} bytes"),
    ):
        time_stamps.obtain(b"message", taken)


def test_redirects_are_not_followed(house: House, good: TimeStampAuthority) -> None:
    moved = TimeStampAuthority("Moved", status=307, headers={"Location": good.url})
    with serving(moved), stamping(house, trusting(house, moved, good), moved.url, required=False) as own:
        check_signed_without(own)
    assert good.asked == []


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(answer: Answer) -> bytes:
    return answer.response


def test_who_fails_again_and_again_is_left_alone_for_a_while(good: TimeStampAuthority) -> None:
    timer, told = Timer(), list[tuple[str, str]]()
    good.status = 503
    with TimeStamps([good.url], required=False, notice=lambda *what: told.append(what), timer=timer) as time_stamps:
        for _ in range(FAILURES + 4):
            assert time_stamps.obtain(b"message", taken) is None
        assert len(good.asked) == FAILURES
        assert told == [(good.url[7:-1], "it answers with HTTP status 503")] * FAILURES

        timer.now += REST_SECONDS
        for _ in range(3):
            assert time_stamps.obtain(b"message", taken) is None
        assert len(good.asked) == FAILURES + 1, "after a rest one request tries, not all"

        timer.now += REST_SECONDS
        good.status = 200
        assert all(time_stamps.obtain(b"message", taken) for _ in range(3))


def test_after_a_rest_one_request_tries_while_others_go_on(good: TimeStampAuthority) -> None:
    timer, under_way, release = Timer(), threading.Event(), threading.Event()

    first = iter([True])

    def held() -> None:
        if next(first, False):
            under_way.set()
            release.wait(60)

    good.status = 503
    with TimeStamps([good.url], required=False, seconds=60, timer=timer) as time_stamps:
        for _ in range(FAILURES):
            time_stamps.obtain(b"message", taken)
        timer.now += REST_SECONDS
        good.delay = held
        trial = threading.Thread(target=time_stamps.obtain, args=(b"message", taken))
        trial.start()
        assert under_way.wait(30)
        assert time_stamps.obtain(b"message", taken) is None
        release.set()
        trial.join()
    assert len(good.asked) == FAILURES + 1


def test_a_success_forgives_earlier_failures(good: TimeStampAuthority) -> None:
    with TimeStamps([good.url], required=False, timer=Timer()) as time_stamps:
        for _ in range(3):
            for status in [*[503] * (FAILURES - 1), 200]:
                good.status = status
                assert bool(time_stamps.obtain(b"message", taken)) == (status == 200)


def test_only_where_one_is_required_does_its_want_make_us_unready(good: TimeStampAuthority) -> None:
    good.status = 503
    for required in (True, False):
        timer = Timer()
        with TimeStamps([good.url], required=required, timer=timer) as time_stamps:
            assert time_stamps.reason == ""
            for _ in range(FAILURES):
                try:
                    assert time_stamps.obtain(b"message", taken) is None
                except TimeStampUnavailableError:
                    assert required
            assert (good.url[7:-1] in time_stamps.reason) == required
            timer.now += REST_SECONDS
            assert time_stamps.reason == "", "or nobody would send the request that finds out"


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (TimeStampRefusedError("its nonce is another"), FAILURES),
        (WorkerCrashedError("of the answer, or of the file"), FAILURES + 2),
        (JobFailedError("ValueError", "stamping.py:1"), FAILURES + 2),
    ],
    ids=["refused", "crashed", "failed"],
)
def test_only_what_is_surely_its_own_fault_is_held_against_an_authority(
    good: TimeStampAuthority, error: Exception, asked: int
) -> None:
    def refuse(_: Answer) -> None:
        raise error

    with TimeStamps([good.url], required=True, timer=Timer()) as time_stamps:
        for _ in range(FAILURES + 2):
            with pytest.raises(TimeStampUnavailableError):
                time_stamps.obtain(b"message", refuse)
    assert len(good.asked) == asked


def test_what_is_not_about_the_answer_is_not_held_against_it(good: TimeStampAuthority) -> None:
    def fail(_: Answer) -> None:
        raise MemoryError

    with TimeStamps([good.url], required=True, timer=Timer()) as time_stamps:
        for _ in range(FAILURES + 1):
            with pytest.raises(MemoryError):
                time_stamps.obtain(b"message", fail)
    assert len(good.asked) == FAILURES + 1


def test_many_may_ask_at_once(good: TimeStampAuthority) -> None:
    """None waits for another's answer: all are under way before the first is given."""
    together = threading.Barrier(8, timeout=30)
    good.delay = together.wait
    answers: list[bytes | None] = []
    with TimeStamps([good.url], required=True, seconds=60) as time_stamps:

        def ask() -> None:
            answers.append(time_stamps.obtain(b"message", taken))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 8
    assert all(answers)
