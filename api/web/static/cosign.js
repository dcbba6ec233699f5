// The file that somebody signs for stays here: of it the form has the SHA-256, and nothing else.

const form = document.querySelector("form[data-passkey]");

async function read() {
  const [chosen] = form.querySelector("[type=file]").files;
  const button = form.querySelector("button");
  button.disabled = true;
  if (!chosen) return;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await chosen.arrayBuffer()));
  if (chosen !== form.querySelector("[type=file]").files[0]) return; // another one since
  form.elements.sha256.value = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  button.disabled = false;
}

if (form) {
  form.querySelector("[type=file]").addEventListener("change", read);
  await read(); // a browser that goes back keeps what was chosen
}
