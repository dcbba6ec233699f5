"""A credential offered from the command line, as its person's wallet will find it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.cli.conftest import Run
from tests.deployment import Running

OVER_18 = ("credential", "offer", "AgeAttestation.sd-jwt", "--claim", "age_over_18=true")


def found(deployment: Running, link: str) -> dict[str, Any]:
    """What a wallet gets that follows the link."""
    (address,) = parse_qs(urlsplit(link).query)["credential_offer_uri"]
    with deployment.http() as wallet:
        offer: dict[str, Any] = wallet.get(urlsplit(address).path).json()
    return offer


@pytest.mark.parametrize(("option", "grant"), [("--code", "tx_code"), ("--page", "issuer_state")])
def test_an_offer_is_a_code_to_scan_and_one_to_type(run: Run, deployment: Running, option: str, grant: str) -> None:
    done = run(*OVER_18, option)
    assert done.exit_code == 0, done.output
    (link,) = re.findall(r"^openid-credential-offer://\S+$", done.stdout, re.MULTILINE)
    assert grant in str(found(deployment, link))
    assert re.search(r"^[0-9]{6} is the code", done.stdout, re.MULTILINE)
    assert sum("█" in line or "▀" in line for line in done.stdout.splitlines()) > 20


def test_programs_get_the_whole_offer(ask: Callable[..., Any], deployment: Running) -> None:
    made = ask(*OVER_18, "--minutes", "2")
    assert made["code"] is None
    assert found(deployment, made["short_link"])["credential_configuration_ids"] == ["AgeAttestation.sd-jwt"]


def test_what_cannot_be_offered_is_said(run: Run) -> None:
    assert run(*OVER_18, "--code", "--page").exit_code == 2
    assert run(*OVER_18[:3], "--claim", "age_over_18").exit_code == 2
    refused = run("credential", "offer", "Passport", "--claim", "name=Anna")
    assert refused.exit_code == 1
    assert "AgeAttestation.sd-jwt" in refused.stderr
