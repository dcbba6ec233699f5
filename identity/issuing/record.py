"""What becomes of the issuer's keys: the deployment's DID document, its ledger entries, and who signs under it now.

Keys are changed by operators' commands in the key store itself (ADR 0010), so the service records what it sees, and
signs with a version only once the document lists it.

Rules
- A document and its entry commit together, and are never changed.
- Nothing is begun before somebody asks for a credential or the document. From then on each change is recorded.
- A version that is revoked asserts nothing from then on, whatever its key store says. It is never taken back. Until its
  key is rotated, nothing is signed with that key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sqlalchemy import Connection

from identity.did.methods import BlsKey, VerificationMethod
from identity.errors import DidUnreadableError, IssuerKeyUnknownError, IssuerUnnamedError
from identity.issuing import editions
from identity.issuing.decisions import ISSUER_KEY_CHANGED, KEYS_POLICY
from identity.issuing.did_document import Method, did_document
from identity.issuing.editions import Edition
from identity.issuing.issuer import Issuer
from identity.issuing.signing_keys import PURPOSE, SealedKey, StoredKey
from identity.jsonld.context_library import PUBLISHED, ContextLibrary
from identity.selective.bbs_ciphersuite import SHA_256
from identity.selective.bbs_signature import SecretKey
from keys.chain import rfc3339
from keys.clock import Clock, Entropy
from keys.errors import KeyNotFoundError
from keys.issuer_keys import PURPOSES, IssuerKey, IssuerVersion, current, missing
from keys.signer import KeyRef, KeyStore
from ledger.ids import PrincipalId, TenantId, milliseconds
from ledger.log import Ledger
from ledger.payload import Draft
from ledger.storage.database import Database

KEY_INFO: Final = b"sigillo-issuer-bls"
"""Of the BLS key's derivation (`KeyGen`)."""

_PURPOSE_OF: Final = {key: purpose for purpose, key in PURPOSES.items()}


