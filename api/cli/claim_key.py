"""`sigillo keys rotate | csr | install-chain | retire`: the life of the claim key.

These act on the key store itself: the embedded one in the home folder, beside a service that may be running; or Vault,
with an operator's token, for the service's own may do nothing of it (ADR 0010). A running service takes the change by
itself and records it.
"""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from api.cli.at_home import load_settings
from api.cli.keys import ADMIN_CA, ADMIN_URL, ClaimAlgorithm, app, load_address
from api.cli.output import JSON, Exit, fail, quoted, say, show, told
from keys.clock import system_clock
from keys.signer import KeyRef, Purpose, VersionStatus

if TYPE_CHECKING:
    from keys.issuer_keys import IssuerKeys
    from keys.local import LocalKeyStore
    from keys.rotation import ClaimKeys

OPERATOR_TOKEN = typer.Option("", envvar="SIGILLO_VAULT_TOKEN", help="Vault: an operator's token.")


UNSEEN = typer.Option(False, "--unseen", help="The key for claims over content that is not seen (claims/sign).")


class IssuerKeyName(StrEnum):
    """The issuer's keys as people name them."""

    ED25519 = "ed25519"
    P256 = "p256"
    BLS = "bls"


SUBJECT = "O=Sigillo,CN=Sigillo claim signer"
VAULT_TAKES = "a running service takes it within half a minute"


@app.command()
def rotate(
    algorithm: ClaimAlgorithm = typer.Option(None, help="Of the new version. Default: as the one that signs now."),
    outside_ca: bool = typer.Option(False, "--outside-ca", help="Let it wait for an outside CA's chain."),
    issuer: IssuerKeyName = typer.Option(None, help="Make a version of this key of the issuer's instead."),
    unseen: bool = UNSEEN,
    url: str = ADMIN_URL,
    admin_token: str = OPERATOR_TOKEN,
    ca: Path = ADMIN_CA,
    as_json: bool = JSON,
) -> None:
    """Make a new version of the claim key and certify it: this renews the certificate, too. Nothing signed changes."""
    from keys import rotation

    if issuer:
        if algorithm or outside_ca:
            raise fail("the issuer's keys have one algorithm each and no certificate: give --issuer alone", Exit.USAGE)
        _rotate_issuer(issuer, url, admin_token, ca, as_json=as_json)
        return
    with told():
        claims = _claim_keys(url, admin_token, ca, _purpose(unseen=unseen))
        made = rotation.rotate(claims, algorithm.found if algorithm else None, outside=outside_ca)
        version = _status(claims, made.ref)
    _tell(version, as_json=as_json)
    if not as_json:
        waits = "it signs once its chain is there: `sigillo keys csr`, then `sigillo keys install-chain`"
        say(f"what now     {VAULT_TAKES if version.certificate_expires else waits}")


@app.command()
def csr(
    key: str = typer.Option("", help="Such as sigillo-claim@2. Default: the newest that waits for a certificate."),
    subject: str = typer.Option("", help="Name to ask for (RFC 4514). Default: what our own CA would certify."),
    unseen: bool = UNSEEN,
    url: str = ADMIN_URL,
    admin_token: str = OPERATOR_TOKEN,
    ca: Path = ADMIN_CA,
    as_json: bool = JSON,
) -> None:
    """Print the certificate signing request (PEM) for an outside CA."""
    from cryptography import x509

    from keys import rotation
    from keys.certificates import LEAF_NAMES, subject_name

    ref = _ref(key)
    purpose = _purpose_of(ref) if ref else _purpose(unseen=unseen)
    try:
        name = x509.Name.from_rfc4514_string(subject) if subject else subject_name(LEAF_NAMES[purpose])
    except ValueError as error:
        raise fail(f"--subject {subject!r} is not a name such as {SUBJECT!r}", Exit.USAGE) from error
    with told():
        version, request = rotation.certificate_request(_claim_keys(url, admin_token, ca, purpose), name, ref)
    if as_json:
        show({"key": str(version.ref), "csr": request})
    else:
        typer.echo(request, nl=False)


@app.command("install-chain")
def install_chain(
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="PEM: leaf first; the root may be the last."),
    root: Path = typer.Option(None, exists=True, dir_okay=False, help="PEM with the CA's root."),
    key: str = typer.Option("", help="Insist on this version. Default: the one whose key the certificate carries."),
    unseen: bool = UNSEEN,
    url: str = ADMIN_URL,
    admin_token: str = OPERATOR_TOKEN,
    ca: Path = ADMIN_CA,
    as_json: bool = JSON,
) -> None:
    """Install what an outside CA answered. Refused unless it fits the version, the C2PA profile and the purpose."""
    from keys import rotation

    ref = _ref(key)
    with told():
        claims = _claim_keys(url, admin_token, ca, _purpose_of(ref) if ref else _purpose(unseen=unseen))
        roots = root.read_text() if root else ""
        made = rotation.install_chain(claims, file.read_text(), system_clock(), roots=roots, ref=ref)
        version = _status(claims, made.ref)
    _tell(version, as_json=as_json)
    if not as_json:
        say(f"what now     {VAULT_TAKES}; give its root to whoever verifies your files (`sigillo trust anchors`)")


