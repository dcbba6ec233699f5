"""Whom this deployment trusts: its own roots, the operator's files, the trust lists in force, and what one verification
adds; less what is revoked.

Rules
- The key store's roots may grow while the service runs: it is asked each time, and answers from what it knows. They are
  public, so they are kept in the home folder too: files are verified after a restart even while Vault is down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from api.running.log import logger
from api.settings import Profile, Settings
from keys.errors import KeyNotFoundError, KeyStoreUnavailableError
from keys.signer import KeyStore
from provenance.errors import TrustPolicyError
from provenance.trust import DEFAULT_USAGES, TrustPolicy, parse_usages
from provenance.trust_list import TrustList

OURS, GIVEN = "this deployment", "the given trust anchors"
"""How roots are called in messages about them."""


class Trust:
    """Policies to judge manifests under. Safe to use from many threads: two that learn at once learn the same."""

    def __init__(
        self,
        settings: Settings,
        keys: KeyStore,
        kept: Path,
        revoked: Callable[[], str] = str,
        lists: Callable[[], tuple[TrustList, ...]] = tuple,
    ) -> None:
        """`kept` is where the key store's roots stay; `revoked` says which certificates are, as a policy takes them;
        `lists` which trust lists are in force.

        Raises OSError, TrustPolicyError for the operator's files.
        """
        self._keys, self._kept, self._revoked, self._lists = keys, kept, revoked, lists
        self._development = settings.profile is Profile.EMBEDDED
        self._further = {str(path): path.read_text() for path in (settings.trust_anchors,) if path}
        config = settings.trust_config
        self._usages = parse_usages(str(config), config.read_text()) if config else ()
        self._authorities = {str(path): path.read_text() for path in (settings.tsa_anchors,) if path}
        usages = self._usages or DEFAULT_USAGES
        TrustPolicy.of(self._further, usages, self._authorities, development=self._development)
        self._ours = ""
        self._written = ""
        """What the kept file holds, as far as we wrote it."""

        self._warned = ""
        self._policy: tuple[str, tuple[TrustList, ...], TrustPolicy] | None = None
        """For roots that were ours then, and the lists in force."""

    def anchors(self) -> str:
        """PEM roots under which this deployment's signatures chain.

        Raises KeyStoreUnavailableError while the key store has never been reached, KeyNotFoundError.
        """
        try:
            found = self._keys.anchors()
            if found != self._ours or not found:
                self._ours = self._certificates(found)
            if found != self._written:
                self._keep(found)
        except (KeyStoreUnavailableError, KeyNotFoundError):
            if not self._ours and not self._kept.is_file():
                raise
            self._ours = self._ours or self._certificates(self._kept.read_text(errors="replace"))
        return self._ours

    def policy(self) -> TrustPolicy:
        """The policy of this deployment. Raises as `anchors`, and DatabaseUnavailableError before any list was read."""
        ours, revoked, lists, held = self.anchors(), self._revoked(), self._lists(), self._policy
        if held is None or held[:2] != (ours, lists) or held[2].revoked != revoked:
            held = self._policy = ours, lists, self._of({}, ())
        return held[2]

    def widened(self, anchors: str, usages: str) -> TrustPolicy:
        """The same with further PEM roots and key usages. Raises TrustPolicyError, and as `anchors`."""
        if not anchors and not usages:
            return self.policy()
        return self._of({GIVEN: anchors} if anchors else {}, parse_usages(GIVEN, usages) if usages else ())

    def _of(self, anchors: Mapping[str, str], usages: tuple[str, ...]) -> TrustPolicy:
        known, lists = (*(self._usages or DEFAULT_USAGES), *usages), self._lists()
        return TrustPolicy.of(
            {OURS: self.anchors(), **self._further, **anchors},
            tuple(dict.fromkeys(known)),
            {**self._authorities, **{one.name: one.anchors for one in lists if one.name.for_stamps}},
            self._revoked(),
            signers={one.name: one.anchors for one in lists if not one.name.for_stamps},
            lists=tuple(one.reference for one in lists),
            development=self._development,
        )

    def _keep(self, anchors: str) -> None:
        """As well as can be, and tried again each time the roots are asked for: what can be verified now must not
        depend on what is kept for later.
        """
        draft = self._kept.with_name(f"{self._kept.name}.{token_hex(8)}")
        try:
            draft.write_text(anchors)
            draft.replace(self._kept)
            self._written, self._warned = anchors, ""
        except OSError as error:
            self._warn(error.strerror or str(error))
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _warn(self, reason: str) -> None:
        """Once while the reason is the same: with every file that is verified it would fill the log."""
        if reason != self._warned:
            logger("trust").warning("the roots cannot be kept for a restart without the key store", error=reason)
        self._warned = reason

    def _certificates(self, anchors: str) -> str:
        """The same, once they are seen to be roots. Raises KeyStoreUnavailableError."""
        try:
            TrustPolicy.of({OURS: anchors}, development=self._development)
        except TrustPolicyError as error:
            raise KeyStoreUnavailableError(f"the key store's roots cannot be read: {error}") from error
        return anchors
