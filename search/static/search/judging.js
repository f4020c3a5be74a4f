// Grades by key or button, saved at once, in the order in which they were given. Without this script each button
// submits its form.
(() => {
  const page = document.getElementById("relevance-judge");
  const cards = page ? [...page.querySelectorAll(".relevance-card")] : [];
  if (!cards.length) return;
  const said = document.getElementById("relevance-said");
  const done = document.getElementById("relevance-done");
  const bar = document.getElementById("relevance-bar");
  const undoable = [];
  let current = Math.max(cards.findIndex((card) => card.dataset.grade === ""), 0);
  let saving = Promise.resolve();
  let unsaved = 0;
  page.querySelectorAll("[data-scripted]").forEach((each) => { each.hidden = false; });

  const show = (card, grade) => {
    card.dataset.grade = grade;
    for (const button of card.querySelectorAll("button")) {
      const pressed = button.dataset.value === grade;
      button.setAttribute("aria-pressed", String(pressed));
      button.value = pressed ? "" : button.dataset.value;
    }
    const count = cards.filter((each) => each.dataset.grade !== "").length;
    done.textContent = count;
    bar.value = count;
  };

  const save = async (card, grade) => {
    const body = new FormData(card.querySelector("form"));
    body.set("grade", grade);
    const answer = await fetch(location.pathname, {
      method: "POST", body, credentials: "same-origin", headers: { Accept: "application/json" },
    });
    if (!answer.ok) {
      const told = await answer.json().catch(() => ({}));
      throw new Error(told.error || `The server answered ${answer.status}.`);
    }
  };

  const give = (card, grade, { undo = false } = {}) => {
    const before = card.dataset.grade;
    if (before === grade) return;
    if (!undo) undoable.push([card, before]);
    show(card, grade);
    unsaved += 1;
    said.textContent = "Saving …";
    saving = saving.then(() => save(card, grade)).then(
      () => { unsaved -= 1; if (!unsaved) said.textContent = "Saved"; },
      (error) => { unsaved -= 1; show(card, before); said.textContent = `Not saved: ${error.message}`; },
    );
  };

  const go = (place) => {
    current = Math.min(Math.max(place, 0), cards.length - 1);
    cards.forEach((card) => card.removeAttribute("aria-current"));
    cards[current].setAttribute("aria-current", "true");
    cards[current].focus({ preventScroll: true });
    cards[current].scrollIntoView({ block: "nearest" });
  };

  const undo = () => {
    const last = undoable.pop();
    if (!last) { said.textContent = "Nothing to undo"; return; }
    give(last[0], last[1], { undo: true });
    go(cards.indexOf(last[0]));
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=hidden]), textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (/^[0-3]$/.test(key)) {
      give(cards[current], key);
      go(current + 1);
    } else if (key === "j") go(current + 1);
    else if (key === "k") go(current - 1);
    else if (key === "u") undo();
    else if (key === "n" || key === "p") {
      const link = page.querySelector(`a[data-key="${key}"]`);
      if (!link) return;
      saving.then(() => { location.href = link.href; });
    } else return;
    event.preventDefault();
  });

  cards.forEach((card, place) => {
    card.addEventListener("click", (event) => {
      if (!event.target.closest("a, button")) go(place);
    });
    card.querySelector("form").addEventListener("submit", (event) => {
      if (!event.submitter) return;
      event.preventDefault();
      give(card, event.submitter.value);
      current = place;
      go(place);
      event.submitter.focus();
    });
  });

  // A grade that is on its way must not get lost with the page.
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  go(current);
})();
