"""Where a verification on somebody's own machine gets DID documents and status lists: from the deployment that the
command is connected to, if they are that one's own; else from the open web, guarded as the service's own fetches are.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.outside.fetched import DID_DOCUMENTS, STATUS_LISTS
from api.outside.fetching import FetchError, OpenWeb, Wanted
from sigillo_client import ClientError, Sigillo


@dataclass(frozen=True)
class Reach:
    """One command's."""

    web: OpenWeb | None
    """None where nothing is to be fetched."""

    origin: str = ""
    """Of the deployment's own addresses."""

    own: Sigillo | None = None

    def did_document(self, url: str) -> bytes | None:
        """What lies there; None where it cannot be had now."""
        return self._get(url, DID_DOCUMENTS.wanted)

    def status_list(self, url: str) -> bytes | None:
        """What lies there; None where it cannot be had now."""
        return self._get(url, STATUS_LISTS.wanted)

    def _get(self, url: str, wanted: Wanted) -> bytes | None:
        try:
            if self.own and url.startswith(f"{self.origin}/"):
                return self.own.published(url.removeprefix(self.origin))
            return self.web.get(url, wanted).content if self.web else None
        except (FetchError, ClientError):
            return None
