"""One class, one method an endpoint. Bodies are the API's own JSON, as dictionaries (docs/api.md)."""

from __future__ import annotations

import base64
import json
import mimetypes
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Self
from urllib.parse import quote

import httpx

from client.problem import UnreachableError, raise_for_problem

TIMEOUT_SECONDS = 120
"""What needs no decoding, on a busy machine; connecting itself is given five."""

UPLOAD_SECONDS = 1200
"""A long film on a busy machine: the service gives it two seconds a megabyte (`provenance.validation`)."""

CONNECT_SECONDS = 5
CHUNK_BYTES = 1024 * 1024

_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Believed on a socket, where nothing meets TLS: reading the web's authorities takes a fiftieth of a second."""


class Sigillo:
    """A connection to one server. Use it as a context manager."""

    def __init__(self, url: str = "http://127.0.0.1:8080", token: str = "", socket: Path | None = None) -> None:
        """`token` is an API key; `socket` a Unix socket to use instead of the network."""
        self._http = httpx.Client(
            base_url=url,
            transport=httpx.HTTPTransport(uds=str(socket), verify=_NOBODY) if socket else None,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def sign(
        self,
        file: Path,
        claim: Mapping[str, Any] | None = None,
        idempotency_key: str = "",
        wait: int = 0,
        batch: str = "",
        name: str = "",
    ) -> dict[str, Any]:
        """Upload a file and have it signed; the asset. The answer waits up to `wait` seconds until its ledger entry is
        proven. In a `batch` it counts under its key, and `name` is what a refusal calls it. Raises Problem,
        UnreachableError.
        """
        part = {"batch": (None, batch), "name": (None, name)} if batch else {}
        return self._upload("/v1/assets", file, claim or {}, idempotency_key, wait, part)

    def begin_batch(self, expected: int, name: str = "") -> dict[str, Any]:
        """Begin a batch of so many files."""
        return self._json("POST", "/v1/batches", json={"expected": expected, "name": name})

    def batch(self, batch: str, cursor: str = "") -> dict[str, Any]:
        """How far a batch is, with a page of what was refused."""
        return self._json("GET", f"/v1/batches/{batch}", params={"cursor": cursor} if cursor else {})

    def transform(
        self, asset: str, file: Path, claim: Mapping[str, Any], idempotency_key: str = "", wait: int = 0
    ) -> dict[str, Any]:
        """Upload what a tool made from one of our assets; the claim's actions say what it did. The new asset; `wait` as
        in `sign`.
        """
        return self._upload(f"/v1/assets/{asset}/transformations", file, claim, idempotency_key, wait)

    def verify(
        self,
        file: Path,
        anchors: str = "",
        trust_config: str = "",
        manifest: Path | None = None,
        *,
        confidence: bool = False,
    ) -> dict[str, Any]:
        """The verification report of a file, with its `manifest` if that is kept beside it; `anchors` (PEM) and
        `trust_config` (OIDs) widen the trust; with `confidence`, how sure the server is, and why.
        """
        with file.open("rb") as stream:
            parts: dict[str, Any] = {"file": _part(file, stream)}
            for name, text in (("anchors", anchors), ("trust_config", trust_config)):
                if text:
                    parts[name] = (None, text, "text/plain")
            if manifest:
                parts["manifest"] = ("manifest", manifest.read_bytes(), "application/c2pa")
            query = {"confidence": "true"} if confidence else {}
            return self._json("POST", "/v1/verifications", files=parts, params=query)

    def claim_signer(self) -> dict[str, Any]:
        """What a claim has to name that is to be signed without its content: `alg`, `sign_cert`; `reserve_size`."""
        return self._json("GET", "/v1/claims/signer")

    def sign_claim(self, to_be_signed: bytes, assertion_store: bytes, idempotency_key: str = "") -> dict[str, Any]:
        """A signature over a claim whose content stays here, and a time-stamp; both in base64."""
        sent = {"to_be_signed": to_be_signed, "assertion_store": assertion_store}
        body = {name: base64.b64encode(one).decode() for name, one in sent.items()}
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._json("POST", "/v1/claims/sign", json=body, headers=headers)

    def asset(self, asset: str) -> dict[str, Any]:
        """One asset of ours."""
        return self._json("GET", f"/v1/assets/{asset}")

    def content(self, asset: str, to: BinaryIO) -> None:
        """Stream the signed file into `to`."""
        with self._asked(), self._http.stream("GET", f"/v1/assets/{asset}/content") as response:
            if not response.is_success:
                response.read()
            raise_for_problem(response)
            to.writelines(response.iter_bytes(CHUNK_BYTES))

    def manifest(self, asset: str) -> bytes:
        """The C2PA manifest store of an asset."""
        return self._send("GET", f"/v1/assets/{asset}/manifest").content

    def custody(self, asset: str) -> dict[str, Any]:
        """The custody of an asset of ours: a graph."""
        return self._json("GET", f"/v1/assets/{asset}/custody")

    def custody_of(
        self, file: Path, anchors: str = "", manifest: Path | None = None, *, confidence: bool = False
    ) -> dict[str, Any]:
        """The same of any file, with its `manifest` if that is kept beside it; `anchors` (PEM) widen the trust; with
        `confidence`, how sure the server is, and why. Of a file without a manifest, also of what it may be a copy of.
        """
        with file.open("rb") as stream:
            parts: dict[str, Any] = {"file": _part(file, stream)}
            if anchors:
                parts["anchors"] = (None, anchors, "text/plain")
            if manifest:
                parts["manifest"] = ("manifest", manifest.read_bytes(), "application/c2pa")
            query = {"confidence": "true"} if confidence else {}
            return self._json("POST", "/v1/custody", files=parts, params=query)

    def export_custody(self, asset: str) -> bytes:
        """The custody of an asset of ours as a bundle; that it was exported goes on record."""
        return self._send("POST", f"/v1/assets/{asset}/custody/bundle").content

    def look_at_bundle(self, file: Path, log_keys: str = "", anchors: str = "") -> dict[str, Any]:
        """What a custody bundle is worth; `log_keys` are logs that you know, `anchors` roots that you trust."""
        fields = {"log_keys": log_keys, "anchors": anchors}
        parts: dict[str, Any] = {name: (None, text, "text/plain") for name, text in fields.items() if text}
        return self._json("POST", "/v1/custody/bundles", files={"file": _bundle(file), **parts})

    def import_custody(self, file: Path, idempotency_key: str = "") -> dict[str, Any]:
        """Bring a custody bundle: verified, and recorded whose word it is."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._json("POST", "/v1/custody/imports", files={"file": _bundle(file)}, headers=headers)

    def offer_asset(self, asset: str, to: str) -> dict[str, Any]:
        """Offer an asset of ours to another principal."""
        return self._json("POST", f"/v1/assets/{asset}/handover", json={"to": to})

    def accept_asset(self, asset: str) -> dict[str, Any]:
        """Take over an asset that is offered to us."""
        return self._json("POST", f"/v1/assets/{asset}/handover/acceptance")

    def end_offer(self, asset: str) -> dict[str, Any]:
        """Decline an offer, or take our own back."""
        return self._json("DELETE", f"/v1/assets/{asset}/handover")

    def offered_assets(self, cursor: str = "") -> dict[str, Any]:
        """A page of what is offered to us."""
        return self._json("GET", "/v1/handovers", params={"cursor": cursor} if cursor else {})

    def erase(self, asset: str) -> dict[str, Any]:
        """Destroy an asset's key and everything sealed under it."""
        return self._json("DELETE", f"/v1/assets/{asset}")

    def receipt(self, entry: str, wait: int = 0) -> str:
        """The receipt of a ledger entry; empty while it is durable but not yet proven, after `wait` seconds."""
        response = self._send("GET", f"/v1/receipts/{entry}", headers={"Prefer": f"wait={wait}"} if wait else {})
        return response.text if response.status_code == httpx.codes.OK else ""

    def checkpoint(self) -> str:
        """The ledger's newest signed checkpoint."""
        return self._send("GET", "/ledger/checkpoint").text

    def ledger_recovery(self) -> dict[str, Any]:
        """How the ledger's database stands to what was signed."""
        return self._json("GET", "/v1/ledger/recovery")

    def recover_ledger(self, confirm: str) -> dict[str, Any]:
        """Have the ledger go on from an older database."""
        return self._json("POST", "/v1/ledger/recovery", json={"confirm": confirm})

    def entries(self, **query: str) -> dict[str, Any]:
        """A page of public entries: `kind`, `policy`, `from`, `to`, and as `cursor` the page before's `next`."""
        return self._json("GET", "/v1/ledger/entries", params={name: value for name, value in query.items() if value})

    def disclose(self, entries: Sequence[str], reason: str) -> dict[str, Any]:
        """Have payloads opened; that, and why, goes on record first."""
        return self._json("POST", "/v1/ledger/disclosures", json={"entries": list(entries), "reason": reason})

    def search_payloads(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Have payloads looked through; that, and why, goes on record first."""
        return self._json("POST", "/v1/ledger/searches", json=question)

    def check_likeness(self, picture: Path, check: Mapping[str, Any], idempotency_key: str = "") -> dict[str, Any]:
        """Ask whether whoever a picture shows may be imitated for `check["purpose"]`."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        with picture.open("rb") as stream:
            parts = {"file": _part(picture, stream), "check": (None, json.dumps(check), "application/json")}
            return self._json("POST", "/v1/likeness-checks", files=parts, headers=headers, timeout=_UPLOADING)

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

    def place_hold(self, name: str, assets: Sequence[str], reason: str) -> dict[str, Any]:
        """Keep assets from being erased and from expiring."""
        return self._json("POST", "/v1/holds", json={"name": name, "assets": list(assets), "reason": reason})

    def holds(self) -> list[dict[str, Any]]:
        """Every legal hold of the tenant."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/holds")["holds"]
        return found

    def release_hold(self, name: str, reason: str) -> dict[str, Any]:
        """End a hold for everything under it."""
        return self._json("POST", f"/v1/holds/{quote(name, safe='')}/release", json={"reason": reason})

    def renew_face_rotation(self) -> dict[str, Any]:
        """Have the rotation key of the tenant's face templates renewed; how it stands."""
        return self._json("POST", "/v1/face-rotations")

    def face_rotation(self) -> dict[str, Any]:
        """How the rotation key stands, and how many templates are still under an older one."""
        return self._json("GET", "/v1/face-rotations")

    def registration_rules(self, region: str = "", language: str = "en", kind: str = "face") -> dict[str, Any]:
        """The rules of a place, and the text that a person there has to agree to. Needs no key."""
        asked = {"region": region, "language": language, "kind": kind}
        return self._json("GET", "/v1/registrations/rules", params=asked)

    def register(
        self,
        photos: Sequence[Path],
        registration: Mapping[str, Any],
        idempotency_key: str = "",
        portrait: Path | None = None,
    ) -> dict[str, Any]:
        """Register a face by one to five photos, and perhaps the portrait in a document, which they are compared with;
        the answer has the recovery code, this once.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        sent: list[tuple[str, Any]] = [("photo", ("photo", file.read_bytes(), _kind(file))) for file in photos]
        sent += [("portrait", ("photo", portrait.read_bytes(), _kind(portrait)))] if portrait else []
        sent.append(("registration", (None, json.dumps(registration), "application/json")))
        return self._json("POST", "/v1/registrations", files=sent, headers=headers, timeout=_UPLOADING)

    def register_image(self, registration: Mapping[str, Any], idempotency_key: str = "") -> dict[str, Any]:
        """Register a picture by its fingerprint; the answer has the recovery code, this once."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._json("POST", "/v1/image-registrations", json=registration, headers=headers)

    def add_common_picture(self, fingerprint: Mapping[str, Any], reason: str) -> dict[str, Any]:
        """Say that many people have a picture."""
        return self._json("POST", "/v1/common-pictures", json={"fingerprint": fingerprint, "reason": reason})

    def common_pictures(self, cursor: str = "") -> dict[str, Any]:
        """A page of the pictures that were said to be common."""
        return self._json("GET", "/v1/common-pictures", params={"cursor": cursor} if cursor else {})

    def remove_common_picture(self, picture: str, reason: str) -> dict[str, Any]:
        """Say that one of them is not, by the entry that added it."""
        return self._json("POST", f"/v1/common-pictures/{quote(picture, safe='')}/removal", json={"reason": reason})

    def registration(self, registration: str) -> dict[str, Any]:
        """One registration: what it refuses, and how it stands."""
        return self._json("GET", f"/v1/registrations/{quote(registration, safe='')}")

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

    def open_account(self, name: str) -> dict[str, Any]:
        """The account that we call so, opened if it is new."""
        return self._json("POST", "/v1/assurance/accounts", json={"account": name})

    def compare_portrait(self, account: str, portrait: Path, selfie: Path, country: str = "") -> dict[str, Any]:
        """Compare the portrait in an identity document with a selfie; that they match is evidence."""
        sent = [("photo", ("photo", file.read_bytes(), _kind(file))) for file in (portrait, selfie)]
        path, where = f"/v1/assurance/accounts/{quote(account, safe='')}/portraits", {"country": country}
        return self._json("POST", path, params=where, files=sent, timeout=_UPLOADING)

    def account(self, account: str) -> dict[str, Any]:
        """How an account stands, by its id here: its tier, and the evidence that counts."""
        return self._json("GET", f"/v1/assurance/accounts/{quote(account, safe='')}")

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

    def issue_credential(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A credential of one of our types; it is in the answer and nowhere else."""
        return self._json("POST", "/v1/credentials", json=request)

    def offer_credential(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """An offer for somebody's wallet, whose secrets are in the answer and nowhere else."""
        return self._json("POST", "/v1/credentials/offers", json=request)

    def change_credential(self, credential: str, purpose: str, reason: str, *, holds: bool) -> dict[str, Any]:
        """Revoke (`revocation`), suspend or reinstate (`suspension`) a credential."""
        stated = {"type": "BitstringStatusListEntry", "statusPurpose": purpose}
        said = {"credentialId": credential, "credentialStatus": stated, "status": not holds, "reason": reason}
        return self._json("POST", "/credentials/status", json=said)

    def credential_status(self, credential: str) -> dict[str, Any]:
        """How a credential of ours stands."""
        return self._json("GET", f"/v1/credentials/{quote(credential, safe='')}/status")

    def did_document(self) -> dict[str, Any]:
        """The DID document of this server as an issuer."""
        return self._json("GET", "/.well-known/did.json")

    def published(self, path: str) -> bytes:
        """What anyone can fetch from there, such as a status list."""
        return self._send("GET", path).content

    def log_key(self) -> str:
        """The verifier key of the ledger's checkpoints."""
        return self._send("GET", "/ledger/log.vkey").text

    def anchors(self) -> str:
        """PEM roots under which this server's signatures chain."""
        return self._send("GET", "/v1/trust/anchors.pem").text

    def trust_lists(self) -> dict[str, Any]:
        """The trust lists in force."""
        return self._json("GET", "/v1/trust/lists")

    def trust_list(self, name: str) -> dict[str, Any]:
        """One of them, with everybody on it."""
        return self._json("GET", f"/v1/trust/lists/{name}")

    def compare_trust_list(self, name: str, text: str, dated: str = "") -> dict[str, Any]:
        """What a list would change; nothing is kept."""
        query = {"dated": dated} if dated else {}
        return self._json("POST", f"/v1/trust/lists/{name}/comparison", params=query, content=text.encode())

    def update_trust_list(self, name: str, text: str, dated: str = "", replaces: str = "") -> dict[str, Any]:
        """Put a list in force; `replaces` is the digest of the one it was compared with."""
        query = {"replaces": replaces, **({"dated": dated} if dated else {})}
        return self._json("PUT", f"/v1/trust/lists/{name}", params=query, content=text.encode())

    def drop_trust_list(self, name: str, replaces: str) -> dict[str, Any]:
        """Trust nobody for being on it any more."""
        return self._json("DELETE", f"/v1/trust/lists/{name}", params={"replaces": replaces})

    def issue_key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A new API key; its token is in the answer and nowhere else."""
        return self._json("POST", "/v1/api-keys", json=request)

    def api_keys(self) -> list[dict[str, Any]]:
        """Every API key of the tenant."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/api-keys")["keys"]
        return found

    def revoke_key(self, key: str) -> None:
        """The key stops working at once."""
        self._send("DELETE", f"/v1/api-keys/{key}")

    def invite_staff(self, role: str) -> dict[str, Any]:
        """An invitation; its link is in the answer and nowhere else."""
        return self._json("POST", "/v1/staff", json={"role": role})

    def staff(self) -> list[dict[str, Any]]:
        """The tenant's staff, and invitations that wait."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/staff")["staff"]
        return found

    def remove_staff(self, staff: str) -> dict[str, Any]:
        """Take a role back, or an invitation."""
        return self._json("DELETE", f"/v1/staff/{staff}")

    def revoke_claim_key(self, key: str, reason: str, since: str = "") -> dict[str, Any]:
        """A version of the claim key (`sigillo-claim@2`) signs no more; what it signed since then is not trusted."""
        said = {"reason": reason, **({"since": since} if since else {})}
        return self._json("POST", f"/v1/keys/{quote(key, safe='')}/revocation", json=said)

    def revoke_issuer_key(self, key: str, reason: str) -> dict[str, Any]:
        """Nothing verifies any more with a version of the issuer's keys (`sigillo-issuer-p256@2`)."""
        return self._json("POST", f"/v1/issuer-keys/{quote(key, safe='')}/revocation", json={"reason": reason})

    def ledger_stamps(self) -> dict[str, Any]:
        """The last time-stamp of a checkpoint, and how each authority has been doing."""
        return self._json("GET", "/v1/ledger/stamps")

    def ready(self) -> dict[str, Any]:
        """Which part is ready, and why the others are not."""
        with self._asked():
            found: dict[str, Any] = self._http.get("/readyz").json()
        return found

    def _upload(
        self,
        path: str,
        file: Path,
        claim: Mapping[str, Any],
        idempotency_key: str,
        wait: int,
        more: Mapping[str, Any] = MappingProxyType({}),
    ) -> dict[str, Any]:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        headers |= {"Prefer": f"wait={wait}"} if wait else {}
        with file.open("rb") as stream:
            parts = {"file": _part(file, stream), "claim": (None, json.dumps(claim), "application/json")}
            return self._json("POST", path, files={**parts, **more}, headers=headers, timeout=_UPLOADING)

    def _json(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._send(method, path, **sent).json()
        return found

    def _send(self, method: str, path: str, **sent: Any) -> httpx.Response:
        with self._asked():
            response = self._http.request(method, path, **sent)
        raise_for_problem(response)
        return response

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise UnreachableError(f"no answer from {self._http.base_url}: {error}") from error


_UPLOADING = httpx.Timeout(UPLOAD_SECONDS, connect=CONNECT_SECONDS)


def _bundle(file: Path) -> tuple[str, bytes, str]:
    return file.name, file.read_bytes(), "application/vnd.sigillo.custody+json"


def _part(file: Path, stream: BinaryIO) -> tuple[str, BinaryIO, str]:
    """The file under a neutral name: what it is called at home is nobody's business."""
    return "upload", stream, _kind(file)


def _kind(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"
