"""A tool that makes pictures: it asks before it imitates anybody, and what it made leaves it signed.

    python creation_tool.py https://sigillo.example sgk_… reference.jpg made.png signed.png

The key has the scopes `likeness:check`, `assets:sign` and `assets:read`; the reference is whom the picture shall look
like.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from sigillo_client import Problem, Sigillo

MODEL = {"name": "example-diffusion", "version": "3.1", "provider": "Example AI"}


def make(sigillo: Sigillo, reference: Path, made: Path, signed: Path) -> str:
    """Writes the signed picture; what to tell the person in front of it."""
    check = sigillo.check_likeness(reference, {"purpose": "other", "nonce": secrets.token_urlsafe(12)})
    if check["answer"] != "allowed":
        return str(check["sentence"])  # nothing is generated
    generate(reference, made)
    claim = {
        "title": "Made with Example Paint",
        "model": MODEL,
        "actions": [{"name": "c2pa.created", "source_type": "trainedAlgorithmicMedia"}],
        "purpose": "other",
        "likeness_check": check["token"],
    }
    asset = sigillo.sign(made, claim, progress=lambda sent, size: print(f"\r{sent} of {size} bytes", end=""))
    print()
    if asset["state"] == "held":
        return str(asset["hold"]["sentence"])
    with signed.open("wb") as stream:
        sigillo.content(asset["id"], stream)
    return f"signed as {asset['id']}"


def generate(reference: Path, made: Path) -> None:
    """Here your model works. The example gives back what it got."""
    made.write_bytes(reference.read_bytes())


def main(url: str, token: str, *files: str) -> None:
    """Raises SystemExit with what to do."""
    try:
        with Sigillo(url, token) as sigillo:
            print(make(sigillo, *map(Path, files)))
    except Problem as problem:
        raise SystemExit(f"{problem.title}: {problem.detail} ({problem.type})") from problem


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
