"""Reasons and mismatches in plain words; another language is another catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ENGLISH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "manifest.invalid": "Its manifest does not hold.",
        "manifest.unreadable": "It, or its manifest, cannot be read.",
        "manifest.absent": "It carries no manifest: nothing that it says is signed.",
        "manifest.untrusted": "Its manifest is sound, and we do not trust it: for who signed, or for what is left out.",
        "manifest.trusted": "Its manifest is sound, and signed by somebody we trust.",
        "history.invalid": "An earlier version of it does not hold.",
        "history.unreadable": "The manifest of an earlier version cannot be read.",
        "history.untrusted": "An earlier version was signed by somebody we do not know.",
        "history.none": "It names no earlier version that had a manifest.",
        "history.trusted": "Every earlier version with a manifest holds, signed by somebody we trust.",
        "signer.revoked": "Its signer's certificate is revoked.",
        "signer.expired": "Its signer's certificate had ended, as far as anybody can tell.",
        "signer.unknown": "Nobody we trust vouches for its signer.",
        "signer.trusted": "Somebody we trust vouches for its signer.",
        "signer.recorded": "It was signed here, and the ledger says so.",
        "time_stamp.false": "Its time-stamp is not what it is made out to be ({standing}).",
        "time_stamp.none": "Nothing shows when it was signed.",
        "time_stamp.unproven": "Its time-stamp is by an authority that we do not trust.",
        "time_stamp.trusted": "A trusted time-stamp shows when it was signed.",
        "tool.differs": "Its metadata name software that its manifest does not.",
        "tool.silent": "Its metadata do not say what software made it.",
        "tool.agrees": "Its metadata name the software that its manifest names.",
        "source.contradicted": "Its metadata say that it comes from elsewhere than its manifest says.",
        "source.undeclared": "It does not say whether it was captured, drawn or generated.",
        "source.declared": "It says where it comes from, and nothing else in it speaks of that.",
        "source.agrees": "Its metadata and its manifest say alike where it comes from.",
        "edits.undeclared": "Its metadata name an editor, and its manifest no edit.",
        "edits.none": "Nothing in it tells of an edit that it does not state.",
        "edits.declared": "It says that it was edited.",
        "capture.impossible": "Its metadata give a moment of capture after it was signed.",
        "capture.silent": "Its metadata do not say when it was captured.",
        "capture.plausible": "Its metadata give a moment of capture, and nothing shows that it was signed before.",
        "recovered.none": "Nothing that was signed here and may be shown looks like it.",
        "recovered.unsought": "Nobody looked for where it may have come from.",
        "recovered.similar": "It looks like an edited copy of something that was signed here.",
        "recovered.same": "It shows the same as something that was signed here.",
        "software": "The metadata name {software}; the manifest names {claimed}.",
        "generator": "The metadata tell of {trace}, which generates; the manifest states {declared}.",
        "camera": "The metadata name a camera, {camera}; the manifest states that it was generated.",
        "source_type": "The metadata state the digital source type {found}; the manifest states {declared}.",
        "editor": "The metadata name the editor {software}; the manifest states no edit.",
        "capture_time": "The metadata say that it was captured at {captured}, after it was signed at {signed}.",
    }
)
