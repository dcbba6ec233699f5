"""`sigillo keys …`: what is in force, and setting up Vault or OpenBao."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from api.cli.at_home import load_settings
from api.cli.connect import SERVER, TOKEN, connected
from api.cli.output import JSON, Exit, fail, quoted, say, show, told
from keys.certificates import INTERMEDIATE_NAME, VAULT_ISSUER
from keys.errors import KeysError, KeyStoreUnavailableError
from keys.issuer_keys import IssuerKey
from keys.revocation import Reason
from keys.signer import Algorithm

if TYPE_CHECKING:
    from cases.key_status import Revoked
    from keys.bootstrap import BootstrapReport

app = typer.Typer(no_args_is_help=True, help="Signing keys and where they live.")

ISSUER_PREFIX = "sigillo-issuer-"
"""Of the names of the issuer's keys; people leave it out."""

ADMIN_URL = typer.Option("", "--url", help="Address of Vault or OpenBao. Default: SIGILLO_VAULT_URL.")
ADMIN_CA = typer.Option(None, "--ca", envvar="SIGILLO_VAULT_CA", help="PEM that signs Vault's TLS certificate.")


class ClaimAlgorithm(StrEnum):
    """Algorithms as people name them."""

    ES256 = "es256"
    ED25519 = "ed25519"

    @property
    def found(self) -> Algorithm:
        return Algorithm[self.name]


@app.command()
def status(as_json: bool = JSON) -> None:
    """What signs, with which version, until when. Exit code 7 when the key store is not ready."""
    from api.parts.key_store import open_keys
    from api.running.home import Home
    from api.settings import KeyStoreKind
    from cases.key_status import key_status
    from keys.clock import system_clock, system_entropy

    settings = load_settings()
    home = Home(settings.home)
    if settings.keys is KeyStoreKind.EMBEDDED and not home.keys.exists():
        raise fail(f"there are no keys in {home.folder} yet: the first `sigillo sign` or `serve` makes them")
    with told():
        known = _revocations(settings.database_url)
        found = key_status(open_keys(settings, home, system_clock, system_entropy), known)
    if as_json:
        show(asdict(found))
    else:
        say(f"store        {found.kind}")
        for version in (*found.versions, *found.unseen_versions):
            ends = f", certificate until {version.certificate_expires}" if version.certificate_expires else ""
            say(f"claim key    {quoted(version.key)}   ({quoted(version.algorithm)}, {quoted(version.state)}{ends})")
        for one in found.issuer:
            say(f"issuer key   {quoted(one.key)}   ({quoted(one.state)})")
        say(f"signing      {', '.join(map(quoted, found.keys)) or 'nothing'}")
        say(f"state        {'ready' if found.ready else quoted(found.reason)}")
        if found.warning:
            say(f"[bold]warning[/]      {quoted(found.warning)}")
    raise typer.Exit(Exit.OK if found.ready else Exit.UNAVAILABLE)


@app.command()
def revoke(
    key: str = typer.Argument(..., help="Such as sigillo-claim@2, or sigillo-issuer-p256@1."),
    reason: Reason = typer.Option(..., case_sensitive=False, help="Why, by its name in RFC 5280."),
    since: str = typer.Option(
        "",
        help="What it signed from here on is not trusted, as in 2026-03-01T00:00:00Z. Default: now; with "
        "keyCompromise, all that it ever signed.",
    ),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Revoke a version's certificate: it signs no more, and it cannot be taken back. To sign again, rotate."""
    name, _, version = key.removeprefix(ISSUER_PREFIX).partition("@")
    if f"{ISSUER_PREFIX}{name}" in set(IssuerKey):
        if not version:
            raise fail(
                f"say which version, as in {ISSUER_PREFIX}{name}@1: `sigillo keys status` lists them, and "
                f"`sigillo keys rotate --issuer {name}` makes the one that signs instead",
                Exit.USAGE,
            )
        _revoke_issuer_key(f"{ISSUER_PREFIX}{name}@{version}", reason, since, server, token, as_json=as_json)
        return
    with told(), connected(server, token) as sigillo:
        revoked = sigillo.revoke_claim_key(key, reason, since)
    if as_json:
        show(revoked)
        return
    say(f"{quoted(key)} is revoked: what it signed since {revoked['since']} is invalid, and so is what it signed")
    say("before, unless a trusted time-stamp in the file shows that it was before")
    for line in _issuers_part(revoked["issuer"], revoked["serial"]):
        say(quoted(line))
    say("what now     sigillo keys rotate   (if it was the version that signs: nothing is signed until then)")


def _revoke_issuer_key(key: str, reason: Reason, since: str, server: str, token: str, *, as_json: bool) -> None:
    if since:
        raise fail(
            "credentials bear no time-stamp: a revoked key of the issuer's verifies nothing, whenever", Exit.USAGE
        )
    with told(), connected(server, token) as sigillo:
        revoked = sigillo.revoke_issuer_key(key, reason)
    if as_json:
        show(revoked)
        return
    say(f"{quoted(key)} is revoked since {revoked['revoked']}: no credential verifies with it any more")
    say("what now     sigillo keys rotate --issuer …   (if it was the version that signs), and issue again")


def _issuers_part(issuer: str, serial: str) -> list[str]:
    """What whoever certified it should do, for those who ask the issuer instead of us."""
    if issuer == INTERMEDIATE_NAME:
        return []  # the development CA is in the home folder: nobody else asks it
    if issuer != VAULT_ISSUER:
        return [f"Ask {issuer} to revoke its certificate, too: serial number {serial}"]
    digits = serial.zfill(len(serial) + len(serial) % 2)
    colons = ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))
    return [
        "Vault certified it: let its list say so, too, with a token that may:",
        f"  bao write sigillo/issuer/revoke serial_number={colons}",
        "  bao read sigillo/issuer/crl/rotate",
    ]


