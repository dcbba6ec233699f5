"""Status lists as anyone fetches them: signed by the deployment's issuer, in every form that verifiers ask for.

Rules
- One list, one place for each credential in it, three forms: Bitstring Status Lists for `revocation` and `suspension`,
  and a Token Status List that holds both.
- What is given out is what stands in the rows now: a list that changed is signed anew for the next who asks, whichever
  process changed it, and so is every list when the issuer's keys change; others once in RENEWED. Without the key store
  what did not change is given out while it holds, and what did change is not: a list that is known to be wrong is none.
  So is one by a key that is revoked: until there is another key it cannot be had, and is *unchecked* to verifiers.
- Who fetched a list is told to go by it for KEPT, and may ask again sooner. It is believed for LIFE.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final, Protocol

from identity.errors import StatusListUnknownError
from identity.status.bitstring import StatusEntry, list_credential
from identity.status.lists import PLACES, ListId, Place, changes, marked
from identity.status.status_list import BITSTRING, TOKEN, empty
from identity.status.token import TYPE, Status, list_payload
from keys.clock import Clock
from keys.errors import KeyNotFoundError, KeysError
from ledger.storage.database import Database
from ledger.storage.tenancy import SystemSession

LIFE: Final = timedelta(hours=12)
RENEWED: Final = timedelta(hours=1)
KEPT: Final = timedelta(minutes=1)
SUITE: Final = "eddsa-rdfc-2022"
WIDTH: Final = 2
"""Bits of a status in a Token Status List: valid, revoked, suspended."""

MAX_KEPT: Final = 256
"""Signed lists in memory, of some kilobytes each."""

PATH: Final = "/status/"


class Form(StrEnum):
    """Under which name a list is published."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"
    TOKEN = "token"  # noqa: S105 -- a kind of list


PURPOSES: Final[Mapping[Form, Status]] = {Form.REVOCATION: Status.INVALID, Form.SUSPENSION: Status.SUSPENDED}
"""Purposes of Bitstring Status Lists, and what a bit in each says."""


class ListSigner(Protocol):
    """What signs lists: `identity.issuing.issuer.Issuer`."""

    @property
    def did(self) -> str: ...

    def document(self, credential: Mapping[str, Any], suite: str) -> dict[str, Any]: ...

    def token(self, typ: str, payload: Mapping[str, object]) -> str: ...


@dataclass(frozen=True)
class Published:
    """A signed list."""

    content: bytes = field(repr=False)
    kind: str
    """Its media type."""

    changes: int
    signed_at: datetime
    signer: ListSigner = field(repr=False)


class StatusPublication:
    """The lists under one address, such as `https://sigillo.example`. Safe to use from many threads."""

    def __init__(self, database: Database, address: str, issuer: Callable[[], ListSigner], clock: Clock) -> None:
        """`issuer` gives the same object until something about it changes, and may raise KeysError."""
        self._database, self._address, self._issuer, self._clock = database, address, issuer, clock
        self._lock = threading.Lock()
        # Under the lock.
        self._kept: OrderedDict[tuple[ListId, Form], Published] = OrderedDict()

    def entries(self, place: Place) -> list[dict[str, object]]:
        """The `credentialStatus` of a credential at that place."""
        return [StatusEntry(form, self._url(place.list, form), place.number).members() for form in PURPOSES]

    def claim(self, place: Place) -> dict[str, object]:
        """The `status` of a token at that place."""
        return {"status_list": {"uri": self._url(place.list, Form.TOKEN), "idx": place.number}}

    def published(self, listed: ListId, form: Form) -> Published:
        """A list as it stands. Raises StatusListUnknownError, KeysError, DatabaseUnavailableError."""
        with self._lock, self._database.read(SystemSession.VERIFICATION) as connection:
            count, statuses = changes(connection, listed), partial(marked, connection, listed)
            found = self._kept[listed, form] = self._current(listed, form, count, statuses)
            self._kept.move_to_end((listed, form))
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return found

    def at(self, url: str) -> Published | None:
        """The list at a URL; None for one that is not under this address. Raises as `published`."""
        prefix = self._address + PATH
        if not url.startswith(prefix):
            return None
        listed, _, form = url.removeprefix(prefix).partition("/")
        if form not in set(Form):
            raise StatusListUnknownError("there is no such status list here")
        return self.published(ListId(listed), Form(form))

    def _current(self, listed: ListId, form: Form, count: int, statuses: Callable[[], Mapping[int, int]]) -> Published:
        now, kept = self._clock(), self._kept.get((listed, form))
        try:
            issuer = self._issuer()
            if kept and kept.changes == count and kept.signer is issuer and now < kept.signed_at + RENEWED:
                return kept
            content, kind = _sign(issuer, form, self._url(listed, form), statuses(), now)
        except KeyNotFoundError:
            raise
        except KeysError:
            if kept is None or kept.changes != count or kept.signed_at + LIFE - KEPT <= now:
                raise
            return kept
        return Published(content, kind, count, now, issuer)

    def _url(self, listed: ListId, form: Form) -> str:
        return f"{self._address}{PATH}{listed}/{form}"


def _sign(issuer: ListSigner, form: Form, url: str, statuses: Mapping[int, int], now: datetime) -> tuple[bytes, str]:
    """The signed list, and its media type."""
    if form is Form.TOKEN:
        payload = list_payload(empty(TOKEN, PLACES, WIDTH).with_status(statuses), url, now, LIFE, KEPT)
        return issuer.token(TYPE, payload).encode(), f"application/{TYPE}"
    bits = {place: 1 for place, status in statuses.items() if status == PURPOSES[form]}
    said = list_credential(empty(BITSTRING, PLACES).with_status(bits), url, issuer.did, form, now, now + LIFE, KEPT)
    return json.dumps(issuer.document(said, SUITE)).encode(), "application/vc+ld+json"
