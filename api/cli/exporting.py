"""Making an encoder of CLIP weights: a process of its own does it (`detection.embedding.export`), and ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from api.cli.output import fail, quoted, say, show, told
from detection.embedding.card import ModelCard
from detection.errors import ModelCardError

PARTS: Final = {"torch": "torch", "open_clip": "open-clip-torch", "onnx": "onnx", "onnxruntime": "onnxruntime"}
"""Modules without which nothing is made, and the packages that bring them."""

SECONDS: Final = 3600.0
THRESHOLD: Final = 0.95
UNMEASURED: Final = "Nobody measured it: a start. Try `benchmarks/recovery.py --encoder`, and pictures like yours."

ENTRY: Final = (
    "import json, sys; said = json.loads(sys.argv[1]); sys.path[:] = said.pop('path'); "
    "from detection.embedding.export import main; main(**said)"
)
WITHOUT_NETWORK: Final = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ORT_DISABLE_TELEMETRY": "1"}
"""What the libraries are asked for; what they do all the same, the process refuses itself."""

PASSED_ON: Final = ("PATH", "OPENBLAS_CORETYPE", "LD_LIBRARY_PATH")


def exported(
    weights: Path, architecture: str, licence: str, out: Path, pictures: Path | None, *, as_json: bool
) -> None:
    """What `sigillo models export-clip` does."""
    if missing := [package for module, package in PARTS.items() if find_spec(module) is None]:
        raise fail(f"{', '.join(missing)} is missing, and CLIP is exported by it: pip install 'sigillo[clip]'")
    name = f"clip-{architecture.lower()}"
    with told():
        out.mkdir(parents=True, exist_ok=True)
        shown = sorted(one for one in pictures.iterdir() if one.is_file()) if pictures else [_photograph()]
        made = _run(weights.absolute(), architecture, out.absolute(), name, shown)
        for which in ("onnx", "int8"):
            card = ModelCard.of(_card(made, which, name, f"{weights.stem}-{which}"[:100], licence))
            path = out / Path(card.file).with_suffix(".json")
            path.write_text(card.to_json())
            made[which]["card"] = str(path)
        (out / f"{name}.parity.json").write_text(json.dumps(made, indent=2) + "\n")
    if as_json:
        show(made)
    else:
        _tell(made)


def _run(weights: Path, architecture: str, out: Path, name: str, pictures: list[Path]) -> dict[str, Any]:
    """Raises ModelCardError with what the process said last."""
    path = [entry for entry in sys.path if entry.startswith("/")]
    said = {
        "weights": str(weights),
        "architecture": architecture,
        "out": str(out),
        "name": name,
        "pictures": [str(one.absolute()) for one in pictures],
        "path": path,
    }
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    with tempfile.TemporaryDirectory() as home:
        environment = {**passed, **WITHOUT_NETWORK, "HOME": home, "TMPDIR": home}
        command = [sys.executable, "-I", "-c", ENTRY, json.dumps(said)]
        try:
            done = subprocess.run(  # noqa: S603 -- this interpreter, and a program of ours
                command, env=environment, cwd=home, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise ModelCardError(f"nothing came of it within {SECONDS:.0f} seconds") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        raise ModelCardError(f"the export failed: {last}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _card(made: dict[str, Any], which: str, name: str, version: str, licence: str) -> dict[str, object]:
    file = made[which]
    return {
        "name": name,
        "version": version,
        "licence": licence,
        "file": file["file"],
        "digest": file["digest"],
        "dimensions": made["dimensions"],
        "form": made["form"],
        "threshold": THRESHOLD,
        "measured": UNMEASURED,
    }


def _tell(made: dict[str, Any]) -> None:
    torch = f"torch takes {made['torch']['milliseconds']:.0f} ms each"
    say(f"{made['pictures']} pictures, {made['dimensions']} dimensions; {torch}")
    for which in ("onnx", "int8"):
        one = made[which]
        say(
            f"[bold]{quoted(one['file'])}[/]  {one['bytes'] / 2**20:.0f} MiB, {one['milliseconds']:.0f} ms each; "
            f"cosine to torch: at least {one['least_cosine']:.5f}, on average {one['mean_cosine']:.5f}"
        )
        say(f"  model card: {quoted(one['card'])}")
    say(f"The threshold on both cards, {THRESHOLD}, is a start that nobody measured: set what your pictures need.")


def _photograph() -> Path:
    return Path(__file__).with_name("astronaut.jpg")
