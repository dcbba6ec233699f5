"""`sigillo serve` with a clock around each stage of an upload: where its processor time goes.

    python -m benchmarks.stages FILE serve …     what was counted goes to FILE when it ends, as JSON

Each stage counts what its thread takes while it runs, less what stages inside it take; the clocks themselves cost some
hundredths of a millisecond a file, and are counted as well. `benchmarks.bulk --where` prints it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator
from functools import wraps
from importlib import import_module
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, Final

# Run as a script, Python looks for packages in this folder, not in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

STAGES: Final = {
    "HTTP: requests taken, forms read, answers written": (
        "api.edge.connections:BoundedProtocol.data_received",
        "api.running.telemetry:Telemetry.__call__",
    ),
    "who asks": ("api.edge.auth:_recognise",),
    "idempotency": ("cases.intake:Intake._keys", "cases.intake:Intake._made"),
    "hand-over to workers and back": ("detection.sandbox:Sandbox.run",),
    "signatures over claims": ("provenance.claim_signer:ClaimSigner.answer",),
    "whether anybody is registered": ("cases.likeness.at_upload:AtUpload.anyone",),
    "rules and manifest": ("cases.intake:Intake._sign",),
    "confidence": ("cases.signing:Judged.of",),
    "media sealed, written, synced": ("ledger.storage.blobs:BlobStore.put_all",),
    "columns and payloads sealed": ("cases.keeping:Keeping._pending", "ledger.payload:Payloads.seal"),
    "rows and entries committed": ("ledger.sequencing.single_writer:SingleWriter._transaction",),
    "the rest of keeping": ("cases.keeping:Keeping.keep",),
    "answers told": ("api.routers.batch_files:_Tray.told",),
    "tree and checkpoints": ("ledger.tree.integrator:Integrator.step",),
    "recovery index": ("cases.recovery.index:RecoveryIndex._round",),
    "housekeeping": ("api.running.housekeeping:Housekeeping.round",),
}

_inside = threading.local()
_spent: defaultdict[str, float] = defaultdict(float)
_counting = threading.Lock()


class _Clock:
    """While it runs, its thread's time is the stage's."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def __enter__(self) -> None:
        if not hasattr(_inside, "of_inner"):
            _inside.of_inner = []
        _inside.of_inner.append(0.0)
        self._began = time.thread_time()

    def __exit__(self, *_: object) -> None:
        spent, inner = time.thread_time() - self._began, _inside.of_inner.pop()
        if _inside.of_inner:
            _inside.of_inner[-1] += spent
        with _counting:
            _spent[self._stage] += spent - inner


class _Stepped:
    """A coroutine, of which each step counts."""

    def __init__(self, stage: str, awaited: Awaitable[Any]) -> None:
        self._stage, self._awaited = stage, awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._awaited.__await__()
        answer: Any = None
        raised: BaseException | None = None
        while True:
            try:
                with _Clock(self._stage):
                    wanted = steps.throw(raised) if raised else steps.send(answer)
            except StopIteration as ended:
                return ended.value
            answer = raised = None
            try:
                answer = yield wanted
            except BaseException as error:  # noqa: BLE001 -- it is the coroutine's
                raised = error


def _clocked(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def timed(*given: Any, **named: Any) -> Any:
        if iscoroutinefunction(function):
            return _Stepped(stage, function(*given, **named))
        with _Clock(stage):
            return function(*given, **named)

    return timed


def _wind() -> None:
    """Put the clocks in place."""
    for stage, functions in STAGES.items():
        for path in functions:
            module, _, name = path.partition(":")
            *owners, last = name.split(".")
            owner: Any = import_module(module)
            for each in owners:
                owner = getattr(owner, each)
            setattr(owner, last, _clocked(stage, getattr(owner, last)))


def main() -> None:
    """The command."""
    import_module("api.app")
    _wind()
    file = Path(sys.argv.pop(1))
    from api.cli import main as sigillo

    try:
        sigillo()
    finally:
        file.write_text(json.dumps(_spent))


if __name__ == "__main__":
    main()
