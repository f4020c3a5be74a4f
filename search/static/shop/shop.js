// What plain links and forms cannot do: the theme, pictures by drop and paste, suggestions, the gallery.
import { combobox } from "./combobox.js";
import { pictureSearch } from "./picture.js";
import { regions } from "./region.js";

const root = document.documentElement;

document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* not remembered */ }
});

for (const box of document.querySelectorAll("[data-suggest]")) combobox(box);
pictureSearch(document.querySelector("#drop-anywhere"), document.querySelector("#picture-panel"));
regions(document);

// Addresses that people share hold only what was asked for.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.matches("[data-clean]")) return;
  const seen = event.detail.formData;
  for (const name of new Set(seen.keys())) {
    const values = seen.getAll(name).filter((value) => value !== "");
    seen.delete(name);
    for (const value of values) seen.append(name, value);
  }
});
// A screen reader hears how many are left, which others see.
document.addEventListener("htmx:afterSettle", () => {
  const [announce, count] = ["#announce", "#count"].map((selector) => document.querySelector(selector));
  if (announce && count) announce.textContent = count.textContent.trim().replace(/\s+/g, " ");
});
// The server's own sentence is better than silence: show the page of a refused or failed request.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status < 400 || !event.detail.elt.matches("[data-clean], [rel=next]")) return;
  location.assign(event.detail.pathInfo.finalRequestPath);
});
document.addEventListener("submit", (event) => {
  for (const input of event.target.querySelectorAll("input[type=search]")) if (!input.value.trim()) input.disabled = true;
});
addEventListener("pageshow", () => {
  for (const input of document.querySelectorAll("input[type=search]:disabled")) input.disabled = false;
});

const track = document.querySelector("#track");
const thumbs = [...document.querySelectorAll("[data-show]")];
for (const thumb of thumbs) {
  thumb.addEventListener("click", (event) => {
    event.preventDefault();
    track.scrollTo({ left: document.querySelector(thumb.hash).offsetLeft - track.offsetLeft });
  });
}
track?.addEventListener("scroll", () => {
  const shown = Math.round(track.scrollLeft / track.clientWidth);
  thumbs.forEach((thumb, index) => index === shown ? thumb.setAttribute("aria-current", "true") : thumb.removeAttribute("aria-current"));
}, { passive: true });
