// Confirms an import and shows how far it is: the answer is one JSON object a line.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("catalog-confirm");
  const panel = document.getElementById("catalog-progress");
  const bar = panel.querySelector(".catalog-bar > span");
  const text = panel.querySelector("[data-text]");
  const number = (value) => Number(value || 0).toLocaleString();

  const show = (line) => {
    if (line.percent !== undefined) bar.style.width = `${line.percent}%`;
    const counts = `${number(line.created)} new, ${number(line.updated)} changed, ${number(line.unchanged)} unchanged, ${number(line.rejected)} rejected`;
    if (!line.done) text.textContent = `${number(line.rows)} rows: ${counts} …`;
    else if (line.problem) text.textContent = line.created === undefined ? line.problem : `${line.problem} Until then: ${counts}.`;
    else text.textContent = `Done: ${counts}.`;
  };

  form.addEventListener("submit", async (event) => {
    if (event.submitter?.name === "cancel") return;
    event.preventDefault();
    form.hidden = true;
    panel.hidden = false;
    try {
      const response = await fetch(window.location.href, { method: "POST", body: new FormData(form, event.submitter) });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        rest += value || "";
        const lines = rest.split("\n");
        rest = lines.pop();
        lines.filter(Boolean).forEach((line) => show(JSON.parse(line)));
        if (done) break;
      }
    } catch (error) {
      text.textContent = `The connection was lost (${error.message}). The import may still be going on; the product list shows.`;
    }
  });
});