@app.command("bootstrap-vault")
def bootstrap_vault(
    url: str = ADMIN_URL,
    admin_token: str = typer.Option(..., envvar="SIGILLO_VAULT_TOKEN", help="A token that may set it up."),
    ca: Path = ADMIN_CA,
    algorithm: ClaimAlgorithm = typer.Option(ClaimAlgorithm.ES256, help="Of the first claim key."),
    outside_ca: bool = typer.Option(False, "--outside-ca", help="Make no CA: an outside one certifies the claim key."),
    plain_token: bool = typer.Option(False, "--plain-token", help="Make a plain token for the service, too."),
    as_json: bool = JSON,
) -> None:
    """Set up mounts, keys, certificate, policy and login of the service. Run again, it changes what is missing."""
    from keys.bootstrap import bootstrap
    from keys.vault import Vault

    address = url or load_address()
    try:
        report = bootstrap(
            Vault(address, admin_token, ca_file=ca),
            algorithm=algorithm.found,
            outside_ca=outside_ca,
            plain_token=plain_token,
        )
    except KeyStoreUnavailableError as error:
        raise fail(str(error), Exit.UNAVAILABLE) from error
    except KeysError as error:
        raise fail(str(error)) from error
    if as_json:
        show(_handover(report))
        return
    for path in report.made:
        say(f"made               {quoted(path)}")
    waits = "   (waits for an outside CA: `sigillo keys csr`, then `sigillo keys install-chain`)"
    say(f"claim key          {quoted(report.claim)}{waits if report.waiting else ''}")
    say(f"role id            {quoted(report.role_id)}   (SIGILLO_VAULT_ROLE_ID)")
    wrapped = f"[bold]{quoted(report.secret_id.token)}[/]"
    say(f"wrapped secret-id  {wrapped}   (SIGILLO_VAULT_WRAPPED_SECRET_ID, within an hour)")
    say(f"its accessor       {quoted(report.secret_id.accessor)}   (destroys the secret-id; keep it)")
    if plain_token:
        say(f"service token      [bold]{quoted(report.service_token)}[/]   (instead of a role: SIGILLO_VAULT_TOKEN)")


def _revocations(url: str) -> Revoked:
    """What a service recorded, here; none where no service was. Raises DatabaseUnavailableError."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from cases.key_status import Revoked
    from ledger.storage.database import Database
    from ledger.storage.schema import is_empty

    with closing(Database(url)) as database:
        nothing = is_empty(database) if database.file is None else not database.file.exists()
        try:
            return Revoked() if nothing else Revoked.of(database)
        except (
            OperationalError,
            ProgrammingError,
        ) as error:  # what passes by itself has its own name: this is a table not there yet
            raise fail(
                "the database is of an earlier version and does not tell what is revoked: start the service once",
                Exit.UNAVAILABLE,
            ) from error


def _handover(report: BootstrapReport) -> dict[str, object]:
    shown: dict[str, object] = {
        "made": report.made,
        "claim": str(report.claim),
        "claim_waits": report.waiting,
        "role_id": report.role_id,
        "wrapped_secret_id": report.secret_id.token,
        "secret_id_accessor": report.secret_id.accessor,
    }
    return {**shown, "service_token": report.service_token} if report.service_token else shown


def load_address() -> str:
    """The address in the environment; asking for it here must not need the rest of the settings."""
    address = os.environ.get("SIGILLO_VAULT_URL", "")
    if not address:
        raise fail("say where Vault is: --url or SIGILLO_VAULT_URL", Exit.USAGE)
    return address
