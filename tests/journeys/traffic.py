"""Clients that upload or verify without end, and remember how they were answered and what they were promised.

An answer is told in a word: `201`, a verdict, or a refusal by its status and problem. A refusal that is no problem, or
does not say when to come back, is told as `malformed`, which no test expects.
"""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import httpx

from ledger.receipt import verify_receipt
from tests.api.wire import PATIENCE, upload

PROBLEM = "urn:sigillo:problem:"


@dataclass(frozen=True)
class Promise:
    """An upload that was acknowledged."""

    asset: str
    entry: str
    key: str
    """What it was signed with."""


class Traffic(ABC):
    """So many threads, each with a connection of its own, while the block runs; each rests between two requests."""

    def __init__(self, connect: Callable[[], httpx.Client], clients: int, rest: float = 0.0) -> None:
        self._connect, self._clients, self._rest = connect, clients, rest
        self._stopping, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]
        # Under the lock.
        self.answers = Counter[str]()
        self._turns = Counter[int]()

    @abstractmethod
    def act(self, http: httpx.Client) -> str:
        """One request, and how it was answered."""

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def until(self, true: Callable[[], object]) -> None:
        """Wait."""
        deadline = time.monotonic() + 2 * PATIENCE
        while not true():
            assert time.monotonic() < deadline, self.answers
            time.sleep(0.01)

    def answered(self, how: str) -> None:
        """Wait until every client may have been answered so once more."""
        wanted = self.answers[how] + self._clients
        self.until(lambda: self.answers[how] >= wanted)

    def each(self) -> None:
        """Wait until what is under way of any client has been answered."""
        with self._lock:
            before = [self._turns[number] for number in range(self._clients)]
        self.until(lambda: all(self._turns[number] > turn for number, turn in enumerate(before)))

    def _run(self, number: int) -> None:
        with self._connect() as http:
            while not self._stopping.wait(self._rest):
                answer = self.act(http)
                with self._lock:
                    self.answers[answer] += 1
                    self._turns[number] += 1


class Uploads(Traffic):
    """Uploads, by who has a key."""

    def __init__(self, connect: Callable[[], httpx.Client], clients: int, rest: float = 0.0) -> None:
        super().__init__(connect, clients, rest)
        self.promises: list[Promise] = []

    def act(self, http: httpx.Client) -> str:
        """As `Traffic.act`."""
        answer = upload(http)
        if answer.status_code != httpx.codes.CREATED:
            return refusal(answer)
        made = answer.json()
        self.promises.append(Promise(made["id"], made["ledger"]["entry"], made["signed_with"]))
        return "201"

    def signed(self) -> None:
        """Wait until every client may have signed once more."""
        self.answered("201")

    def refused(self, slug: str) -> None:
        """Wait until every client may have been refused so once more."""
        self.answered(f"503 {slug}")

    def until_signed_with(self, key: str) -> None:
        """Wait until an upload that ends from now on is signed with `key`."""
        seen = len(self.promises)
        self.until(lambda: key in {promise.key for promise in self.promises[seen:]})


class Verifications(Traffic):
    """Whoever has a key reads what it signed, any of it, and verifies it."""

    def __init__(self, uploads: Uploads, connect: Callable[[], httpx.Client], clients: int, rest: float) -> None:
        super().__init__(connect, clients, rest)
        self._uploads, self._chance = uploads, random.Random(0)

    def act(self, http: httpx.Client) -> str:
        """As `Traffic.act`."""
        return verdict(http, self._chance.choice(self._uploads.promises))


def refusal(answer: httpx.Response) -> str:
    """Its status and problem."""
    later = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    whole = answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]
    if not whole or (later and not answer.headers.get("Retry-After")):
        return f"malformed {answer.status_code} {answer.text}"
    return f"{answer.status_code} {answer.json()['type'].removeprefix(PROBLEM)}"


def verdict(http: httpx.Client, promise: Promise) -> str:
    """What the signed file is worth; or the refusal to read or to verify it."""
    file = http.get(f"/v1/assets/{promise.asset}/content")
    if file.status_code != httpx.codes.OK:
        return refusal(file)
    report = upload(http, file.content, path="/v1/verifications")
    return str(report.json()["verdict"]) if report.status_code == httpx.codes.OK else refusal(report)


def assert_kept(http: httpx.Client, promises: Sequence[Promise]) -> None:
    """What was promised is there, trusted and in the ledger."""
    log = http.get("/ledger/log.vkey").text
    for promise in promises:
        assert verdict(http, promise) == "trusted", promise
        assert verify_receipt(_receipt(http, promise.entry), log).entry.id == promise.entry


def _receipt(http: httpx.Client, entry: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while (receipt := http.get(f"/v1/receipts/{entry}")).status_code == httpx.codes.ACCEPTED:
        assert time.monotonic() < deadline, "no checkpoint came"
        time.sleep(0.05)
    return receipt.text
