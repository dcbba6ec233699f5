"""`sigillo claim-signer`: an external signer program for C2PA tools whose files stay at home.

A C2PA tool hands its signer the claim's bytes and not what they hash, so that one step becomes two: the tool writes a
draft, with this command as its signer program, and `sigillo claim-signer finish FILE` has it signed (ADR 0032). Where a
tool can hand over its assertion store, `--assertion-store` signs at once.

The protocol is c2patool's (c2pa-rs, `cli/src/main.rs`; before 0.26.60 `cli/src/callback_signer.rs`): `--signer-info`
prints JSON; otherwise the bytes to be signed come on standard input and the signature goes to standard output, 64
bytes. Where its settings name the certificate it adds `--alg`, `--reserve-size` and once had `--sign-cert`, which
change nothing.
"""

from __future__ import annotations

import base64
import os
import sys
from hashlib import sha256
from pathlib import Path

import typer

from api.cli.connect import SERVER, TOKEN, connected
from api.cli.files import write
from api.cli.output import JSON, Exit, complain, fail, quoted, say, show, told
from detection.errors import MediaError
from detection.kinds import MAGIC_BYTES, sniff
from provenance.unseen.drafts import SIGNATURE_BYTES, Draft, DraftError, is_store
from sigillo_client import Sigillo
from sigillo_client.answers import ClaimSignature

app = typer.Typer()


@app.callback(invoke_without_command=True)
def claim_signer(
    context: typer.Context,
    signer_info: bool = typer.Option(
        False, "--signer-info", help="Print algorithm and certificates, as c2patool asks."
    ),
    assertion_store: Path = typer.Option(
        None, exists=True, dir_okay=False, help="The JUMBF box c2pa.assertions of the claim: it is signed at once."
    ),
    _alg: str = typer.Option("", "--alg", hidden=True),
    _reserve_size: int = typer.Option(0, "--reserve-size", hidden=True),
    _sign_cert: str = typer.Option("", "--sign-cert", hidden=True),
    server: str = SERVER,
    token: str = TOKEN,
) -> None:
    """Have claims signed while their files stay here: an external signer for C2PA tools.

    Without a command: the bytes to be signed on standard input, a signature on standard output.
    Without --assertion-store, too, that is a draft's, which holds nowhere: `finish` has the file signed.
    """
    if context.invoked_subcommand:
        return
    if signer_info:
        with told(), connected(server, token) as sigillo:
            show({name: value for name, value in sigillo.claim_signer().items() if name in SIGNER_INFO})
        return
    to_be_signed = _piped()
    if not assertion_store:
        complain("this is a draft: have it signed with `sigillo claim-signer finish FILE`")
        _out(os.urandom(SIGNATURE_BYTES))
        return
    with told(), connected(server, token) as sigillo:
        signed = _signed(sigillo, to_be_signed, assertion_store.read_bytes())
    _out(base64.b64decode(signed["signature"]))


SIGNER_INFO = ("alg", "sign_cert", "reserve_size")
"""What c2patool reads."""


@app.command()
def finish(
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="What the tool wrote: a draft, or its .c2pa."),
    out: Path = typer.Option(
        None, "-o", "--out", help="Where to write it. Default: the draft becomes the signed file."
    ),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Have a draft signed: its claim and assertions go to the server, the file does not."""
    content = file.read_bytes()
    mime = _mime(file, content)
    target = out or file
    with told(), connected(server, token) as sigillo:
        try:
            draft = Draft.of(content) if mime is None else Draft.in_file(content, mime)
            signed = _signed(sigillo, draft.to_sign, draft.assertion_store)
            time_stamp = base64.b64decode(signed["time_stamp"] or "")
            store = draft.finished(base64.b64decode(signed["signature"]), time_stamp)
            finished = store if mime is None else draft.put(content, mime, store)
        except DraftError as error:
            raise fail(f"{file}: {error}") from error
        write(target, lambda stream: stream.write(finished))
    if as_json:
        show({**signed, "written": str(target)})
        return
    say(f"{quoted(file)} -> [bold]{quoted(target)}[/]")
    say(f"  signed unseen with {signed['signed_with']}, ledger entry {signed['ledger']['entry']}")


def _signed(sigillo: Sigillo, to_be_signed: bytes, assertion_store: bytes) -> ClaimSignature:
    """The same bytes are signed once: a claim has an instance of its own."""
    return sigillo.sign_claim(to_be_signed, assertion_store, sha256(to_be_signed).hexdigest())


def _mime(file: Path, content: bytes) -> str | None:
    """The kind of a file that carries its manifest; None for a manifest store that lies beside."""
    if is_store(content):
        return None
    try:
        return sniff(content[:MAGIC_BYTES]).mime
    except MediaError as error:
        raise fail(f"{file}: {error}") from error


def _piped() -> bytes:
    if sys.stdin.isatty():
        raise fail("the bytes to be signed are read from standard input: name this command to a C2PA tool", Exit.USAGE)
    return sys.stdin.buffer.read()


def _out(signature: bytes) -> None:
    sys.stdout.buffer.write(signature)
    sys.stdout.buffer.flush()
