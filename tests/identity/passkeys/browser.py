"""A browser's JSON as the edge hands it on."""

from __future__ import annotations

from typing import Any

from api.schemas.passkeys import NewPasskey, UsedPasskey
from identity.passkeys.options import Options
from identity.passkeys.people import SignedIn
from identity.passkeys.responses import Asserted, Attested
from tests.identity.assurance.house import House
from tests.simulators.authenticator import Authenticator


def attested(answer: dict[str, Any]) -> Attested:
    return NewPasskey.model_validate(answer).attested()


def asserted(answer: dict[str, Any]) -> Asserted:
    return UsedPasskey.model_validate(answer).asserted()


def opened(house: House, device: Authenticator) -> SignedIn:
    """An account of whoever has this device."""
    return house.people.open(attested(device.create(house.people.begin().public_key)))


def answered(device: Authenticator, options: Options) -> Asserted:
    return asserted(device.get(options.public_key))