@app.command()
def retire(
    key: str = typer.Argument(..., help="Such as sigillo-claim@1, or sigillo-issuer-p256@1; those before it, too."),
    url: str = ADMIN_URL,
    admin_token: str = OPERATOR_TOKEN,
    ca: Path = ADMIN_CA,
    as_json: bool = JSON,
) -> None:
    """End signing for a version. What it signed verifies for ever. Wait a minute after the switch to its successor."""
    from keys import issuer_keys, rotation

    ref = _ref(key)
    assert ref is not None
    with told():
        ended = (
            issuer_keys.retire(_issuer_keys(url, admin_token, ca), ref)
            if ref.name in set(issuer_keys.IssuerKey)
            else rotation.retire(_claim_keys(url, admin_token, ca, _purpose_of(ref)), ref, system_clock())
        )
    if as_json:
        show({"retired": [str(version.ref) for version in ended]})
        return
    for version in ended:
        say(f"retired      {quoted(version.ref)}")
    if not ended:
        say(f"retired      {quoted(ref)} was, already")


def _rotate_issuer(issuer: IssuerKeyName, url: str, token: str, ca: Path, *, as_json: bool) -> None:
    from keys import issuer_keys

    with told():
        keys = _issuer_keys(url, token, ca)
        made = issuer_keys.rotate(keys, issuer_keys.IssuerKey[issuer.name])
        state = issuer_keys.state(made, keys.versions())
    if as_json:
        show({"key": str(made.ref), "state": state})
        return
    say(f"key          {quoted(made.ref)}")
    say(f"state        {state}")
    say(f"what now     {VAULT_TAKES}, and lists it in its DID document first")


def _purpose(*, unseen: bool) -> Purpose:
    return Purpose.CLAIM_UNSEEN if unseen else Purpose.CLAIM


def _purpose_of(ref: KeyRef) -> Purpose:
    """By the name that a version goes by, in whichever store."""
    return _purpose(unseen=ref.name.startswith(Purpose.CLAIM_UNSEEN.key_name))


def _claim_keys(url: str, token: str, ca: Path | None, purpose: Purpose) -> ClaimKeys:
    """A claim key in an operator's hands. Raises KeysError."""
    from keys.vault import Vault
    from keys.vault_claims import VaultClaimKeys

    if token:
        return VaultClaimKeys(Vault(url or load_address(), token, ca_file=ca), system_clock, purpose)
    store = _local_keys()
    return store.claims if purpose is Purpose.CLAIM else store.unseen_claims


def _issuer_keys(url: str, token: str, ca: Path | None) -> IssuerKeys:
    """The issuer's keys likewise. Raises KeysError."""
    from keys.vault import Vault
    from keys.vault_issuers import VaultIssuerKeys

    if token:
        return VaultIssuerKeys(Vault(url or load_address(), token, ca_file=ca))
    return _local_keys().issuers


def _local_keys() -> LocalKeyStore:
    """The store in the home folder, which may serve. Raises KeysError."""
    from api.parts.key_store import open_keys
    from api.running.home import Home
    from api.settings import KeyStoreKind
    from keys.clock import system_entropy
    from keys.local import LocalKeyStore

    settings = load_settings()
    if settings.keys is KeyStoreKind.VAULT:
        raise fail(
            "the service's login may not change keys: give an operator's token in SIGILLO_VAULT_TOKEN, one that has "
            "what deploy/vault/sigillo-operator.hcl lists",
            Exit.USAGE,
        )
    home = Home(settings.home)
    if not home.keys.exists():
        raise fail(f"there are no keys in {home.folder} yet: the first `sigillo sign` or `serve` makes them")
    store = open_keys(settings, home, system_clock, system_entropy)
    assert isinstance(store, LocalKeyStore)
    return store


def _ref(text: str) -> KeyRef | None:
    """None for no text."""
    try:
        return KeyRef.parse(text) if text else None
    except ValueError as error:
        raise fail(f"{error}; `sigillo keys status` lists the versions", Exit.USAGE) from error


def _status(claims: ClaimKeys, ref: KeyRef) -> VersionStatus:
    from keys.versions import described, find

    versions = claims.versions()
    return described(find(versions, ref), versions)


def _tell(version: VersionStatus, *, as_json: bool) -> None:
    if as_json:
        told_of: dict[str, Any] = asdict(version)
        show(told_of)
        return
    say(f"key          {quoted(version.key)}   ({quoted(version.algorithm)})")
    say(f"state        {quoted(version.state)}")
    say(f"certificate  {f'until {ends}' if (ends := version.certificate_expires) else 'none yet'}")
