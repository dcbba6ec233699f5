// The audit page: what the browser checks of the log as a whole, and of the receipts that a page names.

import { checkReceipts, currentCheckpoint, failed, knownKey } from "./checks.js";
import { tell, when, words } from "./page.js";

async function checkLog(box) {
  const part = (name) => box.querySelector(`[data-part=${name}] [role=status]`);
  box.querySelector(".unscripted").hidden = true;
  box.querySelector("dl").hidden = false;
  let at = "key";
  try {
    const key = await knownKey();
    tell(part("key"), "good", words(key.known ? "check.key.known" : "check.key.first", { key: key.text }));
    at = "history";
    const { head, seen } = await currentCheckpoint(key);
    tell(part("signature"), "good", words("check.signature.good"));
    const places = seen ? { size: seen.size, when: when(seen.at) } : { size: head.size };
    tell(part("history"), "good", words(seen ? "check.history.grown" : "check.history.first", places));
    tell(part("size"), "", head.size.toLocaleString(document.documentElement.lang));
    tell(part("root"), "", Array.from(head.root, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  } catch (error) {
    if (error.code === "signature" || error.code === "malformed") at = "signature";
    for (const one of box.querySelectorAll("[role=status]:not([data-found])")) tell(one, "", "–");
    tell(part(at), "bad", failed(error));
    box.classList.add("broken");
    if (error.notes) keep(box.querySelector(".notes"), error.notes);
  }
}

// Two checkpoints that do not go together are the evidence: they are the reader's to save.
function keep(offered, notes) {
  for (const link of offered.querySelectorAll("a")) {
    link.href = URL.createObjectURL(new Blob([notes[link.dataset.note]], { type: "text/plain" }));
  }
  offered.hidden = false;
}

const box = document.getElementById("log");
if (box) await checkLog(box);
await checkReceipts();
