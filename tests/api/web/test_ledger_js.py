"""What a browser checks: sound logs pass, and every forgery is named. The log is our library's, the check is not."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, Page

from ledger.receipt import format_receipt
from ledger.tree.checkpoint import TreeHead, VerifierKey
from ledger.tree.merkle import inclusion_proof, leaf_hash
from ledger.tree.note import Signature
from ledger.tree.tiles import WIDTH, Growth, Tiles, tile_path
from tests.browser import browser, found, site, tab

__all__ = ["browser", "site"]

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium")

CHECK = """async ([what, given]) => {
  const ledger = await import("/static/ledger.js");
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  try {
    const key = await ledger.parseKey(given.vkey);
    if (what === "receipt") return (await ledger.checkReceipt(given.receipt, key)).index;
    const [old, head] = [await ledger.openCheckpoint(given.old, key), await ledger.openCheckpoint(given.note, key)];
    const tiles = new ledger.Tiles(head.size, async (path) => bytes(given.tiles[path]));
    const proof = await ledger.consistencyProof(old.size, head.size, tiles);
    await ledger.checkConsistency(old.size, head.size, old.root, head.root, proof);
    return head.size;
  } catch (error) {
    return error.code ?? String(error);
  }
}"""

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
ORIGIN = "log.example/js"
SIZE = 600
"""Two full tiles, a partial one, and a second level."""


def vkey(key: Ed25519PrivateKey = KEY, origin: str = ORIGIN) -> VerifierKey:
    return VerifierKey(origin, key.public_key().public_bytes_raw())


def entry(index: int) -> bytes:
    return f'{{"id":"ent_{index}"}}'.encode()


class Log:
    """Entries, hashed; another one at an index makes another log."""

    def __init__(self, changed: int = -1) -> None:
        self.leaves = [leaf_hash(b"{}" if index == changed else entry(index)) for index in range(SIZE)]
        self.all = Growth(0, lambda _level, _n: b"").extend(self.leaves)
        self.tiles = Tiles(lambda level, n: self.all.get((level, n), b""))

    def note(self, size: int, key: Ed25519PrivateKey = KEY, origin: str = ORIGIN) -> str:
        text = TreeHead(origin, size, self.tiles.root(size)).text
        return f"{text}\n{Signature(origin, vkey(key, origin).id, key.sign(text.encode())).line}"

    def receipt(self, index: int, size: int, data: bytes | None = None) -> str:
        proof = inclusion_proof(index, size, self.tiles.subtree)
        return format_receipt(entry(index) if data is None else data, index, proof, self.note(size))

    def published(self, size: int) -> dict[str, str]:
        """Every tile of a log of that size, base64."""
        files = dict[str, str]()
        for (level, n), hashes in self.all.items():
            width = min(size // WIDTH**level - n * WIDTH, WIDTH)
            if width > 0:
                files[tile_path(level, n, width)] = b64encode(hashes[: 32 * width]).decode()
        return files


LOG = Log()


@pytest.fixture(scope="module")
def page(browser: Browser, site: str) -> Iterator[Page]:
    with tab(browser, site) as opened:
        opened.goto("/audit")
        yield opened


def checked(page: Page, what: str, **given: Any) -> Any:
    return page.evaluate(CHECK, [what, {"vkey": str(vkey()), **given}])


def history(page: Page, old: int, new: int, log: Log = LOG, **given: Any) -> Any:
    """What the browser says of a log that was seen with `old` entries and now shows `new`."""
    shown = {"old": LOG.note(old), "note": log.note(new), "tiles": log.published(new), **given}
    return checked(page, "history", **shown)


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 512, 513, SIZE])
def test_every_entry_of_a_sound_log_is_in_it(page: Page, size: int) -> None:
    for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        assert checked(page, "receipt", receipt=LOG.receipt(index, size)) == index


@pytest.mark.parametrize("old", [1, 2, 3, 7, 8, 255, 256, 257, 512, 599, SIZE])
def test_a_log_that_grew_grew(page: Page, old: int) -> None:
    for new in (old, 256, 257, 513, SIZE):
        if new >= old:
            assert history(page, old, new) == new


def cut(text: str, line: int) -> str:
    lines = text.split("\n")
    return "\n".join(lines[:line] + lines[line + 1 :])


SOUND = LOG.receipt(300, SIZE)
FORGED_RECEIPTS: dict[str, tuple[str, str]] = {
    "another entry": (LOG.receipt(300, SIZE, b'{"id":"ent_forged"}'), "inclusion"),
    "another index": (SOUND.replace("index 300", "index 301"), "inclusion"),
    "an index beyond": (SOUND.replace("index 300", f"index {SIZE}"), "inclusion"),
    "a hash too few": (cut(SOUND, 3), "inclusion"),
    "a hash too many": (SOUND.replace("\n\n", f"\n{b64encode(bytes(32)).decode()}\n\n", 1), "inclusion"),
    "another log's proof": (Log(5).receipt(300, SIZE).partition("\n\n")[0] + "\n\n" + LOG.note(SIZE), "inclusion"),
    "another size": (SOUND.replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"), "signature"),
    "another key": (SOUND.partition("\n\n")[0] + "\n\n" + LOG.note(SIZE, OTHER), "signature"),
    "another origin": (SOUND.partition("\n\n")[0] + "\n\n" + LOG.note(SIZE, origin="log.example/x"), "malformed"),
    "no signature": (SOUND[: SOUND.rindex("\u2014")], "signature"),
    "an index with a sign": (SOUND.replace("index 300", "index +300"), "malformed"),
    "an index that is not whole": (SOUND.replace("index 300", "index 3e2"), "malformed"),
    "another base64 of the same": (SOUND.replace("extra ", "extra  "), "malformed"),
    "nothing": ("", "malformed"),
    "a page": ("<html>\n\n</html>", "malformed"),
}


@pytest.mark.parametrize("name", FORGED_RECEIPTS)
def test_forged_receipts_are_named(page: Page, name: str) -> None:
    receipt, code = FORGED_RECEIPTS[name]
    assert checked(page, "receipt", receipt=receipt) == code


def swapped(files: dict[str, str]) -> dict[str, str]:
    return {path: b64encode(bytes(32 * (len(data) * 3 // 4 // 32))).decode() for path, data in files.items()}


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (lambda page: history(page, 300, SIZE, Log(5)), "fork"),
        (lambda page: history(page, 300, SIZE, Log(299)), "fork"),
        (lambda page: history(page, SIZE, SIZE, Log(5)), "fork"),
        (lambda page: history(page, SIZE, 300), "shrunk"),
        (lambda page: history(page, 300, SIZE, tiles=swapped(LOG.published(SIZE))), "fork"),
        (lambda page: history(page, 300, SIZE, note=LOG.note(SIZE, OTHER)), "signature"),
        (lambda page: history(page, 300, SIZE, vkey=str(vkey(OTHER))), "signature"),
        (lambda page: history(page, 300, SIZE, vkey=str(vkey()).replace("+", "+0", 1)), "malformed"),
        (lambda page: history(page, 300, SIZE, tiles=dict.fromkeys(LOG.published(SIZE), "")), "tile"),
    ],
)
def test_forged_histories_are_named(page: Page, forge: Callable[[Page], Any], code: str) -> None:
    assert forge(page) == code


def test_an_entry_changed_behind_what_was_seen_changes_nothing(page: Page) -> None:
    assert history(page, 300, SIZE, Log(301)) == SIZE
