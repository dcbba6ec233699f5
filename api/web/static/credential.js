// A pin on a picture of your site: who signed it, and whether it was changed, when a reader asks.
//
//   <script type="module" src="https://sigillo.example/embed/credential.js"></script>
//   <sigillo-credential><img src="photo.jpg" alt="…"></sigillo-credential>
//
// Nothing is sent until a reader presses the pin; then the picture is, without cookies or referrer, and nobody keeps it.
// Needs of a strict policy: script-src and connect-src with this origin, connect-src with the picture's own.

const SERVICE = new URL(import.meta.url).origin;
const MARKS = { trusted: "✓", untrusted: "!", invalid: "✕", unreadable: "?", absent: "–" };
const SEAL =
  "m10 .6 2 1.600 2.600-.5 1 2.500 2.500 1-.5 2.600 1.800 2.200-1.800 2.200.5 2.600-2.500 1-1 2.500-2.600-.5-2 1.600-2-1.600-2.600.5-1-2.500-2.500-1 .5-2.600L.6 10l1.800-2.200-.5-2.600 2.500-1 1-2.500 2.600.5z";

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: inline-block; position: relative; max-width: 100%; font: 1rem/1.45 system-ui, sans-serif; }
  button { font: inherit; cursor: pointer; }
  .pin { position: absolute; top: 8px; right: 8px; width: 44px; height: 44px; padding: 8px; border: 0; border-radius: 50%;
    background: rgb(255 255 255 / .92); box-shadow: 0 1px 4px rgb(0 0 0 / .4); }
  .pin svg { display: block; width: 28px; height: 28px; fill: #0f5c5c; }
  :focus-visible { outline: 3px solid #0f5c5c; outline-offset: 2px; }
  .panel { position: absolute; top: 60px; right: 8px; z-index: 1; width: min(20rem, calc(100% - 16px)); padding: .9rem 1rem;
    box-sizing: border-box; color: #1d2326; background: #fffdf8; border-radius: .5rem; box-shadow: 0 2px 12px rgb(0 0 0 / .45);
    overflow-wrap: anywhere; text-align: left; max-height: 24rem; overflow-y: auto; }
  .panel[hidden] { display: none; }
  h2 { font: 600 1.1rem/1.3 Georgia, serif; margin: 0 0 .4rem; }
  p { margin: 0 0 .5rem; }
  a { color: #0f5c5c; }
  .note { font-size: .85rem; color: #545d60; }
  .trusted h2 { color: #1d6b3a; } .invalid h2 { color: #a3271f; } .untrusted h2, .unreadable h2 { color: #7a5200; }
`);

const words = fetch(`${SERVICE}/embed/words.json`, { credentials: "omit", referrerPolicy: "no-referrer" })
  .then((answer) => answer.json())
  .catch(() => ({})); // the pin then has no name to say, and pressing it asks again

function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function seal() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SEAL);
  svg.append(path);
  return svg;
}

class SigilloCredential extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.pin = made("button", { type: "button", className: "pin" }, seal());
    this.panel = made("div", { className: "panel", hidden: true, tabIndex: -1 });
    this.panel.setAttribute("role", "status");
    this.pin.setAttribute("aria-expanded", "false");
    words.then((t) => this.pin.setAttribute("aria-label", t["embed.pin"] ?? "Sigillo"));
    this.pin.addEventListener("click", () => this.toggle());
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.show(false));
    root.append(document.createElement("slot"), this.pin, this.panel);
  }

  show(open) {
    this.panel.hidden = !open;
    this.pin.setAttribute("aria-expanded", String(open));
  }

  async toggle() {
    this.show(this.panel.hidden);
    if (this.panel.hidden || this.asked) return;
    this.asked = true;
    const t = await words;
    this.panel.replaceChildren(made("p", { textContent: t["embed.looking"] ?? "…" }));
    try {
      this.tell(t, await this.verified());
    } catch {
      this.asked = false; // the next press tries again
      this.panel.replaceChildren(made("p", { textContent: t["embed.failed"] ?? "×" }));
    }
  }

  async verified() {
    const image = this.querySelector("img, video, audio");
    const file = await fetch(image.currentSrc || image.src, { referrerPolicy: "no-referrer" });
    if (!file.ok) throw new Error(String(file.status));
    const form = new FormData();
    form.append("file", await file.blob(), "file");
    const how = { method: "POST", body: form, credentials: "omit", referrerPolicy: "no-referrer" };
    const answer = await fetch(`${SERVICE}/v1/verifications`, how);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  // Everything that the file says of itself is put in as text.
  tell(t, found) {
    const line = (code, value) => (value ? [made("p", { textContent: `${t[code]}: ${value}` })] : []);
    const model = found.model && [found.model.name, found.model.version].filter(Boolean).join(" ");
    const link = made("a", { href: `${SERVICE}/verify`, target: "_blank", rel: "noopener noreferrer" }, t["embed.more"]);
    this.panel.className = `panel ${found.verdict}`;
    this.panel.replaceChildren(
      made("h2", { textContent: `${MARKS[found.verdict] ?? ""} ${t[`verdict.${found.verdict}`]}` }),
      made("p", { textContent: found.sentence }),
      ...line("embed.model", model),
      made("p", { className: "note", textContent: t["embed.by"].replace("{service}", new URL(SERVICE).host) }),
      made("p", { className: "note" }, link),
    );
  }
}

customElements.define("sigillo-credential", SigilloCredential);
