"""Labels of blank nodes that depend on a secret of the issuer's: HMAC-SHA-256 of the canonical label.

ecdsa-sd-2023 takes the HMAC itself. For bbs-2023 it would tell a credential's presentations from all others, so it only
decides an order: `b0`, `b1` and on.

W3C vc-di-ecdsa: createHmacIdLabelMapFunction; vc-di-bbs: createShuffledIdLabelMapFunction.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from identity.encoding.multibase import encode_base64
from identity.selective.statements import Labelling, Labels

HMAC_KEY_BYTES: Final = 32


def hmac_labels(key: bytes) -> Labelling:
    """Labels of ecdsa-sd-2023: `u` and the HMAC in base64url."""
    return lambda canonical: {label: _hmac_label(key, label) for label in canonical}


def shuffled_labels(key: bytes) -> Labelling:
    """Labels of bbs-2023: places in the order of the HMACs."""

    def shuffled(canonical: Iterable[str]) -> Labels:
        order = sorted(canonical, key=lambda label: _hmac_label(key, label))
        return {label: f"b{place}" for place, label in enumerate(order)}

    return shuffled


def _hmac_label(key: bytes, label: str) -> str:
    return encode_base64(hmac.digest(key, label.encode(), "sha256"))
