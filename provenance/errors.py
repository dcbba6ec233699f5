"""Everything that can go wrong in this package.

ProvenanceError
├── ClaimRefusedError             the request breaks a rule of the manifest, or asserts what its key may not
├── FormatUnsupportedError        C2PA defines no manifest for this kind of file: nothing to verify
├── ManifestBuildError            the manifest could not be built or signed; nothing is handed out
├── ClaimInvalidError             what a tool sends to be signed is no claim, or not over the assertions it sends
├── BundleMalformedError          no custody bundle: not of its form, or beyond its limits
├── BundleInvalidError            a custody bundle that does not hold; `fault` says what of it
├── ClaimBytesError               a worker asked for a signature over something that is not a claim
├── TimeStampRefusedError         one authority's answer, or lack of one: the next is asked
├── TimeStampUnavailableError     no authority gave a time-stamp, and this deployment signs none without
└── TrustPolicyError              trust anchors or key usages that cannot be used
    └── TrustListError            a trust list that is not taken: broken, of another kind, older than the one in force

`FormatUnsupportedError`, `ManifestBuildError`, `ClaimInvalidError`, `TimeStampRefusedError` and those of bundles are
also `JobError`: they cross from worker to parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from detection.job_error import JobError


class ProvenanceError(Exception):
    """Root of this package's errors."""


class ClaimRefusedError(ProvenanceError):
    """The request breaks a rule of the manifest, or asserts what its key may not.

    `field` names the offending part (`actions[0].source_type`), `code` is stable, `detail` says what to do.
    """

    def __init__(self, field: str, code: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field, self.code, self.detail = field, code, detail


@dataclass(eq=False)
class FormatUnsupportedError(ProvenanceError, JobError):
    """C2PA defines no manifest for this kind of file, so there is nothing to verify."""

    code: ClassVar[str] = "format-unsupported"
    sentence: ClassVar[str] = "no manifest can be read from this kind of file: send an image, video, audio file or PDF"


@dataclass(eq=False)
class ManifestBuildError(ProvenanceError, JobError):
    """The manifest could not be built or signed; nothing is handed out."""

    code: ClassVar[str] = "manifest-build"
    sentence: ClassVar[str] = "the manifest could not be built: {reason}"
    reason: str


@dataclass(eq=False)
class ClaimInvalidError(ProvenanceError, JobError):
    """What a tool sends to be signed is no claim of ours to sign, or not over the assertions that it sends."""

    code: ClassVar[str] = "claim-invalid"
    sentence: ClassVar[str] = "this cannot be signed as a claim: {reason}"
    reason: str


@dataclass(eq=False)
class BundleMalformedError(ProvenanceError, JobError):
    """No custody bundle, as far as one can be read."""

    code: ClassVar[str] = "bundle-malformed"
    sentence: ClassVar[str] = "this is no custody bundle that can be read: {reason}"
    reason: str


@dataclass(eq=False)
class BundleInvalidError(ProvenanceError, JobError):
    """It can be read, and what it says does not hold together."""

    code: ClassVar[str] = "bundle-invalid"
    sentence: ClassVar[str] = "nothing of this custody bundle is believed: {reason}"
    fault: str
    """`log`, `receipt`, `export`, `word` or `graph`."""

    reason: str


class ClaimBytesError(ProvenanceError):
    """A worker asked for a signature over something that is not a claim."""


@dataclass(eq=False)
class TimeStampRefusedError(ProvenanceError, JobError):
    """What one time-stamp authority gave will not do; the next is asked."""

    code: ClassVar[str] = "time-stamp-refused"
    sentence: ClassVar[str] = "{reason}"
    reason: str


class TimeStampUnavailableError(ProvenanceError):
    """No authority gave a time-stamp, and this deployment signs nothing without one."""

    def __init__(self, faults: str) -> None:
        super().__init__(
            f"no authority gives a time-stamp now, and this deployment signs nothing without one: try again ({faults})"
        )


class TrustPolicyError(ProvenanceError):
    """Trust anchors or key usages that cannot be used; the message names their source."""


class TrustListError(TrustPolicyError):
    """A trust list that is not taken; the one in force stays."""
