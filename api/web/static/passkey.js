// Passkeys: a form with `data-passkey` (`get` or `create`) asks its device for one, by the options that its
// `data-options` answers, and sends what came of it as its field `passkey`. Without this script it cannot be sent.

import { tell, words } from "./page.js";

const ceremonies = {
  get: (publicKey) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) }),
  create: (publicKey) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) }),
};

// What a device's passkey answers to the options that `url` has for what is sent there.
export async function ceremony(kind, url, body) {
  const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.detail ?? words("passkey.unavailable"));
  return (await ceremonies[kind]((await answer.json()).publicKey)).toJSON();
}

const refusals = { InvalidStateError: "passkey.bound", SecurityError: "passkey.elsewhere" };

export function why(error) {
  if (!(error instanceof DOMException)) return error.message;
  return words(refusals[error.name] ?? "passkey.cancelled");
}

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const [button, told] = [form.querySelector("button"), form.querySelector("[role=status]")];
  button.disabled = true;
  tell(told, "", words("passkey.waiting"));
  try {
    const body = new URLSearchParams(new FormData(form));
    form.elements.passkey.value = JSON.stringify(await ceremony(form.dataset.passkey, form.dataset.options, body));
    form.submit();
  } catch (error) {
    tell(told, "bad", why(error));
    button.disabled = false;
  }
}

export const able = Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON);
for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", submit);
  form.hidden = !able;
}
for (const one of document.querySelectorAll(".unscripted")) {
  if (able) one.hidden = true;
  else one.textContent = words("passkey.unable");
}
