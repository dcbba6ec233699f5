// Passkeys: a form with `data-passkey` (`get` or `create`) asks its device for one, by the options that its
// `data-options` answers, and sends what came of it as its field `passkey`. Without this script it cannot be sent.

import { tell, words } from "./page.js";

const ceremonies = {
  get: (publicKey) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) }),
  create: (publicKey) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) }),
};

async function options(form) {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.dataset.options, { method: "POST", body });
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.detail ?? words("passkey.unavailable"));
  return (await answer.json()).publicKey;
}

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const [button, told] = [form.querySelector("button"), form.querySelector("[role=status]")];
  button.disabled = true;
  tell(told, "", words("passkey.waiting"));
  try {
    const answer = await ceremonies[form.dataset.passkey](await options(form));
    form.elements.passkey.value = JSON.stringify(answer.toJSON());
    form.submit();
  } catch (error) {
    tell(told, "bad", error instanceof DOMException ? words(`passkey.${error.name === "InvalidStateError" ? "bound" : "cancelled"}`) : error.message);
    button.disabled = false;
  }
}

const able = Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON);
for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", submit);
  form.hidden = !able;
}
for (const one of document.querySelectorAll(".unscripted")) {
  if (able) one.hidden = true;
  else one.textContent = words("passkey.unable");
}
