// Waits for the wallet: looks at the page's own address every two seconds, and shows the answer once it is there.

const SECONDS = 2;
const state = document.getElementById("state");

async function look() {
  const answer = await fetch(location.href, { cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById("state");
  if (found?.dataset.waits === "True") return false;
  state.replaceChildren(...(found ?? page.querySelector("main")).childNodes);
  state.focus();
  return true;
}

async function wait() {
  const over = await look().catch(() => false); // a network that is away for a moment is asked again
  if (!over) setTimeout(wait, SECONDS * 1000);
}

setTimeout(wait, SECONDS * 1000);
