"""Where messages go: an e-mail address or a phone number, in one spelling."""

from __future__ import annotations

import re
from typing import Final

from identity.assurance.errors import DestinationError
from identity.assurance.tier import EvidenceKind

MAX_DESTINATION: Final = 254
FORMS: Final = {
    EvidenceKind.EMAIL: re.compile(
        r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}"
    ),
    EvidenceKind.PHONE: re.compile(r"\+[1-9][0-9]{6,14}"),
}
"""The addresses of HTML's `input type=email` with a host of two labels; ITU-T E.164."""


def destination(text: str, *kinds: EvidenceKind) -> str:
    """An address of one of these kinds, of any where none is named. Raises DestinationError."""
    forms = [FORMS[kind] for kind in kinds or FORMS if kind in FORMS]
    if len(text) > MAX_DESTINATION or not any(form.fullmatch(text) for form in forms):
        raise DestinationError("write an e-mail address as name@host.example, a phone number as +491701234567")
    return text.lower()
