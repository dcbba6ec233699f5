// Checks a Sigillo ledger in a reader's own browser: signatures, inclusion, consistency. No dependency, no page.
//
// Formats: C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-proof; hashes and proofs of RFC 6962 and RFC 9162.
// Whatever does not hold is thrown as a LedgerError, whose `code` says what; nothing here returns "false".

export class LedgerError extends Error {
  constructor(code, detail = "") {
    super(detail || code);
    this.code = code;
  }
}

const ED25519 = 1;
const TILE = 256;
const MAX_SIZE = 2 ** 44; // up to here Math.log2 tells every power of two from its neighbours
const MAX_NOTE = 64 * 1024;
const HASH = 32;

export const bytesOf = (text) => new TextEncoder().encode(text);
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const equal = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

function base64(text) {
  let raw;
  try {
    raw = atob(text);
  } catch {
    throw new LedgerError("malformed", "not base64");
  }
  const bytes = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  if (btoa(raw) !== text) throw new LedgerError("malformed", "not canonical base64");
  return bytes;
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
export const leafHash = (entry) => sha256(joined(Uint8Array.of(0), entry));
export const nodeHash = (left, right) => sha256(joined(Uint8Array.of(1), left, right));

// A verifier key: `name+hash+base64(type, key)`. The hash is checked, so a mistyped key is no key.
export async function parseKey(text) {
  // Browsers give the functions that check only to pages over HTTPS, or of the machine itself.
  if (!globalThis.crypto?.subtle) throw new LedgerError("unsupported", "no WebCrypto here");
  const [name, id, ...rest] = text.trim().split("+");
  const material = base64(rest.join("+"));
  const digest = await sha256(joined(bytesOf(`${name}\n`), material));
  if (material[0] !== ED25519 || material.length !== 1 + HASH || hex(digest.slice(0, 4)) !== id) {
    throw new LedgerError("malformed", "not a verifier key");
  }
  return { name, id: digest.slice(0, 4), key: material.slice(1), text: text.trim() };
}

// The checkpoint in a note that the key signed: {origin, size, root, note}. Other people's signatures are left aside.
export async function openCheckpoint(note, verifier) {
  const cut = note.lastIndexOf("\n\n");
  if (note.length > MAX_NOTE || cut < 0) throw new LedgerError("malformed", "not a signed note");
  const text = note.slice(0, cut + 1);
  const [origin, size, root] = text.split("\n");
  if (origin !== verifier.name || !/^(0|[1-9][0-9]{0,14})$/.test(size) || Number(size) > MAX_SIZE) {
    throw new LedgerError("malformed", "not a checkpoint of this log");
  }
  const rootHash = base64(root ?? "");
  if (rootHash.length !== HASH) throw new LedgerError("malformed", "the root is no hash");
  const lines = note.slice(cut + 2).split("\n").filter(Boolean);
  const ours = lines.filter((line) => line.startsWith(`\u2014 ${verifier.name} `));
  for (const line of ours) {
    const signature = base64(line.split(" ")[2] ?? "");
    if (equal(signature.slice(0, 4), verifier.id)) {
      await checkSignature(verifier.key, signature.slice(4), bytesOf(text));
      return { origin, size: Number(size), root: rootHash, note };
    }
  }
  throw new LedgerError("signature", "the log did not sign this");
}

async function checkSignature(key, signature, signed) {
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    throw new LedgerError("unsupported", String(error));
  }
  if (!(await crypto.subtle.verify("Ed25519", imported, signature, signed))) {
    throw new LedgerError("signature", "the signature is not the key's");
  }
}

