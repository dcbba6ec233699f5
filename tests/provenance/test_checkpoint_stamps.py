"""Checkpoints are stamped by whoever answers as it should: liars are passed over, and what is stored holds."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import tsp

from detection.errors import SandboxBusyError
from detection.sandbox import Sandbox
from detection.shares import Shares
from keys.clock import Clock, system_clock
from keys.time_stamps import verified
from ledger.errors import StampUnavailableError
from provenance.checkpoint_stamps import CheckpointStamps
from provenance.time_stamps import FAILURES, TimeStamps
from tests.provenance.test_time_stamps import LIARS, dead
from tests.simulators.openssl_authority import HERE, OpenSSLAuthority, needs_openssl
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

NOTE = "log.example/test\n5\nAAAA\n\n— log.example/test AAAA\n".encode()


@pytest.fixture(scope="module")
def good() -> Iterator[TimeStampAuthority]:
    with serving(OpenSSLAuthority() if HERE else TimeStampAuthority()) as authority:
        yield authority


def stamp(sandbox: Sandbox, *authorities: TimeStampAuthority | str, clock: Clock = system_clock) -> bytes:
    """What these authorities, in this order, make of the note."""
    urls = [one if isinstance(one, str) else one.url for one in authorities]
    roots = "".join(one.anchors for one in authorities if not isinstance(one, str))
    with TimeStamps(urls, required=True, seconds=10) as time_stamps:
        return CheckpointStamps(Shares(lambda: sandbox, each=1), time_stamps, roots, clock)(NOTE).response


def an_hour(said: dict[str, Any], hours: int) -> None:
    said["gen_time"] += timedelta(hours=hours)


WRONG_TIMES: dict[str, dict[str, Any]] = {
    "an hour late": {"twist": lambda said: an_hour(said, -1)},
    "an hour early": {"twist": lambda said: an_hour(said, 1)},
    "after its certificate": {"twist": lambda said: an_hour(said, 24 * 365 * 20)},
}


def test_what_comes_back_holds_and_is_of_now(sandbox: Sandbox, good: TimeStampAuthority) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    said = verified(stamp(sandbox, good), NOTE, good.anchors)
    assert before <= said.time <= datetime.now(UTC)


def test_what_leaves_the_house_is_a_hash_and_a_nonce(sandbox: Sandbox, good: TimeStampAuthority) -> None:
    stamp(sandbox, good)
    request = tsp.TimeStampReq.load(good.asked[-1], strict=True).native
    assert len(request["message_imprint"]["hashed_message"]) == 32
    assert (request["req_policy"], request["extensions"]) == (None, None)
    assert request["nonce"]


@pytest.mark.parametrize("lie", [*LIARS, *WRONG_TIMES])
def test_a_liar_is_passed_over_and_alone_it_is_named(sandbox: Sandbox, good: TimeStampAuthority, lie: str) -> None:
    with serving(TimeStampAuthority("Liar", **(LIARS | WRONG_TIMES)[lie])) as liar:
        verified(stamp(sandbox, liar, good), NOTE, good.anchors)
        with pytest.raises(StampUnavailableError, match=f"{liar.url[7:-1]}: "):
            stamp(sandbox, liar)


def test_a_root_that_nobody_configured_is_worth_nothing(sandbox: Sandbox, good: TimeStampAuthority) -> None:
    with serving(TimeStampAuthority("Stranger")) as stranger:
        verified(stamp(sandbox, stranger.url, good), NOTE, good.anchors)


def test_the_second_is_used_while_the_first_is_dead(sandbox: Sandbox, good: TimeStampAuthority) -> None:
    verified(stamp(sandbox, dead(), good), NOTE, good.anchors)


def test_a_wrong_clock_of_ours_is_told(sandbox: Sandbox, good: TimeStampAuthority) -> None:
    with pytest.raises(StampUnavailableError, match="or ours, is wrong"):
        stamp(sandbox, good, clock=lambda: datetime.now(UTC) + timedelta(hours=1))


def test_after_an_outage_it_recovers_and_each_authority_says_how_it_did(sandbox: Sandbox) -> None:
    with serving(TimeStampAuthority(status=503)) as authority, TimeStamps([authority.url], required=False) as asked:
        stamps = CheckpointStamps(Shares(lambda: sandbox, each=1), asked, authority.anchors, system_clock)
        for _ in range(FAILURES + 1):
            with pytest.raises(StampUnavailableError, match="HTTP status 503"):
                stamps(NOTE)
        assert len(authority.asked) == FAILURES, "then it is left alone for a while"
        assert asked.authorities[0].fault == "it answers with HTTP status 503"
        authority.status = 200
        asked.authorities[0].note(0)  # as after the rest
        assert stamps(NOTE).response
        assert asked.authorities[0].fault == ""


def test_workers_that_are_busy_delay_it(good: TimeStampAuthority) -> None:
    def busy() -> Sandbox:
        raise SandboxBusyError("every worker is occupied")

    with TimeStamps([good.url], required=True) as asked:
        stamps = CheckpointStamps(Shares(busy, each=1), asked, good.anchors, system_clock)
        with pytest.raises(StampUnavailableError, match="every worker is occupied"):
            stamps(NOTE)
        assert asked.authorities[0].fault == ""


@needs_openssl
def test_anyone_checks_one_with_openssl(sandbox: Sandbox, good: TimeStampAuthority, tmp_path: Path) -> None:
    response = stamp(sandbox, good)
    (tmp_path / "5.checkpoint").write_bytes(NOTE)
    (tmp_path / "tsa.pem").write_text(good.anchors)
    command = "openssl ts -verify -data 5.checkpoint -in 5.tsr -CAfile tsa.pem"
    for answer, code in ((response, 0), (response[:-1] + bytes([response[-1] ^ 1]), 1)):
        (tmp_path / "5.tsr").write_bytes(answer)
        done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == code
