// Posts the rule's form, unsaved, to the preview whenever it changes, and shows the answer beside it.
(() => {
  const panel = document.querySelector(".search-preview");
  const form = panel && panel.closest("form");
  if (!form) return;
  const result = panel.querySelector("[data-result]");
  let timer = 0;
  let asked = null;

  const show = async () => {
    clearTimeout(timer);
    if (asked) asked.abort();
    const mine = (asked = new AbortController());
    panel.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(panel.dataset.url, {
        method: "POST", body: new FormData(form), credentials: "same-origin", signal: mine.signal,
      });
      const html = await answer.text();
      if (answer.ok) result.innerHTML = html;
      else result.textContent = answer.status === 403 ? "You may not change rules." : "The preview failed; saving still works.";
    } catch (error) {
      if (error.name !== "AbortError") result.textContent = "The preview could not be reached.";
    } finally {
      if (asked === mine) panel.removeAttribute("aria-busy");
    }
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(show, 500); };

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  // The pickers of products and categories tell their changes through jQuery alone.
  if (window.django && window.django.jQuery) {
    window.django.jQuery(form).on("change", soon);
    window.django.jQuery(document).on("formset:removed", soon);
  }
  document.addEventListener("formset:removed", soon);
  panel.querySelector("[data-preview]").addEventListener("click", show);
  panel.querySelector("#preview_q").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); show(); }
  });
  if (panel.dataset.url.match(/\/\d+\/preview\/$/)) show();
})();
