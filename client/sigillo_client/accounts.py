"""What is known of the accounts of a platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sigillo_client.answers import Account
from sigillo_client.connection import UPLOADING, Connection
from sigillo_client.upload import photo


class Accounts(Connection):
    """What is known of the accounts of a platform."""

    def open_account(self, name: str) -> dict[str, Any]:
        """The account that we call so, opened if it is new."""
        return self._json("POST", "/v1/assurance/accounts", json={"account": name})

    def account(self, account: str) -> Account:
        """How an account stands, by its id here: its tier, and the evidence that counts."""
        return cast(Account, self._json("GET", f"/v1/assurance/accounts/{quote(account, safe='')}"))

    def compare_portrait(self, account: str, portrait: Path, selfie: Path, country: str = "") -> dict[str, Any]:
        """Compare the portrait in an identity document with a selfie; that they match is evidence."""
        sent = [("photo", photo(file)) for file in (portrait, selfie)]
        path, where = f"/v1/assurance/accounts/{quote(account, safe='')}/portraits", {"country": country}
        return self._json("POST", path, params=where, files=sent, timeout=UPLOADING)
