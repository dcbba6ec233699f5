"""Everything that can go wrong in this package.

DetectionError
├── SandboxError                        no answer came from a worker
│   ├── SandboxUnavailableError         workers cannot start: says why and what to do
│   │   └── IsolationUnavailableError   the kernel cannot isolate them and the policy requires it
│   ├── SandboxBusyError                every worker stayed occupied: try again
│   ├── RequestTooLargeError            the job's arguments exceed the frame
│   ├── JobFailedError                  a job raised what no job should: a defect here, not in the file
│   ├── EncoderUnusableError            the operator's encoder does not run, or is no encoder of pictures
│   └── WorkerError                     one worker died of one request, and was replaced
│       ├── WorkerCrashedError
│       ├── WorkerTimeoutError
│       ├── WorkerMemoryError
│       └── WorkerProtocolError         it sent what no honest worker sends
├── ModelCardError                      an encoder's card, or the file that it pins, is not what it should be
├── TemplateError                       faces as templates
│   ├── EmbeddingRefusedError           no embedding of ours: length, dimensions, or not a number
│   ├── RotationChangedError            prepared under a rotation that is no longer the newest: prepare again
│   ├── RotationUnderWayError           the rotation key is being renewed already
│   └── MatchUnknownError               it could not be looked; never to be read as no match
├── FingerprintRefusedError             a picture may not be registered: it says too little, or everybody has it
├── PhotoRefusedError                   a photo may not be registered, and why (`detection.faces.quality`)
├── GenerationError                     what is asked of the index's generations cannot be done
│   ├── InIndexError                    it is in the index, so nothing proves its absence
│   ├── AbsenceUnknownError             nothing of that id ever left the index, or it is long ago
│   └── AbsencePendingError             it left, and the next generation will prove it
└── MediaError                          the file is refused; each class has a stable `code`
    ├── EmptyMediaError
    ├── UnrecognisedMediaError
    ├── UnsupportedMediaError
    ├── MissingDecoderError
    ├── UnsupportedCodecError
    ├── MislabelledMediaError
    ├── MediaTooLargeError
    ├── TruncatedMediaError
    ├── CorruptMediaError
    └── ProtectedMediaError

`MediaError`, `JobFailedError` and `EncoderUnusableError` are also `detection.job_error.JobError`: they cross from a
worker to the parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from detection.job_error import JobError


class DetectionError(Exception):
    """Root of this package's errors."""


class SandboxError(DetectionError):
    """No answer came from a worker."""


class SandboxUnavailableError(SandboxError):
    """Workers cannot start. The sandbox keeps trying, ever more slowly."""


class IsolationUnavailableError(SandboxUnavailableError):
    """The machine cannot isolate workers, and the policy requires it."""


class SandboxBusyError(SandboxError):
    """Every worker stayed occupied for the whole wait: try again."""


class RequestTooLargeError(SandboxError):
    """The job's arguments exceed what one request may carry."""

    def __init__(self, limit: int, actual: int) -> None:
        super().__init__(f"the request takes {actual} bytes, at most {limit} fit: send less")
        self.limit, self.actual = limit, actual


class WorkerError(SandboxError):
    """One worker died of one request, and was replaced."""


class WorkerCrashedError(WorkerError):
    """The worker ended: a signal, or an exit nobody asked for."""


class WorkerTimeoutError(WorkerError):
    """The job outlived its time and the worker was killed."""


class WorkerMemoryError(WorkerError):
    """The job needed more memory than a worker may have."""


class WorkerProtocolError(WorkerError):
    """The worker sent what no honest worker sends; nothing of it was used."""


@dataclass(eq=False)
class JobFailedError(SandboxError, JobError):
    """A job raised an error that is not a `JobError`: a defect of ours that this input met."""

    code: ClassVar[str] = "job-failed"
    sentence: ClassVar[str] = "the job failed with {kind} at {where}; please report this"
    kind: str
    where: str


@dataclass(eq=False)
class EncoderUnusableError(SandboxError, JobError):
    """The operator's encoder does not run here, or is no encoder of pictures."""

    code: ClassVar[str] = "encoder-unusable"
    sentence: ClassVar[str] = "the encoder cannot be used ({reason}): try it with `sigillo models describe`"
    reason: str


class ModelCardError(DetectionError):
    """An encoder's card, or the file that it pins, is not what it should be."""


class TemplateError(DetectionError):
    """Faces as templates."""


class EmbeddingRefusedError(TemplateError):
    """No embedding of ours: not of unit length, of other dimensions than its model's, or not a number."""


class RotationChangedError(TemplateError):
    """What was prepared is under a rotation that is no longer the newest: prepare it again."""


class RotationUnderWayError(TemplateError):
    """The tenant's rotation key is being renewed already."""

    def __init__(self) -> None:
        super().__init__("the rotation key is being renewed already: wait until every template is under the new one")


