// Papers that are shown once: draws their QR codes, which stand in the page as SVG, saves them to files, and prints.

function draw(image) {
  const said = image.dataset.svg; // a data: URL, which the policy of our pages loads from nowhere, or the picture itself
  const svg = said.startsWith("data:") ? atob(said.split(",")[1]) : said;
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
}

function save(event) {
  const { name, text } = event.currentTarget.dataset;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
}

export function showPapers() {
  for (const image of document.querySelectorAll("img[data-svg]")) draw(image);
  for (const button of document.querySelectorAll("button[data-text]")) button.addEventListener("click", save);
  document.getElementById("print")?.addEventListener("click", () => print());
}

showPapers();
