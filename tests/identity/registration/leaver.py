"""A child process that registers people and withdraws them, and says what it was told, until it is killed."""

from __future__ import annotations

import sys
import threading
from itertools import count
from pathlib import Path

from detection.generations.generations import Generations
from identity.registration.withdrawing import Way
from keys.clock import system_entropy
from tests.identity.registration.desk import running

THREADS = 3


def main(path: Path) -> None:
    with running(path) as desk:
        platform = desk.house.platform()
        accounts = desk.house.accounts
        numbers = count()

        def live() -> None:
            while True:
                made = desk.register(platform, desk.account(platform, f"user-{next(numbers)}")).registration.id
                _say(f"made {made}")
                desk.withdrawals.withdraw(platform, made, Way.PERSON)
                _say(f"gone {made}")

        _say(f"tenant {platform.tenant}")
        for _ in range(THREADS):
            threading.Thread(target=live, daemon=True).start()
        while True:
            Generations(accounts.ledger, accounts.database, system_entropy).round()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
