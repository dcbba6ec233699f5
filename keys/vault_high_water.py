"""High-water marks in Vault: one secret each, in a key-value store (version 2) that keeps the marks before, too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from keys.errors import KeyStoreRefusedError
from keys.high_water import Mark, parse_mark, short_name
from keys.vault import Vault

MARKS_MOUNT: Final = "sigillo/marks"
"""KV, version 2."""


@dataclass(frozen=True)
class VaultHighWater:
    """Implements `keys.high_water.HighWater`."""

    vault: Vault
    log: str
    """The log's origin."""

    def read(self) -> Mark | None:
        """As `HighWater.read`."""
        return self._stored()[0]

    def replace(self, old: Mark | None, new: Mark) -> None:
        """As `HighWater.replace`: Vault itself compares."""
        found, version = self._stored()
        if found != old:
            raise KeyStoreRefusedError("another process has raised the log's high-water mark meanwhile")
        self.vault.write(self._path, {"data": {"size": new.size, "root": new.root}, "options": {"cas": version}})

    @property
    def _path(self) -> str:
        return f"{MARKS_MOUNT}/data/{short_name(self.log)}"

    def _stored(self) -> tuple[Mark | None, int]:
        """The mark and its version in Vault; version 0 before the first."""
        answer = self.vault.read(self._path)
        data = (answer or {}).get("data") or {}
        if not data.get("data"):
            return None, int((data.get("metadata") or {}).get("version", 0))
        return parse_mark(json.dumps(data["data"]).encode(), f"Vault's {self._path}"), int(data["metadata"]["version"])
