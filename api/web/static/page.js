// What every page's script needs: its words, which stand in the page, and what a check shows.

const catalogue = JSON.parse(document.getElementById("words")?.textContent ?? "{}");

export const words = (code, places = {}) =>
  (catalogue[code] ?? code).replace(/\{(\w+)\}/g, (_, name) => String(places[name] ?? ""));

export function tell(element, kind, sentence) {
  element.textContent = sentence;
  element.dataset.found = kind;
}

export const when = (moment) => `${moment.slice(0, 19).replace("T", " ")} UTC`; // as everywhere on our pages

export async function fetched(path, as) {
  const answer = await fetch(path, { cache: "no-store", credentials: "omit" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return as === "bytes" ? new Uint8Array(await answer.arrayBuffer()) : answer.text();
}
