"""Refusals to be imitated: made, renewed, ended, and looked at by people where they must be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sigillo_client.answers import Registered, Registration, RegistrationRules
from sigillo_client.connection import UPLOADING, Connection
from sigillo_client.upload import photo


class Registrations(Connection):
    """Refusals to be imitated: made, renewed, ended, and looked at by people where they must be."""

    def registration_rules(self, region: str = "", language: str = "en", kind: str = "face") -> RegistrationRules:
        """The rules of a place, and the text that a person there has to agree to. Needs no key."""
        asked = {"region": region, "language": language, "kind": kind}
        return cast(RegistrationRules, self._json("GET", "/v1/registrations/rules", params=asked))

    def register(
        self,
        photos: Sequence[Path],
        registration: Mapping[str, Any],
        idempotency_key: str = "",
        portrait: Path | None = None,
    ) -> Registered:
        """Register a face by one to five photos, and perhaps the portrait in a document, which they are compared with;
        the answer has the recovery code, this once.
        """
        headers = self._retries.keyed(idempotency_key)
        sent: list[tuple[str, Any]] = [("photo", photo(file)) for file in photos]
        sent += [("portrait", photo(portrait))] if portrait else []
        sent.append(("registration", (None, json.dumps(registration), "application/json")))
        return cast(Registered, self._json("POST", "/v1/registrations", files=sent, headers=headers, timeout=UPLOADING))

    def register_image(self, registration: Mapping[str, Any], idempotency_key: str = "") -> Registered:
        """Register a picture by its fingerprint; the answer has the recovery code, this once."""
        headers = self._retries.keyed(idempotency_key)
        return cast(Registered, self._json("POST", "/v1/image-registrations", json=registration, headers=headers))

    def registration(self, registration: str) -> Registration:
        """One registration: what it refuses, and how it stands."""
        return cast(Registration, self._json("GET", f"/v1/registrations/{quote(registration, safe='')}"))

    def registration_credential(
        self, registration: str, form: str = "dc+sd-jwt", holder: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Its credential: the first, after a release, or the same signed anew; bound to the holder's key (JWK)."""
        path = f"/v1/registrations/{quote(registration, safe='')}/credential"
        return self._json("POST", path, json={"form": form, "holder": holder})

    def registration_holds(self, *, decided: bool = False) -> list[dict[str, Any]]:
        """Registrations that a person has to look at, or that somebody decided; all pages."""
        found: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None:
            asked = {"decided": decided, "after": after}
            page = self._json("GET", "/v1/registrations/holds", params=asked)
            found += page["holds"]
            after = page["next"]
        return found

    def release_registration(self, hold: str, reason: str) -> dict[str, Any]:
        """Let a held registration protect."""
        return self._json("POST", f"/v1/registrations/holds/{quote(hold, safe='')}/release", json={"reason": reason})

    def refuse_registration(self, hold: str, reason: str) -> dict[str, Any]:
        """End a held registration, and destroy its key."""
        return self._json("POST", f"/v1/registrations/holds/{quote(hold, safe='')}/refusal", json={"reason": reason})

    def withdraw(self, registration: str) -> dict[str, Any]:
        """End a registration now."""
        return self._json("POST", f"/v1/registrations/{quote(registration, safe='')}/withdrawal")

    def recover(self, registration: str, code: str) -> dict[str, Any]:
        """Ask with its recovery code that a registration end; nobody need be known for it."""
        return self._json("POST", f"/v1/registrations/{quote(registration, safe='')}/recovery", json={"code": code})

    def keep(self, registration: str) -> dict[str, Any]:
        """Stop what was asked for with the recovery code."""
        return self._json("DELETE", f"/v1/registrations/{quote(registration, safe='')}/recovery")

    def renewal(self, registration: str, language: str) -> dict[str, Any]:
        """What whoever renews a registration agrees to."""
        path = f"/v1/registrations/{quote(registration, safe='')}/renewal"
        return self._json("GET", path, params={"language": language})

    def renew(self, registration: str, language: str, sha256: str) -> dict[str, Any]:
        """Let a registration last for another term: its owner agreed to the text of this SHA-256."""
        said = {"language": language, "sha256": sha256}
        return self._json("POST", f"/v1/registrations/{quote(registration, safe='')}/renewal", json=said)

    def begin_act(self, registration: str, act: Mapping[str, str]) -> dict[str, Any]:
        """What a registration's holder signs who does this by its credential."""
        return self._json("POST", f"/v1/registrations/{quote(registration, safe='')}/acts/options", json=act)

    def act(self, registration: str, act: Mapping[str, str], presentation: str) -> dict[str, Any]:
        """Have it done: the credential, with its holder's proof over that."""
        said = {"act": act, "presentation": presentation}
        return self._json("POST", f"/v1/registrations/{quote(registration, safe='')}/acts", json=said)

    def absence(self, registration: str) -> bytes:
        """The proof that a registration which ended is not in the index: a JSON file, checked without us."""
        return self._send("GET", f"/v1/registrations/{quote(registration, safe='')}/absence").content

    def renew_face_rotation(self) -> dict[str, Any]:
        """Have the rotation key of the tenant's face templates renewed; how it stands."""
        return self._json("POST", "/v1/face-rotations")

    def face_rotation(self) -> dict[str, Any]:
        """How the rotation key stands, and how many templates are still under an older one."""
        return self._json("GET", "/v1/face-rotations")
