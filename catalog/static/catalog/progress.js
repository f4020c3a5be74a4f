// Shows how far the work of a [data-running] box is while the page is open, and loads the page anew when it has ended.
(() => {
  const box = document.querySelector(".catalog-progress[data-running]");
  if (!box) return;
  const look = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(box.dataset.url, { credentials: "same-origin" });
        const html = answer.ok ? await answer.text() : null;
        if (html !== null && !html.trim()) return location.reload();
        if (html !== null && !box.contains(document.activeElement)) box.innerHTML = html;
      } catch { /* the next look may succeed */ }
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
})();
