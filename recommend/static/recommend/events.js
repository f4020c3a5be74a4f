// Tells the shop what shoppers look at and click on. Load it with {% load events %}{% event_script %}.
//
// What a page has to say (nothing of it is inline script, so it works under the strictest Content-Security-Policy):
//
//   <main data-event-view data-sku="CUP-1" data-surface="product">            a view, once it is on the screen
//   <main data-event-view="search" data-query="red cup">                      or another kind of event: a search
//   <article data-event-click data-sku="CUP-2" data-surface="for-you" data-position="3" data-placement="<uuid>">
//     <a href="/p/cup-2">…</a>                                                a click on a link inside is one event
//   <button data-event-click="like" data-sku="CUP-2">                         or another kind of event
//   <form data-event-submit="cart" data-sku="CUP-2">                          when the form is sent
//
// data-sku, -surface, -position, -query, -value, -quantity, -basket, -placement and -search-id (query.id of a search's
// answer) are looked for on the element and then
// on those around it, so that a row of cards names its surface once. What htmx puts into the page is seen as well; other
// scripts call shopEvents.look(element), and shopEvents.send("view", {sku: "CUP-1"}) for what is no element.
//
// Each event has an id made here, so that one that is sent again counts once. No CSRF token is needed: the cookies that
// say who the shopper is go along with requests of this site only. Nothing is sent, and nothing kept in the browser,
// while the shopper has refused (cookie "consent" is "no"), was not asked yet (where consent is required), or where the
// browser asks not to be tracked (Do Not Track, Global Privacy Control) and the shopper did not say yes here.
(() => {
  "use strict";
  const { endpoint, cookie, consent } = document.currentScript.dataset;
  const FIELDS = ["sku", "surface", "position", "query", "value", "quantity", "basket", "placement"];
  const NUMBERS = ["position", "quantity"];
  const MOST = 50; // events in one request: a beacon holds 64 KB
  const SOON = 1000; // milliseconds in which more may come along
  const TRIES = 4;
  const KEY = "shopEvents.session";
  let queue = [];
  let timer;
  let tries = 0;

  function allowed() {
    const said = document.cookie.split("; ").find((each) => each.startsWith(`${cookie}=`))?.slice(cookie.length + 1);
    if (said === "yes" || said === "no") return said === "yes";
    return consent !== "required" && navigator.doNotTrack !== "1" && navigator.globalPrivacyControl !== true;
  }

  function id() {
    if (crypto.randomUUID) return crypto.randomUUID(); // not on plain http
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  // One visit in one tab. Nobody can guess it, so that the first requests of a new shopper are known to be one shopper's.
  function session() {
    try {
      const known = sessionStorage.getItem(KEY) ?? id();
      sessionStorage.setItem(KEY, known);
      return known;
    } catch {
      return undefined; // storage is switched off
    }
  }

  function send(kind, details = {}) {
    if (!allowed()) return;
    queue.push({ event_id: id(), kind, happened_at: new Date().toISOString(), ...details });
    clearTimeout(timer);
    if (queue.length >= MOST) flush();
    else timer = setTimeout(flush, SOON);
  }

  // While the page stands, an answer can be waited for and a failure made good; a page that goes has only the beacon.
  async function flush({ last = false } = {}) {
    clearTimeout(timer);
    if (!queue.length || !allowed()) return;
    const events = queue.splice(0, MOST).map((event) => ({ ...event, session: session() }));
    const body = new Blob([JSON.stringify(events)], { type: "application/json" });
    if (last) {
      if (!navigator.sendBeacon(endpoint, body)) fetch(endpoint, { method: "POST", body, keepalive: true }).catch(() => {});
      if (queue.length) flush({ last });
      return;
    }
    try {
      const { status } = await fetch(endpoint, { method: "POST", body, keepalive: true, priority: "low" });
      if (status >= 500 || status === 429) throw new Error(`${status}`);
      tries = 0;
    } catch {
      queue = [...events, ...queue];
      tries += 1;
      if (tries < TRIES) timer = setTimeout(flush, SOON * 4 ** tries);
      return;
    }
    if (queue.length) timer = setTimeout(flush, SOON);
  }

  function details(element) {
    const found = {};
    for (const name of FIELDS) {
      const value = element.closest(`[data-${name}]`)?.dataset[name];
      if (value) found[name] = NUMBERS.includes(name) ? Number(value) : value;
    }
    const search = element.closest("[data-search-id]")?.dataset.searchId;
    if (search) found.search_id = search;
    return found;
  }

  const shown = new WeakSet();
  function look(root = document) {
    const here = root.matches?.("[data-event-view]") ? [root] : [];
    for (const element of [...here, ...root.querySelectorAll("[data-event-view]")]) {
      if (shown.has(element)) continue;
      shown.add(element);
      send(element.dataset.eventView || "view", details(element));
    }
  }

  // A page that was opened in the background, or prepared in case somebody comes, was looked at by nobody.
  function whenSeen(act) {
    if (document.visibilityState === "visible" && !document.prerendering) return act();
    const names = ["visibilitychange", "prerenderingchange"];
    const check = () => {
      if (document.visibilityState !== "visible" || document.prerendering) return;
      for (const name of names) document.removeEventListener(name, check);
      act();
    };
    for (const name of names) document.addEventListener(name, check);
  }

  function clicked({ target, button, type }) {
    if (type === "auxclick" && button !== 1) return; // the middle one opens a tab; the right one only a menu
    const element = target.closest?.("[data-event-click]");
    if (!element) return;
    const acting = element.matches("a, button, input, summary, [role=button]");
    if (!acting && !target.closest("a[href]")) return; // beside the links of a card
    send(element.dataset.eventClick || "click", details(element));
  }

  // Before anybody else: a handler that stops the click, or leaves the page, must not hide it.
  for (const name of ["click", "auxclick"]) document.addEventListener(name, clicked, { capture: true, passive: true });
  document.addEventListener("submit", ({ target }) => {
    const kind = target.dataset?.eventSubmit;
    if (kind !== undefined) send(kind || "cart", details(target));
  }, { capture: true });
  document.addEventListener("htmx:afterSettle", ({ target }) => whenSeen(() => look(target)));
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush({ last: true }));
  addEventListener("pagehide", () => flush({ last: true }));
  globalThis.shopEvents = { send, look, flush };
  whenSeen(() => look());
})();
