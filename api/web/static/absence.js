// The page of a registration that ended: waits for the proof that no index has it any more, and checks it here, as
// detection/generations/absence_verifier.py does: the receipt of the index's commitment, what that committed to, and the
// gap where the registration would be. What does not hold is thrown as a LedgerError.

import { knownKey, failed } from "./checks.js";
import { LedgerError, bytesOf, checkReceipt, equal, hex, leafHash, nodeHash, sha256 } from "./ledger.js";
import { tell, words } from "./page.js";

const SECONDS = 3;
const PENDING = 503;
const joined = (one, other) => Uint8Array.from([...one, ...other]);
const bit = (bytes, at) => (bytes[at >> 3] >> (7 - (at & 7))) & 1;
const malformed = (why) => new LedgerError("malformed", why);

function unhex(text) {
  if (!/^[0-9a-f]{64}$/.test(text)) throw malformed("not a hash");
  return Uint8Array.from(text.match(/../g), (byte) => parseInt(byte, 16));
}

// What a sound proof proves: {registration, index, generation, size, entry}.
export async function checkAbsence(proof, registration, verifier) {
  const ours = proof.format === "sigillo-absence@1" && proof.registration === registration;
  if (!ours || !Array.isArray(proof.siblings)) throw malformed("another proof");
  const { entry } = await checkReceipt(proof.receipt, verifier);
  const said = await opened(proof, entry);
  const place = await sha256(joined(unhex(said.salt), bytesOf(registration)));
  await checkGap(place, proof.other === null ? null : unhex(proof.other), proof.siblings.map(unhex), unhex(said.root));
  return { ...said, registration, entry };
}


// The payload that the entry committed to: it describes one generation of an index.
async function opened(proof, entry) {
  const key = await crypto.subtle.importKey("raw", unhex(proof.salt), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const commit = await crypto.subtle.sign("HMAC", key, bytesOf(`ledger/v1/payload\0${proof.opened}`));
  if (hex(new Uint8Array(commit)) !== entry.commit) throw new LedgerError("inclusion", "not what was committed to");
  const payload = JSON.parse(proof.opened);
  if (entry.kind !== "index.committed" || payload.kind !== entry.kind) throw malformed("not of an index");
  return payload.data;
}

// Under one root a place has one content: nothing, or another's leaf, and so not this one.
export async function checkGap(place, other, siblings, root) {
  const beyond = siblings.length > 256 || (other && equal(other, place));
  if (beyond || (other && siblings.some((_, at) => bit(other, at) !== bit(place, at)))) {
    throw new LedgerError("inclusion", "this is no gap where it would be");
  }
  let found = other ? await leafHash(other) : await sha256(new Uint8Array());
  for (let at = siblings.length - 1; at >= 0; at--) {
    found = bit(place, at) ? await nodeHash(siblings[at], found) : await nodeHash(found, siblings[at]);
  }
  if (!equal(found, root)) throw new LedgerError("inclusion", "it does not lead to the root");
}

async function look(box) {
  const told = box.querySelector("[role=status]");
  try {
    const answer = await fetch(`/v1/registrations/${box.dataset.registration}/absence`, { cache: "no-store", credentials: "omit" });
    if (answer.status === PENDING) {
      tell(told, "", words("check.absence.pending"));
      return setTimeout(look, SECONDS * 1000, box);
    }
    if (!answer.ok) return tell(told, "", words("check.absence.none"));
    const found = await checkAbsence(await answer.json(), box.dataset.registration, await knownKey());
    box.querySelector("a").hidden = false;
    tell(told, "good", words("check.absence.good", found));
  } catch (error) {
    tell(told, "bad", failed(error));
  }
}

const box = document.getElementById("absence");
if (box) {
  box.querySelector("a").hidden = true;
  await look(box);
}
