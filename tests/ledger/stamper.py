"""Stamps for small ledgers: an authority without a network, whose clock is the test's."""

from __future__ import annotations

from datetime import timedelta

from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from keys.errors import TimeStampError
from keys.time_stamps import verified
from ledger.errors import StampUnavailableError
from ledger.stamping.stamper import Obtained, Stamping
from tests.ledger.world import World
from tests.simulators.time_stamp_authority import TimeStampAuthority


class Desk:
    """Has a world's checkpoints stamped; an `Obtain`."""

    def __init__(self, world: World, authority: TimeStampAuthority | None = None) -> None:
        self.world = world
        self.authority = authority or TimeStampAuthority(clock=world.clock)
        self.stamping = Stamping(world.database, self, world.clock)
        self.dead, self.asked = False, 0

    def __call__(self, note: bytes) -> Obtained:
        self.asked += 1
        if self.dead:
            raise StampUnavailableError("nobody answers")
        try:
            response = response_of(self.authority, note)
            return Obtained(response, verified(response, note, self.authority.anchors).time, self.authority.anchors)
        except TimeStampError as error:
            raise StampUnavailableError(str(error)) from error

    def stamp(self) -> None:
        """One more, an hour later."""
        self.world.clock.move(timedelta(hours=1))
        assert self.stamping.step()


def response_of(authority: TimeStampAuthority, message: bytes) -> bytes:
    """What it answers about a message."""
    builder = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256)
    return authority.answer(builder.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes())
