"""Recovering manifests in one service: the index of what was signed here, what is searched, and what is handed out."""

from __future__ import annotations

from contextlib import ExitStack

from api.running.log import logger
from cases.recovery.index import RecoveryIndex
from cases.recovery.origins import Recovery
from cases.recovery.repository import Repository
from cases.recovery.search import Search
from cases.recovery.signed import SignedAssets
from detection.embedding.card import ModelCard
from ledger.log import Ledger
from ledger.storage.database import Database


def recovery_of(ledger: Ledger, database: Database, encoder: ModelCard | None, until: ExitStack) -> Recovery:
    """The index builds itself as the service starts, and ends with `until`; embeddings are compared by the `encoder`,
    where there is one.
    """
    index = RecoveryIndex(SignedAssets(database, ledger.subjects, encoder), _tell)
    index.start()
    until.callback(index.close)
    return Recovery(ledger, Search(database, index, encoder), Repository(database, ledger.subjects))


def _tell(reason: str) -> None:
    log = logger("recovery")
    if reason:
        log.warning("the index of signed files is not whole: what it lacks is unknown meanwhile", reason=reason)
    else:
        log.info("the index of signed files is whole again")
