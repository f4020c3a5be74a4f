// What style sheets and htmx cannot do for recommendations: even out a waterfall, let a sentence pass, keep the focus.

// Waterfall: each card spans as many narrow rows as it is high. Browsers with lanes of their own do without.
const lanes = CSS.supports("display", "grid-lanes");
const STEP = 8; // as --step in picks.css
const sizes = new ResizeObserver((entries) => { for (const { target } of entries) span(target); });

function span(card) {
  if (!card.isConnected) return sizes.unobserve(card);
  const gap = parseFloat(getComputedStyle(card.parentElement).columnGap) || 16;
  // Without a height of its own a hidden card is left where it is.
  if (card.offsetHeight) card.style.gridRowEnd = `span ${Math.ceil((card.offsetHeight + gap) / STEP)}`;
}

function evenOut(root) {
  if (lanes) return;
  for (const feed of root.querySelectorAll(".waterfall")) {
    feed.classList.add("measured");
    for (const card of feed.children) sizes.observe(card);
  }
}
evenOut(document);

// A sentence stays as long as it takes to read it, and as long as somebody is at it.
const said = document.querySelector("#said");
let passing;
const pass = () => {
  clearTimeout(passing);
  passing = setTimeout(() => said.matches(":hover, :focus-within") ? pass() : said.replaceChildren(), 7000);
};
if (said) new MutationObserver(() => said.firstElementChild && pass()).observe(said, { childList: true });

// What has the focus goes with the swap: it moves to the card that a way back stands for, or, where "Show more" was
// pressed, to the first card that is new.
document.addEventListener("htmx:beforeSwap", ({ detail: { requestConfig, target } }) => {
  const { elt, triggeringEvent } = requestConfig;
  const before = target?.previousElementSibling;
  const focus = (place) => (place?.querySelector("h3 a") ?? place?.querySelector("[data-more]"))?.focus({ preventScroll: true });
  if (elt.matches("[data-undo]")) setTimeout(() => focus(before));
  else if (elt.matches("[data-more]") && (triggeringEvent?.type === "click" || elt === document.activeElement)) setTimeout(() => focus(before?.nextElementSibling));
});
document.addEventListener("htmx:afterSettle", () => evenOut(document));

// A new shopper's first requests carry the secret by which events.js makes them one shopper's.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  try {
    const session = sessionStorage.getItem("shopEvents.session");
    if (session) detail.headers["X-Shopper-Session"] = session;
  } catch { /* storage is switched off: the cookie will do */ }
});

// Who was too quick is told so; htmx shows no other answer of that kind.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status === 429) detail.shouldSwap = true;
});

// A row that cannot be had leaves no empty place.
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, ({ detail: { elt } }) => elt.querySelector(".waiting") && elt.remove());
}
