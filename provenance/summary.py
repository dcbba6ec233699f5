"""A report in plain words: message codes and their parameters, worded from a catalogue.

The code is stable and the parameters are structured, so another language is another catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Final

from provenance.codes import (
    BINDING_HOLLOW,
    BINDING_PARTIAL,
    MANIFEST_INACCESSIBLE,
    SIGNER_EXPIRED,
    SIGNER_REVOKED,
    SIGNER_TRUSTED,
    effect,
)
from provenance.report import History, StampStanding, VerificationReport
from provenance.verdict import Verdict

MAX_HISTORY_CODES: Final = 20
UNNAMED: Final = "an unnamed signer"

ENGLISH: Final = MappingProxyType(
    {
        "absent": "This file carries no provenance manifest. If one is kept beside it, verify the two together.",
        "unreadable": "This file, or the manifest in it, cannot be read.",
        "unreadable.elsewhere": "This file says that its manifest is kept elsewhere; nothing was fetched.",
        "invalid.content": "The content does not match its manifest: it was changed after signing.",
        "invalid.hollow": "The signature leaves out most of this file, so that it would fit almost any other, too.",
        "invalid.expired": "The signer's certificate has expired, and no trusted time-stamp vouches for it.",
        "invalid.premature": "A time-stamp says that it was signed on {time}, before its signer's certificate began.",
        "invalid.revoked": "The signer's certificate was revoked on {at} ({reason}), and no trusted time-stamp shows "
        "that it signed this before {since}.",
        "invalid.manifest": "The manifest does not hold ({code}).",
        "untrusted": "The manifest is sound, but its signer, {signer}, is not one we trust.",
        "untrusted.history": "Signed by {signer}, whom we trust, over a history that we do not.",
        "untrusted.partial": "Signed by {signer}, but the signature leaves out parts of the file: whether those were "
        "changed cannot be told.",
        "trusted.alone": "Signed by {signer}, whom we trust. Whether a file is the signed one, the file itself shows.",
        "trusted": "Signed by {signer}, whom we trust, and unchanged since.",
        "recovered.content": "The same content was signed here on {date} as “{title}”, by {signer}{whom}; the bytes of "
        "this file are not signed.",
        "recovered.copy": "Something that looks like this was signed here on {date} as “{title}”, by {signer}{whom}; "
        "its own bytes are not signed.",
        "recovered.near": "As {encoder} sees it, this is like something that was signed here on {date} as “{title}”, "
        "by {signer}{whom}; it may be another picture of the same, and its own bytes are not signed.",
        "recovered.first": "Whoever had that signed was the first here with something like it, on {date}; others had "
        "it signed later.",
        "recovered.earlier": "Somebody else had something that looks less like it signed here before that, on {date}.",
        "recovered.hidden": "What is kept of some signed file cannot be opened: there may be more, and earlier ones.",
        "recovered.nothing": "Nothing that was signed here and may be shown to you looks like it.",
        "recovered.unknown": "Whether it is a copy of something that was signed here cannot be told: {reason}.",
        "recovered.unasked.no-encoder": "Edited copies were not looked for: it takes an encoder, and none is set here.",
        "recovered.unasked.no-picture": "Edited copies were not looked for: that is done for single pictures alone.",
        "recovered.unasked.faint": "Edited copies were not looked for: too little is to be seen in it.",
        "recovered.unasked.unavailable": "Edited copies were not looked for: the encoder cannot be asked now.",
        "ancestry.untrusted": "An earlier version was signed by someone we do not trust.",
        "ancestry.unreadable": "The manifest of an earlier version cannot be read.",
        "ancestry.revoked": "The certificate that an earlier version was signed with is revoked.",
        "ancestry.invalid": "An earlier version does not hold: {code}.",
    }
)


@dataclass(frozen=True)
class Message:
    """A sentence before it is worded."""

    code: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def summarise(report: VerificationReport) -> tuple[Message, ...]:
    """What to know first: of the file itself, then of its ancestors if something is wrong there."""
    own = _own(report)
    if report.ancestry in (None, Verdict.TRUSTED, Verdict.ABSENT):
        return (own,)
    failures = [code for node in report.ingredients if node.verdict is report.ancestry for code in node.failures]
    code = next(iter(failures), "unknown")
    return own, Message("ancestry.revoked" if code == SIGNER_REVOKED else f"ancestry.{report.ancestry}", {"code": code})


def without_file(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The same of a manifest that was looked at without its file: that is not said to be unchanged."""
    return tuple(replace(one, code="trusted.alone") if one.code == "trusted" else one for one in messages)


def word(messages: tuple[Message, ...], catalogue: Mapping[str, str] = ENGLISH) -> str:
    """The messages as sentences."""
    return " ".join(catalogue[message.code].format_map(message.parameters) for message in messages)


def in_brief(report: VerificationReport) -> History:
    """What a file's own manifest is worth, and why."""
    own = [status.code for status in report.statuses.failure]
    ancestors = [code for ingredient in report.ingredients for code in ingredient.failures]
    failures = tuple(dict.fromkeys(own + ancestors))[:MAX_HISTORY_CODES]
    sentence = word(summarise(report))
    return History(report.verdict, report.ancestry, report.label, failures, sentence, report.source_types)


def _own(report: VerificationReport) -> Message:
    signer = {"signer": (report.signer and report.signer.common_name) or UNNAMED}
    failures = [status.code for status in report.statuses.failure]
    match report.verdict:
        case Verdict.ABSENT:
            return Message("absent")
        case Verdict.UNREADABLE:
            return Message("unreadable.elsewhere" if MANIFEST_INACCESSIBLE in failures else "unreadable")
        case Verdict.INVALID:
            return _invalid(failures, report)
        case Verdict.UNTRUSTED:
            if BINDING_PARTIAL in failures:
                return Message("untrusted.partial", signer)
            trusted = any(status.code == SIGNER_TRUSTED for status in report.statuses.success)
            return Message("untrusted.history" if trusted else "untrusted", signer)
        case Verdict.TRUSTED:
            return Message("trusted", signer)


def _invalid(failures: list[str], report: VerificationReport) -> Message:
    revocation = report.signer.revocation if report.signer else None
    premature = [stamp for stamp in report.time_stamps if stamp.standing is StampStanding.PREMATURE]
    if any(code.endswith("Hash.mismatch") for code in failures):
        return Message("invalid.content")
    if BINDING_HOLLOW in failures:
        return Message("invalid.hollow")
    if SIGNER_REVOKED in failures and revocation:
        return Message("invalid.revoked", asdict(revocation))
    if SIGNER_EXPIRED in failures:
        return (
            Message("invalid.premature", {"time": str(premature[0].time)}) if premature else Message("invalid.expired")
        )
    decisive = (code for code in failures if effect(code, failed=True) is Verdict.INVALID)
    return Message("invalid.manifest", {"code": next(decisive, "unknown")})
