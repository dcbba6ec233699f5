"""Parameters of OAuth requests (RFC 6749, sections 3.1, 3.2 and appendix B).

Rules
- Each is named once: of two readers one would take the other. One without a value is as one left out.
- All are bounded and printable; what none of us knows is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from identity.errors import WalletRefusedError
from identity.openid4vci.faults import Fault

MAX_PARAMETERS: Final = 32
MAX_CHARACTERS: Final = 2048
"""Of one value."""


def read_parameters(encoded: str) -> Mapping[str, str]:
    """A query, or a body of type application/x-www-form-urlencoded. Raises WalletRefusedError."""
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError:
        raise WalletRefusedError(
            Fault.INVALID_REQUEST, f"send at most {MAX_PARAMETERS} parameters, form-encoded as UTF-8"
        ) from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise WalletRefusedError(Fault.INVALID_REQUEST, "a parameter is named twice")
    if not all(len(value) <= MAX_CHARACTERS and value.isprintable() for _, value in pairs):
        raise WalletRefusedError(
            Fault.INVALID_REQUEST, f"a parameter is at most {MAX_CHARACTERS} characters, all of them printable"
        )
    return {name: value for name, value in pairs if value}


def required(parameters: Mapping[str, str], name: str) -> str:
    """A parameter that must be there; `name` is ours. Raises WalletRefusedError."""
    if name not in parameters:
        raise WalletRefusedError(Fault.INVALID_REQUEST, f"{name} is missing")
    return parameters[name]
