"""What holders sign: no presentation but the one that was asked for proves anything, and none breaks the service."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from identity.assurance.account import Actor
from identity.encoding import base64url
from identity.errors import ShowingRefusedError
from identity.holder_signing import HolderSigning, Wanted
from identity.holding.wallet import HolderKey
from identity.issuing.credential_types import ACCOUNT_ASSURANCE, DO_NOT_GENERATE
from identity.passkeys.errors import ChallengeGoneError
from identity.sd_jwt import credential as sd_jwt
from identity.sd_jwt.key_binding import Binding
from ledger.ids import SubjectId
from tests.identity.assurance.house import issuer
from tests.identity.issuing.ours import policy
from tests.identity.registration.desk import RegistryDesk

AUDIENCE = "https://sigillo.example"
CONTENT = b"what is done"
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.fixture
def signing(desk: RegistryDesk) -> HolderSigning:
    lists = desk.house.lists

    def fetch(url: str) -> bytes | None:
        found = lists.at(url)
        return found.content if found else None

    ours = policy(issuer())
    challenges = desk.house.people.passkeys.challenges
    return HolderSigning(challenges, frozenset({issuer().did}), ours.resolve, fetch, AUDIENCE)


@pytest.fixture
def shown(desk: RegistryDesk, platform: Actor, account: SubjectId, signing: HolderSigning) -> tuple[Wanted, str]:
    """What proves it, as long as it is asked of a tenant."""
    key = HolderKey(generate_private_key(SECP256R1()))
    made = desk.register(platform, account, holder=key.key)
    assert made.credential is not None
    presented = sd_jwt.present(str(made.credential.credential), [("registration",)])
    nonce = base64url.encode(signing.begin(platform.tenant, made.registration.id, b"0" * 32).value)
    bound = sd_jwt.bind(presented, key, Binding(AUDIENCE, nonce), desk.house.clock())
    return Wanted(DO_NOT_GENERATE, "registration", made.registration.id), bound


def test_only_the_whole_of_it_holds(
    desk: RegistryDesk, platform: Actor, signing: HolderSigning, shown: tuple[Wanted, str]
) -> None:
    """Each character counts, for it is signed; that it holds shows in what is refused next: the content."""
    wanted, presentation = shown
    with pytest.raises(ChallengeGoneError):
        signing.require_shown(platform.tenant, wanted, CONTENT, presentation)
    with pytest.raises(ShowingRefusedError, match="vct"):
        signing.require_shown(platform.tenant, Wanted(ACCOUNT_ASSURANCE, "account", wanted.subject), b"", presentation)
    for at in range(0, len(presentation), 37):
        for other in ("", "A" if presentation[at] != "A" else "B", presentation[at] + "~", "é"):
            changed = presentation[:at] + other + presentation[at + 1 :]
            with pytest.raises(ShowingRefusedError):
                signing.require_shown(platform.tenant, wanted, CONTENT, changed)
    desk.house.clock.move(timedelta(minutes=6))
    with pytest.raises(ShowingRefusedError, match="older than"):
        signing.require_shown(platform.tenant, wanted, CONTENT, presentation)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXT, min_size=1, max_size=4).map("~".join))
@example("~")
@example("a.b.c~d~e.f.g")
@example("\ud7ff~")
def test_whatever_comes_is_refused_and_nothing_breaks(signing: HolderSigning, text: str) -> None:
    wanted = Wanted(DO_NOT_GENERATE, "registration", SubjectId("reg_" + "a" * 26))
    with pytest.raises(ShowingRefusedError):
        signing.require_shown(None, wanted, CONTENT, text)
