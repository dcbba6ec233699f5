"""Who tells us of revocations: issuers' lists and an OCSP responder, the last good answer of each, and its age.

Rules
- Asked are the addresses and files that the operator named and the key store, and nothing that a certificate or a
  manifest names. What comes back is signed, so plain http will do; who is on the way can only withhold it.
- An answer that proves nothing, or none, leaves the last good one in force. A list is kept for restarts too, and is
  held to its issuer's signature again when it is read.
- An answer has its time and its size, and comes from where it was asked for: no redirect, no proxy.
- It is read in this process, by the library that reads every certificate here; media and manifests are not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import httpx
from cryptography import x509

from keys import ocsp
from keys.clock import Clock, Entropy
from keys.errors import KeysError, RevocationRefusedError
from keys.revocation import Revocation, RevocationList
from keys.web_trust import web_trust

INTERVAL: Final = timedelta(minutes=5)
"""How long an answer is not asked for again."""

RETRY: Final = timedelta(seconds=30)
"""After a failure."""

ANSWER_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 1024 * 1024

Certificates = Callable[[], Sequence[x509.Certificate]]


class Source(Protocol):
    """One that tells of revocations."""

    @property
    def name(self) -> str: ...

    def outdated(self) -> bool:
        """Whether it is now to be asked about something else than it was."""

    def owes(self, leaf: x509.Certificate) -> bool:
        """Whether it has yet to say something of a certificate, as far as anybody knows."""

    def restore(self, now: datetime) -> None:
        """Take up what was kept before a restart. Raises OSError."""

    def ask(self, now: datetime) -> None:
        """Ask it. Raises KeysError, OSError; the last good answer stays."""

    def revocations(self) -> Iterable[Revocation]:
        """All it told of."""

    def good_until(self, leaf: x509.Certificate) -> datetime | None:
        """Until when its last answer speaks for a certificate; None where it says nothing of it."""


@dataclass
class ListSource:
    """A revocation list."""

    name: str
    fetch: Callable[[], bytes]
    """Empty where there is none."""

    issuers: Certificates
    kept: Path
    named: bool = True
    """By the operator, who then waits for its word. The key store's own may have nothing to say."""

    _answered: bool = field(default=False, init=False)
    _found: RevocationList | None = field(default=None, init=False)

    def restore(self, now: datetime) -> None:
        """As `Source.restore`."""
        if self._found is None and self.kept.exists():
            with suppress(RevocationRefusedError):  # its issuer may be unknown until the key store answers
                self._found = RevocationList.of(self.kept.read_bytes(), self.issuers(), now)
                self._answered = True

    def ask(self, now: datetime) -> None:
        """As `Source.ask`."""
        self.restore(now)
        data = self.fetch()
        if data:
            found = RevocationList.of(data, self.issuers(), now)
            if self._found is not None:
                found.check_after(self._found)
            self._keep(data)
            self._found = found
        self._answered = True

    def revocations(self) -> Iterable[Revocation]:
        """As `Source.revocations`."""
        return self._found.revoked.values() if self._found else ()

    def good_until(self, leaf: x509.Certificate) -> datetime | None:
        """As `Source.good_until`."""
        return self._found.good_until if self._found and self._found.speaks_for(leaf) else None

    def outdated(self) -> bool:
        """Never: it is of all certificates."""
        return False

    def owes(self, leaf: x509.Certificate) -> bool:
        """As `Source.owes`: a list of another issuer is no answer."""
        return self.good_until(leaf) is None and (self.named or not self._answered)

    def _keep(self, data: bytes) -> None:
        draft = self.kept.with_name(f"{self.kept.name}.part")
        draft.parent.mkdir(exist_ok=True)
        draft.write_bytes(data)
        draft.replace(self.kept)