class Unknown(StrEnum):
    """Why it cannot be said whether a face is registered."""

    KEYS = "keys"
    """The key store is sealed or down, or a rotation key is gone."""

    DATABASE = "database"
    INDEX = "index"
    """The index is older than its database, and not up to it yet."""

    DAMAGED = "damaged"
    """A stored row does not open: swapped, tampered with, or of another key."""


class MatchUnknownError(TemplateError):
    """It could not be looked, so nothing is known. Never to be read as no match."""

    def __init__(self, reason: Unknown, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FingerprintRefusedError(DetectionError):
    """A picture may not be registered; `reason` is a code, and the text says it to people."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(said)
        self.reason = reason


class GenerationError(DetectionError):
    """Of the index's generations."""


class InIndexError(GenerationError):
    """It is in the index."""

    def __init__(self) -> None:
        super().__init__("it is in the index: nothing proves its absence")


class AbsenceUnknownError(GenerationError):
    """Nothing of that id ever left the index, or it is too long ago: they look alike."""

    def __init__(self) -> None:
        super().__init__("there is no such proof: nothing of this id left the index, or its proof is no longer kept")


class AbsencePendingError(GenerationError):
    """It left the index; a generation that says so comes within a minute."""

    def __init__(self) -> None:
        super().__init__("it has left the index, and what proves it is on its way: ask again in some seconds")


ACCEPTED: Final = "JPEG, PNG, WebP, GIF, TIFF, AVIF, HEIC, PDF, MP4, MOV, WebM, M4A, WAV, MP3, FLAC or Ogg"
"""As sentences name the accepted kinds (`detection.kinds.Kind`, which needs these errors)."""


class MediaError(DetectionError, JobError):
    """The file is refused."""


@dataclass(eq=False)
class EmptyMediaError(MediaError):
    """Not one byte."""

    code: ClassVar[str] = "media-empty"
    sentence: ClassVar[str] = "the file is empty: send its content"


@dataclass(eq=False)
class UnrecognisedMediaError(MediaError):
    """No known format begins like this."""

    code: ClassVar[str] = "media-unrecognised"
    sentence: ClassVar[str] = "its bytes begin as no file does that is known here: send " + ACCEPTED


@dataclass(eq=False)
class UnsupportedMediaError(MediaError):
    """A known format that is not accepted."""

    code: ClassVar[str] = "media-unsupported"
    sentence: ClassVar[str] = "{kind} is not accepted here: convert the file to " + ACCEPTED
    kind: str


@dataclass(eq=False)
class MissingDecoderError(MediaError):
    """A format that is accepted where its decoder is installed, and here it is not."""

    code: ClassVar[str] = "media-decoder-missing"
    sentence: ClassVar[str] = (
        "{kind} cannot be decoded here: convert the file to JPEG, or have the operator install sigillo[{extra}]"
    )
    kind: str
    extra: str


@dataclass(eq=False)
class UnsupportedCodecError(MediaError):
    """An accepted format, and inside it a codec that is not."""

    code: ClassVar[str] = "media-codec-unsupported"
    sentence: ClassVar[str] = (
        "the {kind} file uses {codec}, which is not accepted: export it with H.264, H.265, VP9 or AV1 and AAC or Opus"
    )
    kind: str
    codec: str


@dataclass(eq=False)
class MislabelledMediaError(MediaError):
    """The declared type is not what the bytes are."""

    code: ClassVar[str] = "media-mislabelled"
    sentence: ClassVar[str] = (
        "declared as {declared}, but the bytes are {actual}: correct the declared type; "
        "where it comes from the file's name, rename the file"
    )
    declared: str
    actual: str


@dataclass(eq=False)
class MediaTooLargeError(MediaError):
    """One of the limits of `detection.limits`."""

    code: ClassVar[str] = "media-too-large"
    sentence: ClassVar[str] = "the file has {actual} {field}, at most {limit} are accepted: make it smaller"
    field: str
    limit: int
    actual: int


@dataclass(eq=False)
class TruncatedMediaError(MediaError):
    """The file ends before its format says it may."""

    code: ClassVar[str] = "media-truncated"
    sentence: ClassVar[str] = "the {kind} file ends too early: send it again, whole"
    kind: str


@dataclass(eq=False)
class CorruptMediaError(MediaError):
    """The file contradicts its format, or does not decode."""

    code: ClassVar[str] = "media-corrupt"
    sentence: ClassVar[str] = "the {kind} file is damaged ({reason}): export it again"
    kind: str
    reason: str


@dataclass(eq=False)
class ProtectedMediaError(MediaError):
    """Signing would undo what protects the file."""

    code: ClassVar[str] = "media-protected"
    sentence: ClassVar[str] = "the {kind} file has {protection}, which signing would undo: send one without"
    kind: str
    protection: str