@dataclass
class IssuerRecord:
    """The record of one deployment. Safe to use from many threads."""

    ledger: Ledger
    database: Database
    keys: KeyStore
    home: Callable[[], TenantId]
    """Raises KeyStoreUnavailableError before the first start is over."""

    did: str
    """Our did:web; empty where the deployment was not told where others reach it."""

    clock: Clock
    entropy: Entropy
    contexts: ContextLibrary = PUBLISHED
    _held: tuple[int, Issuer] | None = field(default=None, init=False)
    """Replaced whole; two that make it at once make the same."""

    def issuer(self) -> Issuer:
        """The issuer as the newest document has it. Raises KeyNotFoundError, KeyStoreUnavailableError,
        IssuerUnnamedError.
        """
        newest = self.newest()
        held = self._held
        if held is None or held[0] != newest.number:
            held = self._held = (newest.number, self._made(newest))
        return held[1]

    def newest(self) -> Edition:
        """The document in force; begun if this is the first time. Raises as `issuer`."""
        tenant = self.home()
        found = self._newest(tenant)
        if found is None or found.did != self.did:
            self._change(tenant, found)
            found = self._newest(tenant)
        if found is None:
            raise KeyNotFoundError(missing(self.keys.issuer_versions()))
        return found

    def editions(self) -> Sequence[Edition]:
        """Every document there was, oldest first."""
        tenant = self.home()
        with self.database.read(tenant) as connection:
            return editions.all_of(connection, tenant)

    def observe(self) -> Edition | None:
        """Record what is not as it was recorded last; what was recorded. Nothing where nothing was begun.

        Raises KeyStoreUnavailableError, LogBusyError, LogClosedError, DatabaseUnavailableError.
        """
        tenant = self.home()
        before = self._newest(tenant)
        return self._change(tenant, before) if before else None

    def revoke(self, by: PrincipalId, key: str, reason: str) -> Method:
        """Let a version (`sigillo-issuer-p256@1`) assert nothing from now on; as it stands in the document.

        Raises IssuerKeyUnknownError, and as `issuer`.
        """
        newest = self.newest()
        found = next((method for ref, method in newest.methods.items() if str(ref) == key), None)
        if found is None:
            raise IssuerKeyUnknownError(key)
        if found.revoked:
            return found
        revoked = replace(found, revoked=rfc3339(self.clock().replace(microsecond=0)))
        methods = {**newest.methods, found.ref: revoked}
        said = Edition(
            newest.number + 1,
            did_document(newest.did, methods.values()),
            newest.signing,
            newest.retired,
            (f"key.revoked: {reason}",),
        )
        self._record(self.home(), said, by)
        return revoked

    def fault(self) -> str:
        """Which of the keys sign nothing, and what to do; empty where all do, and where nothing was begun.

        Raises KeyStoreUnavailableError before the first start is over, DatabaseUnavailableError.
        """
        newest = self._newest(self.home())
        faulty = [_fault(newest, ref) for ref in newest.signing] if newest else []
        return "; ".join(filter(None, faulty))

    def resolve(self, method: str) -> VerificationMethod:
        """A verification method of ours, without anybody fetching it. Raises DidUnreadableError, and as `issuer`."""
        newest = self.newest()
        for stated in newest.methods.values():
            if f"{newest.did}#{stated.fragment}" == method:
                return _verification(newest.did, stated)
        raise DidUnreadableError(f"{newest.did!r} has no verification method {method!r}")

    def _change(self, tenant: TenantId, before: Edition | None) -> Edition | None:
        if not self.did:
            raise IssuerUnnamedError
        versions = self.keys.issuer_versions()
        if missing(versions):
            return None
        seen = self._seen(before, versions)
        if not seen.reasons:
            return None
        self._record(tenant, seen, self.ledger.system_principal(tenant))
        return seen

    def _seen(self, before: Edition | None, versions: Sequence[IssuerVersion]) -> Edition:
        methods = dict(before.methods) if before else {}
        for version in versions:
            if not version.retired and version.ref not in methods:
                methods[version.ref] = self._method(version)
        signing = tuple(current(versions, key).ref for key in IssuerKey)
        # What a store has forgotten altogether signs no more, either.
        alive = {version.ref for version in versions if not version.retired}
        retired = tuple(sorted((ref for ref in methods if ref not in alive), key=str))
        document = did_document(self.did, methods.values())
        seen = Edition((before.number if before else 0) + 1, document, signing, retired, ())
        return replace(seen, reasons=_reasons(before, seen))

    def _method(self, version: IssuerVersion) -> Method:
        if version.key is IssuerKey.BLS:
            return Method.of(version.ref, BlsKey(self._bls(version.ref).public))
        key = load_der_public_key(version.public_key)
        assert isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey)
        return Method.of(version.ref, key)

    def _bls(self, ref: KeyRef) -> SecretKey:
        return SecretKey.derive(SHA_256, self.keys.bls_material(ref.version), KEY_INFO)

    def _record(self, tenant: TenantId, seen: Edition, by: PrincipalId) -> None:
        system = self.ledger.subjects.system(tenant)
        draft = self.ledger.draft(ISSUER_KEY_CHANGED.name, KEYS_POLICY, by, system, seen.decision)
        dated = replace(seen, entry=draft.id, created_at=milliseconds(self.clock()))

        def work(connection: Connection) -> Sequence[Draft]:
            # Where another process saw something meanwhile, the next round looks again.
            return [draft] if editions.add(connection, tenant, dated) else []

        self.ledger.record(work, tenant)

    def _newest(self, tenant: TenantId) -> Edition | None:
        with self.database.read(tenant) as connection:
            return editions.newest(connection, tenant)

    def _made(self, edition: Edition) -> Issuer:
        signing = {IssuerKey(ref.name): edition.methods[ref] for ref in edition.signing}
        bls = signing[IssuerKey.BLS]
        return Issuer(
            edition.did,
            self._stored(edition.did, signing[IssuerKey.ED25519]),
            self._stored(edition.did, signing[IssuerKey.P256]),
            SealedKey(_verification(edition.did, bls), bls.ref, lambda: self._bls(bls.ref)),
            self.contexts,
            self.clock,
            self.entropy,
        )

    def _stored(self, did: str, method: Method) -> StoredKey:
        signer = self.keys.signer(_PURPOSE_OF[IssuerKey(method.ref.name)], method.ref.version)
        return StoredKey(_verification(did, method), signer)


def _fault(edition: Edition, ref: KeyRef) -> str:
    state = "revoked" if edition.methods[ref].revoked else "retired" if ref in edition.retired else ""
    if not state:
        return ""
    key = ref.name.rpartition("-")[2]
    return f"{ref} is {state}, so no credential is signed with it: `sigillo keys rotate --issuer {key}`"


def _verification(did: str, method: Method) -> VerificationMethod:
    purposes = frozenset() if method.revoked else frozenset({PURPOSE})
    return VerificationMethod(f"{did}#{method.fragment}", did, method.key, purposes)


def _reasons(before: Edition | None, seen: Edition) -> tuple[str, ...]:
    if before is None:
        return ("key.first",)
    found = {
        "did.changed": seen.did != before.did,
        "key.rotated": seen.signing != before.signing or seen.methods.keys() != before.methods.keys(),
        "key.retired": not set(seen.retired) <= set(before.retired),
        "key.restored": not set(before.retired) <= set(seen.retired),
    }
    return tuple(reason for reason, holds in found.items() if holds)