// RFC 9162, section 2.1.3.2.
export async function checkInclusion(index, size, leaf, proof, root) {
  if (index >= size) throw new LedgerError("inclusion", "the index is beyond the log");
  let [fn, sn, hash] = [index, size - 1, leaf];
  for (const one of proof) {
    if (sn === 0) throw new LedgerError("inclusion", "the proof is too long");
    if (fn % 2 === 1 || fn === sn) {
      hash = await nodeHash(one, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else {
      hash = await nodeHash(hash, one);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  if (sn !== 0 || !equal(hash, root)) throw new LedgerError("inclusion", "the entry is not under this root");
}

// RFC 9162, section 2.1.4.2.
export async function checkConsistency(oldSize, newSize, oldRoot, newRoot, proof) {
  if (oldSize === newSize) {
    if (proof.length || !equal(oldRoot, newRoot)) throw new LedgerError("fork", "two roots of one size");
    return;
  }
  if (oldSize === 0) return;
  const path = Number.isInteger(Math.log2(oldSize)) ? [oldRoot, ...proof] : [...proof];
  if (!path.length) throw new LedgerError("fork", "the proof is empty");
  let [fn, sn] = [oldSize - 1, newSize - 1];
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  let [old, grown] = [path[0], path[0]];
  for (const one of path.slice(1)) {
    if (sn === 0) throw new LedgerError("fork", "the proof is too long");
    if (fn % 2 === 1 || fn === sn) {
      [old, grown] = [await nodeHash(one, old), await nodeHash(one, grown)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else {
      grown = await nodeHash(grown, one);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  if (sn !== 0 || !equal(old, oldRoot) || !equal(grown, newRoot)) throw new LedgerError("fork", "history was changed");
}

// The proof that a tree of `newSize` extends one of `oldSize` (RFC 6962, section 2.1.2), from a log's tiles.
export async function consistencyProof(oldSize, newSize, tiles) {
  const within = async (m, first, end, whole) => {
    if (m === end - first) return whole ? [] : [await tiles.subtree(first, end)];
    const half = split(end - first);
    if (m <= half) return [...(await within(m, first, first + half, whole)), await tiles.subtree(first + half, end)];
    return [...(await within(m - half, first + half, end, false)), await tiles.subtree(first, first + half)];
  };
  if (oldSize > newSize) throw new LedgerError("shrunk", "the log became shorter");
  return oldSize === 0 || oldSize === newSize ? [] : within(oldSize, 0, newSize, true);
}

const split = (size) => 2 ** Math.ceil(Math.log2(size) - 1);

// Hashes of subtrees, from the tiles that `fetchBytes(path)` has, of a log of `size` entries.
export class Tiles {
  constructor(size, fetchBytes) {
    [this.size, this.fetchBytes, this.known] = [size, fetchBytes, new Map()];
  }

  // The root of entries [first, end), one of RFC 6962's subtrees.
  async subtree(first, end) {
    const size = end - first;
    if (size > 1 && !Number.isInteger(Math.log2(size))) {
      const half = split(size);
      return nodeHash(await this.subtree(first, first + half), await this.subtree(first + half, end));
    }
    return this.node(Math.log2(size), first / size);
  }

  // The node at `height` above the leaves, the `n`th from the left.
  async node(height, n) {
    const [level, above] = [Math.floor(height / 8), height % 8];
    const [width, first] = [2 ** above, n * 2 ** above];
    const tile = await this.tile(level, Math.floor(first / TILE));
    let row = Array.from({ length: width }, (_, at) => tile[(first % TILE) + at]);
    if (row.some((hash) => hash === undefined)) throw new LedgerError("tile", "a tile is too short");
    while (row.length > 1) {
      row = await Promise.all(row.filter((_, at) => at % 2 === 0).map((left, at) => nodeHash(left, row[2 * at + 1])));
    }
    return row[0];
  }

  async tile(level, n) {
    const full = Math.floor(this.size / TILE ** level);
    const width = Math.min(full - n * TILE, TILE);
    const path = `tile/${level}/${tileNumber(n)}${width < TILE ? `.p/${width}` : ""}`;
    if (!this.known.has(path)) this.known.set(path, hashes(await this.fetchBytes(path), width));
    return this.known.get(path);
  }
}

function hashes(bytes, width) {
  if (bytes.length !== width * HASH) throw new LedgerError("tile", "a tile has the wrong length");
  return Array.from({ length: width }, (_, at) => bytes.slice(at * HASH, (at + 1) * HASH));
}

function tileNumber(n) {
  const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, "0").match(/.{3}/g);
  return digits.map((part, at) => (at < digits.length - 1 ? `x${part}` : part)).join("/");
}

// A receipt (C2SP tlog-proof): {entry, index, size, hashes} of what it proves.
export async function checkReceipt(text, verifier) {
  const cut = text.indexOf("\n\n");
  const [header, extra, place, ...proof] = text.slice(0, cut).split("\n");
  const index = /^index (0|[1-9][0-9]{0,14})$/.exec(place ?? "");
  if (cut < 0 || header !== "c2sp.org/tlog-proof@v1" || !extra?.startsWith("extra ") || !index || proof.length > 63) {
    throw new LedgerError("malformed", "not a receipt");
  }
  const head = await openCheckpoint(text.slice(cut + 2), verifier);
  const data = base64(extra.slice(6));
  await checkInclusion(Number(index[1]), head.size, await leafHash(data), proof.map(base64), head.root);
  const entry = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  return { entry, index: Number(index[1]), size: head.size, hashes: proof.length };
}
