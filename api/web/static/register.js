// The form that registers: looks at photos as they are chosen, makes the fingerprint of a picture here, has the passkey
// sign what is agreed to, and sends the document that programs send. The answer is shown once, in place of the form.

import { tell, words } from "./page.js";
import { showPapers } from "./papers.js";
import { able, ceremony, why } from "./passkey.js";
import { LEAST_QUALITY, fingerprint, pixelsOf } from "./pdq.js";

const form = document.getElementById("register");
const once = crypto.randomUUID(); // sent twice it is still one registration
const good = new Map(); // photos that will do, by name and size
let made = null; // the fingerprint of the picture

const token = () => form.elements.form_token.value;
const sha256 = async (bytes) =>
  Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const nameOf = (file) => `${file.name} ${file.size} ${file.lastModified}`;

async function refusal(answer) {
  const told = (await answer.json().catch(() => null))?.detail ?? words("passkey.unavailable");
  const said = told.replace(/\bregistration\.\w+: /g, ""); // where in the document it is, which nobody here wrote
  return said[0].toUpperCase() + said.slice(1);
}

// Photos: each is sent by itself, judged, and gone; which will do is said at once.
async function look(event) {
  const input = event.currentTarget;
  const [list, most] = [document.getElementById("looked"), Number(input.dataset.most)];
  const files = Array.from(input.files).slice(0, most);
  const rows = files.map(row);
  list.replaceChildren(...rows.map((one) => one.item));
  if (input.files.length > most) {
    const over = document.createElement("li");
    over.className = "check";
    tell(over.appendChild(document.createElement("span")), "bad", words("sending.many", { most }));
    list.append(over);
  }
  for (const { file, told } of rows) await judge(file, told);
}

function row(file) {
  const [item, name, told] = [document.createElement("li"), document.createElement("b"), document.createElement("span")];
  item.className = "check";
  name.textContent = `${file.name}: `;
  item.append(name, told);
  return { file, item, told };
}

async function judge(file, told) {
  tell(told, "", words("sending.looking"));
  const body = new FormData();
  body.append("form_token", token());
  body.append("photo", file);
  try {
    const answer = await fetch("/register/photo", { method: "POST", body, headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(await refusal(answer));
    good.set(nameOf(file), file);
    tell(told, "good", words("sending.good"));
  } catch (error) {
    tell(told, "bad", error instanceof TypeError ? words("passkey.unavailable") : words("sending.left", { why: error.message }));
  }
}

// A picture: shown blurred from where it lies, and nothing of it is sent.
async function take(event) {
  const [file, told] = [event.currentTarget.files[0], document.getElementById("made")];
  const [preview, image] = [document.getElementById("preview"), document.querySelector("#preview img")];
  made = null;
  URL.revokeObjectURL(image.src);
  preview.hidden = !file;
  if (!file) return;
  image.src = URL.createObjectURL(file);
  tell(told, "", words("sending.making"));
  try {
    const found = fingerprint(await pixelsOf(file));
    document.getElementById("fingerprint").textContent = JSON.stringify(found, null, 2);
    if (found.quality < LEAST_QUALITY) return tell(told, "bad", words("sending.faint", { ...found, least: LEAST_QUALITY }));
    made = found;
    tell(told, "good", words("sending.made"));
  } catch {
    preview.hidden = true;
    tell(told, "bad", words("sending.unreadable"));
  }
}

function described() {
  const { account, region, language, sha256: text } = form.dataset;
  const chosen = new FormData(form);
  const refuses = chosen.get("which") === "some" ? chosen.getAll("refuses") : [];
  const [right, stated] = [chosen.get("right"), chosen.get("right") === "self" ? "" : chosen.get("stated")];
  return { account, region, refuses, right, stated, contact: chosen.get("contact"), consent: { language, sha256: text } };
}

// What is missing, in words; empty where nothing is.
function missing(photos) {
  const chosen = new FormData(form);
  if (chosen.get("right") !== "self" && !chosen.get("stated").trim()) return words("sending.noright");
  if (form.dataset.kind === "image") return made ? "" : words("sending.nopicture");
  if (!photos.length) return words("sending.nophoto");
  if (chosen.get("which") === "some" && !chosen.getAll("refuses").length) return words("sending.nopurpose");
  return "";
}

async function given(photos) {
  if (form.dataset.kind === "face") return Promise.all(photos.map(async (one) => sha256(await one.arrayBuffer())));
  const hex = made.forms.join("").match(/../g);
  return [await sha256(Uint8Array.from(hex, (byte) => parseInt(byte, 16)))];
}

async function send(photos, told) {
  const body = described();
  const statement = new URLSearchParams({ form_token: token(), kind: form.dataset.kind });
  statement.set("registration", JSON.stringify({ ...body, given: await given(photos) }));
  tell(told, "", words("passkey.waiting"));
  body.consent.passkey = await ceremony("get", "/register/statement", statement);
  if (made) body.fingerprint = made;
  tell(told, "", words("sending.sending"));
  const [parts, portrait] = [new FormData(), form.querySelector("#portrait")?.files[0]];
  parts.append("form_token", token());
  parts.append("registration", JSON.stringify(body));
  for (const photo of photos) parts.append("photo", photo);
  if (portrait && body.right === "self") parts.append("portrait", portrait); // it shows who is signed in
  const headers = { Accept: "application/json", "Idempotency-Key": once };
  const answer = await fetch(form.action, { method: "POST", body: parts, headers });
  if (!answer.ok) throw new Error(await refusal(answer));
  show(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

async function submit(event) {
  event.preventDefault();
  const [button, told] = [form.querySelector("section:last-of-type button"), form.querySelector("#progress [role=status]")];
  const input = form.querySelector("#photo");
  const photos = Array.from(input?.files ?? []).slice(0, Number(input?.dataset.most)).filter((file) => good.has(nameOf(file)));
  const lacks = missing(photos);
  if (lacks) return tell(told, "bad", lacks);
  button.disabled = true;
  try {
    await send(photos, told);
  } catch (error) {
    tell(told, "bad", error instanceof TypeError ? words("passkey.unavailable") : why(error));
    button.disabled = false;
  }
}

// What came of it: codes and papers, which are nowhere else.
function show(page) {
  const content = document.getElementById("content");
  document.title = page.title;
  content.replaceChildren(...page.getElementById("content").childNodes);
  showPapers();
  const stay = (leaving) => leaving.preventDefault();
  addEventListener("beforeunload", stay);
  document.getElementById("written").addEventListener("click", () => removeEventListener("beforeunload", stay));
  content.focus();
  scrollTo(0, 0);
}

if (form && able) {
  form.hidden = false;
  form.querySelector("#photo")?.addEventListener("change", look);
  form.querySelector("#picture")?.addEventListener("change", take);
  form.addEventListener("submit", submit);
  for (const box of form.querySelectorAll("[name=refuses]")) {
    box.addEventListener("change", () => (form.querySelector("#some").checked = true));
  }
}