@dataclass
class ResponderSource:
    """An OCSP responder, asked about the certificate that signs now."""

    url: str
    current: Certificates
    """Leaf, then its issuer; empty where nothing signs."""

    entropy: Entropy
    about: str = ""
    """Which of several keys it is asked about, for messages."""

    _asked: x509.Certificate | None = field(default=None, init=False)
    _found: tuple[x509.Certificate, ocsp.CertificateStatus] | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """As `Source.name`."""
        return f"{self.url} ({self.about})" if self.about else self.url

    def restore(self, now: datetime) -> None:
        """As `Source.restore`: answers are short-lived, and not kept."""

    def ask(self, now: datetime) -> None:
        """As `Source.ask`."""
        signing = self.current()
        if len(signing) < len(("leaf", "issuer")):
            return
        leaf, issuer = signing[:2]
        self._asked = leaf
        nonce = self.entropy(ocsp.NONCE_BYTES)
        answer = fetch(self.url, ocsp.request(leaf, issuer, nonce))
        self._found = leaf, ocsp.read(answer, leaf, issuer, nonce, now)

    def revocations(self) -> Iterable[Revocation]:
        """As `Source.revocations`."""
        found = self._found[1].revocation if self._found else None
        return (found,) if found else ()

    def good_until(self, leaf: x509.Certificate) -> datetime | None:
        """As `Source.good_until`."""
        return self._found[1].good_until if self._found and self._found[0] == leaf else None

    def outdated(self) -> bool:
        """As `Source.outdated`: the certificate that signs is another now."""
        with suppress(KeysError):  # then nothing signs
            return self._asked is not None and self._asked not in self.current()[:1]
        return False

    def owes(self, leaf: x509.Certificate) -> bool:
        """As `Source.owes`."""
        return self.good_until(leaf) is None


class Watch:
    """Asks every source when it is due. Safe to use from many threads: one asks, the others go by what is known."""

    def __init__(
        self,
        sources: Iterable[Source],
        clock: Clock,
        notice: Callable[[str, str], object] = lambda _name, _reason: None,
    ) -> None:
        """`notice` is told of each new failure: of whom, and why. Raises OSError for what was kept."""
        self.sources, self._clock, self._notice = tuple(sources), clock, notice
        for source in self.sources:
            source.restore(clock())
        self._asking = threading.Lock()
        # Under the lock.
        self._due: dict[str, datetime] = {}
        self.faults: dict[str, str] = {}
        """What is wrong with which source; replaced whole."""

    def refresh(self) -> None:
        """Ask whoever is due. Never raises: an answer that is missing leaves the last one in force."""
        with self._asking:
            for source in self.sources:
                now = self._clock()
                if now >= self._due.get(source.name, now) or source.outdated():
                    self._ask(source, now)

    def revocations(self) -> Iterator[Revocation]:
        """All that any source told of."""
        for source in self.sources:
            yield from source.revocations()

    def good_until(self, leaf: x509.Certificate) -> datetime | None:
        """Until when the freshest answer speaks for a certificate; None where none does."""
        found = (source.good_until(leaf) for source in self.sources)
        return max((moment for moment in found if moment is not None), default=None)

    def silent(self, leaf: x509.Certificate) -> tuple[str, ...]:
        """The sources that have yet to say something of a certificate."""
        return tuple(source.name for source in self.sources if source.owes(leaf))

    def _ask(self, source: Source, now: datetime) -> None:
        try:
            source.ask(now)
        except (KeysError, OSError) as error:
            if self.faults.get(source.name) != str(error):
                self._notice(source.name, str(error))
            self.faults = {**self.faults, source.name: str(error)}
            self._due[source.name] = now + RETRY
        else:
            self.faults = {name: fault for name, fault in self.faults.items() if name != source.name}
            self._due[source.name] = now + INTERVAL


def fetch(url: str, asked: bytes = b"") -> bytes:
    """What an address answers: a list to a GET, or with something `asked`, an OCSP responder to a POST.

    Raises RevocationRefusedError.
    """
    headers = {"Accept-Encoding": "identity", **({"Content-Type": "application/ocsp-request"} if asked else {})}
    deadline, received = time.monotonic() + ANSWER_SECONDS, b""
    try:
        with (
            httpx.Client(verify=web_trust(), follow_redirects=False, trust_env=False, timeout=ANSWER_SECONDS) as client,
            client.stream("POST" if asked else "GET", url, content=asked or None, headers=headers) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise RevocationRefusedError(f"it answers with HTTP status {answer.status_code}")
            for chunk in answer.iter_raw():
                received += chunk
                if len(received) > MAX_ANSWER_BYTES:
                    raise RevocationRefusedError(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise RevocationRefusedError(f"no answer within {ANSWER_SECONDS:g} s")
    except httpx.HTTPError as error:
        raise RevocationRefusedError(f"no answer ({type(error).__name__})") from error
    return received
