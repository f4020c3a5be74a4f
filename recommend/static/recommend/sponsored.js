// Tells the ledger which sponsored products were seen: half of one in view for a second, the usual measure of a viewable
// impression (Media Rating Council). Clicks go through the product's link by themselves.
const HALF = 0.5, SECOND = 1000;
const waiting = new Map();

const inView = new IntersectionObserver((entries) => {
  for (const { target, intersectionRatio } of entries) {
    clearTimeout(waiting.get(target));
    if (intersectionRatio >= HALF) waiting.set(target, setTimeout(report, SECOND, target));
  }
}, { threshold: HALF });

function report(card) {
  if (document.visibilityState !== "visible") return; // a tab in the background shows nobody anything
  inView.unobserve(card);
  waiting.delete(card);
  navigator.sendBeacon(card.dataset.seen);
}

function watch() {
  for (const card of document.querySelectorAll("[data-seen]:not([data-watched])")) {
    card.dataset.watched = "";
    inView.observe(card);
  }
}
watch();
document.addEventListener("htmx:afterSettle", watch);
// Who comes back to the tab has what is in view before them anew.
document.addEventListener("visibilitychange", () => {
  for (const card of document.querySelectorAll("[data-watched]")) {
    if (waiting.has(card)) { inView.unobserve(card); inView.observe(card); }
  }
});
