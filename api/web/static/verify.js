// The verify page: dropping a file, looking at it before it is sent, and showing how far its sending is.
// Without this script the form does the same by itself.

import { checkReceipts } from "./checks.js";
import { words } from "./page.js";

const form = document.getElementById("verify");
const [input, progress] = [form.elements.file, document.getElementById("progress")];
const [preview, result] = [document.getElementById("preview"), document.getElementById("result")];
let shown = "";
let turn = 0;

function say(sentence, part = null) {
  progress.hidden = false;
  progress.querySelector("[role=status]").textContent = sentence;
  const bar = progress.querySelector("progress");
  bar.hidden = sentence === "" || part === false;
  if (typeof part === "number") bar.value = part;
  else bar.removeAttribute("value");
}

// A verdict is about one file: it goes when another is chosen or asked about, and an answer that comes later is dropped.
function forget() {
  result.replaceChildren();
  progress.hidden = true;
  return ++turn;
}

// The picture as it lies on the reader's disk, blurred until they ask: nothing is sent for that.
function look() {
  URL.revokeObjectURL(shown);
  const file = input.files[0];
  preview.hidden = !file?.type.startsWith("image/") || file.type === "image/svg+xml";
  if (preview.hidden) return;
  shown = URL.createObjectURL(file);
  const [image, button] = [preview.querySelector("img"), preview.querySelector("button")];
  image.src = shown;
  image.onerror = () => (preview.hidden = true);
  image.classList.add("blurred");
  button.setAttribute("aria-pressed", "false");
  button.textContent = button.dataset.show;
}

function reveal(event) {
  const [image, button] = [preview.querySelector("img"), event.currentTarget];
  const blurred = image.classList.toggle("blurred");
  button.setAttribute("aria-pressed", String(!blurred));
  button.textContent = blurred ? button.dataset.show : button.dataset.hide;
}

function sent(body) {
  return new Promise((answered, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.responseType = "document";
    request.upload.onprogress = (event) => say(form.dataset.sending, event.total ? event.loaded / event.total : null);
    request.upload.onload = () => say(form.dataset.looking);
    request.onload = () => (request.response ? answered(request.response) : failed());
    request.onerror = failed;
    request.send(body);
  });
}

function name(file) {
  const named = result.querySelector("[data-file]");
  if (!named) return; // a refusal has no verdict
  named.textContent = words("check.file", { name: file.name });
  named.hidden = false;
}

async function submit(event) {
  event.preventDefault();
  const asked = forget();
  const [file] = input.files;
  if (!file) return say(form.dataset.nofile, false);
  const button = form.querySelector("button:not([type])");
  button.disabled = true;
  try {
    const page = await sent(new FormData(form));
    if (asked !== turn) return void (progress.hidden = true);
    const found = page.getElementById("result") ?? page.querySelector("main");
    result.replaceChildren(...found.childNodes);
    name(file);
    progress.hidden = true;
    result.focus();
    await checkReceipts();
  } catch {
    if (asked === turn) say(form.dataset.failed, false);
  } finally {
    button.disabled = false;
  }
}

for (const kind of ["dragover", "dragleave", "drop"]) {
  form.addEventListener(kind, (event) => {
    event.preventDefault();
    form.classList.toggle("over", kind === "dragover");
  });
}
form.addEventListener("drop", (event) => {
  if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  forget();
  look();
});
form.addEventListener("change", forget);
input.addEventListener("change", look);
preview.querySelector("button").addEventListener("click", reveal);
form.addEventListener("submit", submit);
for (const one of document.querySelectorAll(".scripted")) one.hidden = false;
await checkReceipts();
