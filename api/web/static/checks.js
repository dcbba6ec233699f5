// What a reader's browser checks of the ledger, and remembers: the key it saw first, and the last checkpoint.

import { LedgerError, Tiles, checkConsistency, checkReceipt, consistencyProof, openCheckpoint, parseKey } from "./ledger.js";
import { fetched, tell, when, words } from "./page.js";

const KEY = "sigillo.log.key";
const SEEN = "sigillo.log.seen";

// The key that this browser saw first. What it is shown now must be the same one.
export async function knownKey() {
  const shown = await parseKey(await fetched("/ledger/log.vkey"));
  const first = localStorage.getItem(KEY);
  if (first === null) localStorage.setItem(KEY, shown.text);
  else if (first !== shown.text) throw new LedgerError("key", first);
  return { ...shown, known: first !== null };
}

// The checkpoint shown now, and how it stands to the one this browser saw last. Remembers it only if it grew from that.
export async function currentCheckpoint(key) {
  const head = await openCheckpoint(await fetched("/ledger/checkpoint"), key);
  const stored = JSON.parse(localStorage.getItem(SEEN) ?? "null");
  if (stored !== null) await extendsSeen(await openCheckpoint(stored.note, key), head);
  localStorage.setItem(SEEN, JSON.stringify({ note: head.note, at: new Date().toISOString() }));
  return { head, seen: stored && { at: stored.at, size: (await openCheckpoint(stored.note, key)).size } };
}

async function extendsSeen(old, head) {
  try {
    const tiles = new Tiles(head.size, (path) => fetched(`/ledger/${path}`, "bytes"));
    const proof = await consistencyProof(old.size, head.size, tiles);
    await checkConsistency(old.size, head.size, old.root, head.root, proof);
  } catch (error) {
    if (error instanceof LedgerError) error.notes = { seen: old.note, shown: head.note };
    throw error;
  }
}

// The receipt must be the one of the entry that was asked for, and whatever the page shows of that entry stand in it.
function compare(entry, receipt) {
  const named = receipt.slice(receipt.lastIndexOf("/") + 1);
  if (entry.id !== named) throw new LedgerError("other", entry.id);
  for (const one of document.querySelectorAll(`[data-entry="${named}"]`)) {
    const [member, shown] = [String(entry[one.dataset.member]), one.textContent.trim()];
    if (shown === member || shown === when(member)) continue;
    throw new LedgerError("shown", one.closest("div")?.querySelector("dt")?.textContent ?? one.dataset.member);
  }
}

// Every receipt that the page names is fetched and checked here.
export async function checkReceipts() {
  for (const element of document.querySelectorAll("[data-receipt]")) {
    const told = element.querySelector("[role=status]");
    tell(told, "waiting", words("check.waiting"));
    try {
      const proven = await checkReceipt(await fetched(element.dataset.receipt), await knownKey());
      compare(proven.entry, element.dataset.receipt);
      tell(told, "good", words("check.receipt.good", proven));
    } catch (error) {
      tell(told, "bad", failed(error));
    }
  }
}

export function failed(error) {
  if (!(error instanceof LedgerError)) return words("check.unavailable");
  return words(`check.failed.${error.code}`, { field: error.message });
}
