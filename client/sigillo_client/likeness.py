"""May somebody be imitated: asked beforehand, decided over what was held, seen by whom it shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sigillo_client.answers import LikenessCheck
from sigillo_client.connection import Connection


class Likeness(Connection):
    """May somebody be imitated: asked beforehand, decided over what was held, seen by whom it shows."""

    def check_likeness(self, picture: Path, check: Mapping[str, Any], idempotency_key: str = "") -> LikenessCheck:
        """Ask whether whoever a picture shows may be imitated for `check["purpose"]`."""
        headers = self._retries.keyed(idempotency_key)
        return cast(LikenessCheck, self._upload("/v1/likeness-checks", picture, ("check", check), headers))

    def appeal(self, asset: str, statement: str) -> dict[str, Any]:
        """Object to an asset of ours being held."""
        return self._json("POST", f"/v1/assets/{asset}/appeal", json={"statement": statement})

    def held_assets(self, cursor: str = "") -> dict[str, Any]:
        """A page of the tenant's held assets."""
        return self._json("GET", "/v1/likeness-holds", params={"cursor": cursor} if cursor else {})

    def release_asset(self, asset: str, reason: str) -> dict[str, Any]:
        """Give a held asset out."""
        return self._json("POST", f"/v1/likeness-holds/{asset}/release", json={"reason": reason})

    def refuse_asset(self, asset: str, reason: str) -> dict[str, Any]:
        """Decide that a held asset stays so."""
        return self._json("POST", f"/v1/likeness-holds/{asset}/refusal", json={"reason": reason})

    def matches(self, registration: str, cursor: str = "") -> dict[str, Any]:
        """A page of a registration's log."""
        path = f"/v1/registrations/{quote(registration, safe='')}/matches"
        return self._json("GET", path, params={"cursor": cursor} if cursor else {})

    def retroactive(self, registration: str) -> dict[str, Any]:
        """How far the media that were kept before a registration have been looked at."""
        return self._json("GET", f"/v1/registrations/{quote(registration, safe='')}/retroactive")

    def respond(self, registration: str, match: str, response: str) -> dict[str, Any]:
        """What the person says to a line of it: `confirmed` or `objected`."""
        path = f"/v1/registrations/{quote(registration, safe='')}/matches/{quote(match, safe='')}/response"
        return self._json("POST", path, json={"response": response})

    def add_common_picture(self, fingerprint: Mapping[str, Any], reason: str) -> dict[str, Any]:
        """Say that many people have a picture."""
        return self._json("POST", "/v1/common-pictures", json={"fingerprint": fingerprint, "reason": reason})

    def common_pictures(self, cursor: str = "") -> dict[str, Any]:
        """A page of the pictures that were said to be common."""
        return self._json("GET", "/v1/common-pictures", params={"cursor": cursor} if cursor else {})

    def remove_common_picture(self, picture: str, reason: str) -> dict[str, Any]:
        """Say that one of them is not, by the entry that added it."""
        return self._json("POST", f"/v1/common-pictures/{quote(picture, safe='')}/removal", json={"reason": reason})
