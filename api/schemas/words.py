"""Words that people write into requests and read in lists and terminals."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, Strict

from identity.encoding.date_time import read_date_time
from ledger import entry
from provenance.characters import hidden

MAX_REASON = 500

KIND: Final = f"^{entry.KIND.pattern}$"
POLICY: Final = f"^{entry.POLICY.pattern}$"
ENTRY: Final = "^ent_[a-z2-7]{26}$"
PRINCIPAL: Final = "^prn_[a-z2-7]{26}$"
NONCE: Final = "^[A-Za-z0-9_-]{8,128}$"
HOLD: Final = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

STAFF: Final = "^stf_[a-z2-7]{26}$"
ACCOUNT: Final = "^acc_[a-z2-7]{26}$"
PASSKEY: Final = "^pky_[a-z2-7]{26}$"
SHA256: Final = "^[0-9a-f]{64}$"
SHA256_OR_NONE: Final = "^([0-9a-f]{64})?$"
BASE64: Final = "^[A-Za-z0-9+/]+={0,2}$"
BASE64URL: Final = "^[A-Za-z0-9_-]+$"
ASKED: Final = "^arq_[a-z2-7]{26}$"
EVIDENCE: Final = "^evd_[a-z2-7]{26}$"
REGISTRATION: Final = "^reg_[a-z2-7]{26}$"
REGISTRATION_HOLD: Final = "^hld_[a-z2-7]{26}$"
LANGUAGE: Final = "^[a-z]{2}(-[A-Z]{2})?$"
WALLET_REQUEST: Final = "^wrq_[a-z2-7]{26}$"
BATCH: Final = "^bat_[a-z2-7]{26}$"
ASSET: Final = "^ast_[a-z2-7]{26}$"
MATCH: Final = "^lkm_[a-z2-7]{26}$"
PLACE: Final = "^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$"
COUNTRY: Final = "^([A-Z]{2})?$"
PROVIDER: Final = "^[a-z0-9][a-z0-9.-]{0,63}$"
CODE: Final = "^[0-9]{8}$"
ADDRESS: Final = r"^[\x21-\x7e]*$"

AFTER_ASSET: Final = f"{ASSET}|^$"
AFTER_ENTRY: Final = f"{ENTRY}|^$"
AFTER_REGISTRATION_HOLD: Final = f"{REGISTRATION_HOLD}|^$"

EXAMPLES: Final = {
    KIND: "`asset.signed`",
    POLICY: "`intake@1`",
    ENTRY: "`ent_` and 26 letters or digits",
    PRINCIPAL: "`prn_` and 26 letters or digits",
    STAFF: "`stf_` and 26 letters or digits",
    ACCOUNT: "`acc_` and 26 letters or digits",
    PASSKEY: "`pky_` and 26 letters or digits",
    SHA256: "64 hexadecimal digits, in lower case",
    SHA256_OR_NONE: "64 hexadecimal digits, in lower case, or empty",
    BASE64: "base64",
    BASE64URL: "base64url without padding",
    ASKED: "`arq_` and 26 letters or digits",
    EVIDENCE: "`evd_` and 26 letters or digits",
    REGISTRATION: "`reg_` and 26 letters or digits",
    REGISTRATION_HOLD: "`hld_` and 26 letters or digits",
    LANGUAGE: "`en`, or `pt-BR`",
    WALLET_REQUEST: "`wrq_` and 26 letters or digits",
    BATCH: "`bat_` and 26 letters or digits",
    ASSET: "`ast_` and 26 letters or digits",
    MATCH: "`lkm_` and 26 letters or digits",
    PLACE: "`FR` or `US-IL`, or empty",
    COUNTRY: "`FR`, or empty",
    PROVIDER: "`example-id`",
    CODE: "`01234567`",
    ADDRESS: "`https://shop.example/back`",
    AFTER_ENTRY: "`ent_` and 26 letters or digits, or empty",
    AFTER_ASSET: "`ast_` and 26 letters or digits, or empty",
    AFTER_REGISTRATION_HOLD: "`hld_` and 26 letters or digits, or empty",
    NONCE: "`kq0vX2mB6Yw`: 8 to 128 letters, digits, dashes or underscores",
    HOLD: "`case-2026-118`: 64 letters, digits, dots, dashes or underscores at most",
}
"""What has each of these forms, for whoever sent something else."""


Flag = Annotated[bool, Strict()]
"""`true` or `false`: what else Pydantic would take for one (`0`, `"off"`) is somebody's mistake."""

Moment = Annotated[AwareDatetime, BeforeValidator(read_date_time)]
"""A date and time with its offset (RFC 3339), and no number of seconds."""


def legible(text: str) -> str:
    """Raises ValueError."""
    if any(map(hidden, text)):
        raise ValueError("control and formatting characters are not allowed")
    return text


Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON), AfterValidator(legible)]
"""Why, and by what authority: a case number, an order. It stays as long as the tenant does: it should name nobody."""
