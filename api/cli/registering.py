"""What `sigillo register` and `register-image` share: what may be said, the consent, the papers, the telling."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from api.cli.output import Exit, fail, quoted, say, show
from api.edge.qr_code import in_letters
from identity.registration.refusal import Right

ACCOUNT = typer.Option(..., help="Whose registration it is: the account's id here, acc_…")
REGION = typer.Option("", help="Where the person is, such as FR or US-IL: whose rules hold.")
REFUSES = typer.Option([], help="A purpose that is refused; again for others. Default: all.")
RIGHT = typer.Option(Right.SELF, help="By which right, where somebody acts for the person.")
STATED = typer.Option("", help="That right in words, such as: mother.")
LANGUAGE = typer.Option("en", help="Of the text to be agreed to.")
AGREED = typer.Option(
    "", metavar="SHA256", help="That the person agreed to the text of this SHA-256. Default: shows it, and asks."
)
CONTACT = typer.Option("", help="Where notices go, such as an e-mail address.")
FORM = typer.Option("dc+sd-jwt", help="Of the credential: dc+sd-jwt, or a cryptosuite.")
OUT = typer.Option(Path(), "-o", "--out", file_okay=False, help="Folder for credential and receipt.")
ONCE = typer.Option("", "--idempotency-key", help="The same key again makes no second registration.")


def agreed_to(rules: Mapping[str, Any], language: str, agreed: str, *, as_json: bool) -> dict[str, str]:
    """The member `consent`: what the person agreed to, asked unless `agreed` says the text's SHA-256."""
    return {"language": language, "sha256": agreed or asked(rules, as_json=as_json)}


def finish(made: Mapping[str, Any], out: Path, *, as_json: bool) -> None:
    """Save the papers, and tell what was made. Raises OSError."""
    saved = [str(file) for file in saved_papers(made, out)]
    if as_json:
        show({**made, "saved": saved})
    else:
        tell(made, saved)


def asked(rules: Mapping[str, Any], *, as_json: bool) -> str:
    """The digest of the text in force, once the person agreed to it."""
    text = rules["consent"]
    if as_json:
        raise fail(f"show the person the text in force, and say --agreed {text['sha256']}", Exit.USAGE)
    say(quoted_lines(text["text"]))
    say(f"[dim]{quoted(text['name'])} ({quoted(text['language'])})  SHA-256 {text['sha256']}[/]")
    if not typer.confirm("Does the person who is registered, or who may act for them, agree to this?"):
        raise fail("nothing was registered")
    return str(text["sha256"])


def quoted_lines(text: str) -> str:
    """As `quoted`, of a text with lines."""
    return "\n".join(map(quoted, text.splitlines()))


def saved_papers(made: Mapping[str, Any], out: Path) -> list[Path]:
    """Receipt and credential in files that their owner alone may read. Raises OSError."""
    saved = [_saved(out / f"{made['id']}.receipt.jwt", made["receipt"])]
    if made["credential"] is not None:
        saved.append(saved_credential(made["id"], made["credential"], out))
    return saved


def saved_credential(registration: str, credential: dict[str, Any] | str, out: Path) -> Path:
    """A credential in a file that its owner alone may read. Raises OSError."""
    if isinstance(credential, str):
        return _saved(out / f"{registration}.credential.sd-jwt", credential)
    return _saved(out / f"{registration}.credential.json", json.dumps(credential, indent=2))


def _saved(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(content + "\n")
    return file


def tell(made: Mapping[str, Any], saved: list[str]) -> None:
    """In words, with the recovery code."""
    if made["state"] == "held":
        say(f"[bold yellow]held[/]  {made['id']}: a person looks at it before it protects")
        say(f"once it does: sigillo registration credential {made['id']}")
    else:
        say(f"[bold green]registered[/]  {made['id']}  until {made['expires_at']}")
    say(f"refuses {', '.join(made['refuses'])}; entry {made['ledger']['entry']} says so")
    for file in saved:
        say(f"saved {quoted(file)}")
    words = made["recovery_code"]["words"]
    say("\n[bold]Recovery code, shown this once.[/] Whoever has it can withdraw the registration: keep it on paper,")
    say(f"with the registration's id, {made['id']}, which withdrawing needs as well.")
    say(f"\n  [bold]{words}[/]\n")
    say(in_letters(words))
