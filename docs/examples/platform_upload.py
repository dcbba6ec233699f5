"""A platform's upload path: what somebody uploads is verified, and its provenance is kept when the platform edits it.

    python platform_upload.py https://sigillo.example sgk_… upload.jpg post.jpg

The key has the scopes `assets:sign` and `assets:read`. Prints the label to show beside the post.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sigillo_client import Problem, Sigillo, UnreachableError

ACTION = {"name": "c2pa.published"}
"""What the platform does with everything."""


def publish(sigillo: Sigillo, upload: Path, post: Path) -> str:
    """Writes what is posted; the label."""
    report = sigillo.verify(upload)
    if report["verdict"] not in {"trusted", "absent"}:
        shutil.copyfile(upload, post)  # kept as it is: evidence of what came
        return f"{report['verdict']}: {report['sentence']}"
    # One upload, one asset, however often this is sent: the key is made once, and the file is read again.
    asset = sigillo.sign(upload, {"title": "A post", "actions": [ACTION]}, wait=5)
    if asset["state"] == "held":
        return f"not posted: {asset['hold']['sentence']}"
    with post.open("wb") as stream:
        sigillo.content(asset["id"], stream)
    return f"{report['verdict']}: {report['sentence']} [{asset['ledger']['entry']}, {asset['ledger']['state']}]"


def main(url: str, token: str, *files: str) -> None:
    """Raises SystemExit with what to do."""
    try:
        with Sigillo(url, token) as sigillo:
            print(publish(sigillo, *map(Path, files)))
    except Problem as problem:
        raise SystemExit(f"refused: {problem.detail} ({problem.type})") from problem
    except UnreachableError as error:
        raise SystemExit(f"try again later: {error}") from error


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
