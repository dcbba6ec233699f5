"""Every relative link in the Markdown files must lead to a file, and every `#fragment` to a heading."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.MULTILINE)
FENCE = re.compile(r"```.*?```", re.DOTALL)


def slug(heading: str) -> str:
    """A heading's fragment, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken(page: Path) -> list[str]:
    """The links of one page that lead nowhere."""
    text = FENCE.sub("", page.read_text())
    faults = []
    for match in LINK.finditer(text):
        target, _, fragment = (match[1] or match[2]).partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = page if not target else page.parent / target
        if not file.exists():
            faults.append(f"{page}: {target} does not exist")
        elif fragment and fragment not in {slug(h) for h in HEADING.findall(FENCE.sub("", file.read_text()))}:
            faults.append(f"{page}: {target}#{fragment} has no such heading")
    return faults


def main() -> int:
    """Print what is broken; 1 if anything is."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    faults = [fault for name in names for fault in broken(Path(name))]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults) or f"{len(names)} pages, no broken link\n")
    return bool(faults)


if __name__ == "__main__":
    raise SystemExit(main())
