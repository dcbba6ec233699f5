"""Faces in one service: the workers that look for them, the bank of registered ones, and the index over it.

The workers start with the first file that is looked at; the index builds itself as the service starts. Only callers
with a key or a person's token have files looked at, so there is one pool for all. Without the model there are no
workers: what needs them is refused, `/readyz` says what to do, and the rest is served.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from api.parts.pools import share, start_workers
from api.running.log import logger
from api.settings import Settings
from detection.errors import SandboxUnavailableError
from detection.faces.found import FACE_MODEL
from detection.faces.look import JOBS, absent
from detection.sandbox import Sandbox
from detection.shares import Shares
from detection.templates.bank import Bank, Model
from detection.templates.index import TemplateIndex
from detection.templates.matcher import Matcher
from detection.templates.renewing import Renewing
from detection.templates.rotations import Rotations
from keys.clock import Entropy
from ledger.log import Ledger
from ledger.storage.database import Database


@dataclass(frozen=True)
class FaceDesk:
    """What looks for faces."""

    workers: Shares
    bank: Bank
    index: TemplateIndex
    matcher: Matcher
    renewing: Renewing

    @property
    def reason(self) -> str:
        """Why no face can be looked for or found; empty where one can be, as far as that is known before the first."""
        return absent() or self.workers.reason or self.index.reason

    @property
    def warning(self) -> str:
        """Why some tenant's faces are not found; empty where all are, or none."""
        return self.index.warning


def faces_of(settings: Settings, ledger: Ledger, database: Database, entropy: Entropy, until: ExitStack) -> FaceDesk:
    """Workers and index end with `until`."""
    size = max(settings.workers // 2, 1)  # the model takes 150 MB in each
    workers = Shares(partial(_start, settings, size), share(size))
    until.callback(workers.close)
    rotations = Rotations(database, ledger.subjects, entropy)
    bank = Bank(database, ledger.subjects, rotations, Model(str(FACE_MODEL), FACE_MODEL.dimensions), entropy)
    index = TemplateIndex(database, bank, _tell)
    index.start()
    until.callback(index.close)
    renewing = Renewing(ledger, database, bank, index, entropy)
    return FaceDesk(workers, bank, index, Matcher(bank, index), renewing)


def _start(settings: Settings, size: int) -> Sandbox:
    if reason := absent():
        raise SandboxUnavailableError(reason)
    return start_workers(settings, JOBS, size)


def _tell(reason: str) -> None:
    log = logger("faces")
    if reason:
        log.warning("the index of registered faces does not follow: nobody of it is found meanwhile", reason=reason)
    else:
        log.info("the index of registered faces follows again")
