"""What the custody of a chain costs the server: milliseconds from a request's arrival to the end of its answer, over a
Unix socket, as the service itself measures them.

    python benchmarks/custody.py                  a chain of 50 steps, 200 requests
    python benchmarks/custody.py --steps 10
    python benchmarks/custody.py --json           one object

`by_id_ms` asks again and again, as pages do; `by_id_first_ms` asks once for each of several assets, none of which was
asked about before; `by_file_ms` presents the file. What was found as they were signed still holds then. `restarted` is
by id after the service was started anew. The same with `validated` has nothing to go by, so that all fifty manifests
are validated again. Medians, of one request at a time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx
from sqlalchemy import delete

from api.running.log import configure
from cases.custody.tables import TraceRow
from tests.deployment import Running, picture, running

FIRSTS = 10
FORGET = delete(TraceRow).where(TraceRow.tenant_id != "")
ROUTES = {"by_id": "/v1/assets/{asset}/custody", "by_file": "/v1/custody"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    configure(None)  # what the service has to say would stand among the numbers
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), chosen.steps, chosen.requests)
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):24}{value:>10,.1f}")


def measure(folder: Path, steps: int, requests: int) -> dict[str, float]:
    """Milliseconds by name."""
    files = max(requests // 10, 1)
    with running(folder) as up, up.http(key := up.key()) as http:
        assets, file = _chain(http, steps)
        found = {
            "by_id_first_ms": median(_by_id(up, http, asset) for asset in assets[-FIRSTS:]),
            "by_id_ms": median(_by_id(up, http, assets[-1]) for _ in range(requests)),
            "by_file_ms": median(_by_file(up, http, file) for _ in range(files)),
        }
    with running(folder) as up, up.http(key) as http:
        found["by_id_restarted_ms"] = median(_by_id(up, http, asset) for asset in assets[-FIRSTS:])
        up.service.recovery.search.database.write(lambda connection: connection.execute(FORGET))
    with running(folder) as up, up.http(key) as http:
        found["by_file_validated_ms"] = median(_by_file(up, http, file) for _ in range(files))
        found["by_id_validated_ms"] = median(_by_id(up, http, asset) for asset in assets[-FIRSTS:])
    return {"steps": float(steps), **found}


def _chain(http: httpx.Client, steps: int) -> tuple[list[str], bytes]:
    """Assets, each made from the one before, and the last one's file."""
    file, assets = picture(), []
    for number in range(steps):
        claim = json.dumps({"title": f"Step {number}"})
        parts: dict[str, Any] = {"file": ("step.jpg", file, "image/jpeg"), "claim": (None, claim, "application/json")}
        made = http.post("/v1/assets", files=parts).raise_for_status().json()
        file = http.get(made["links"]["content"]).raise_for_status().content
        assets.append(made["id"])
    return assets, file


def _by_id(up: Running, http: httpx.Client, asset: str) -> float:
    return _timed(up, http, "GET", f"/v1/assets/{asset}/custody", "by_id")


def _by_file(up: Running, http: httpx.Client, file: bytes) -> float:
    return _timed(up, http, "POST", "/v1/custody", "by_file", file)


def _timed(up: Running, http: httpx.Client, method: str, path: str, name: str, file: bytes = b"") -> float:
    """What the service says that one request took it."""
    before = _seconds(up, name)
    parts: Any = {"file": ("step.jpg", file, "image/jpeg")} if file else None
    http.request(method, path, files=parts).raise_for_status()
    while (after := _seconds(up, name)) == before:
        pass  # the answer is measured once it has gone
    return 1000 * (after - before)


def _seconds(up: Running, name: str) -> float:
    samples = (one for metric in up.service.metrics.registry.collect() for one in metric.samples)
    return sum(
        one.value for one in samples if one.name.endswith("seconds_sum") and one.labels.get("route") == ROUTES[name]
    )


if __name__ == "__main__":
    main()
