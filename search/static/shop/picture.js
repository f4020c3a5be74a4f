// Search with a picture: choose, drop anywhere on the page, or paste. Large photos are made smaller before they are sent.

const SIDE = 1024; // pixels; the server keeps 512
const SMALL_ENOUGH = 1_500_000; // bytes

export function pictureSearch(overlay, panel) {
  const forms = [...document.querySelectorAll("[data-drop]")];
  for (const form of forms) {
    const input = form.querySelector("input[type=file]");
    input.addEventListener("change", () => input.files[0] && send(form, input.files[0]));
  }
  // What is dropped or pasted anywhere starts a search of its own, unless the form that adds to this one is open.
  const adding = () => forms.find((form) => form.matches("details[open] [data-adds]"));
  const nearest = () =>
    panel?.matches(":popover-open") ? panel.querySelector("[data-drop]") : adding() ?? forms.find((form) => !form.matches("[data-adds]"));

  for (const opener of document.querySelectorAll("[data-picture-panel]")) {
    opener.addEventListener("click", (event) => {
      if (!panel?.showPopover) return; // the link leads to the form's own page
      event.preventDefault();
      panel.showPopover();
      panel.querySelector("input[type=file]").focus();
    });
  }

  let depth = 0;
  const over = (on) => overlay.classList.toggle("over", on);
  document.addEventListener("dragenter", (event) => { if (carriesFile(event)) { depth += 1; over(true); } });
  document.addEventListener("dragleave", (event) => { if (carriesFile(event) && (depth -= 1) <= 0) { depth = 0; over(false); } });
  document.addEventListener("dragover", (event) => { if (carriesFile(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    depth = 0;
    over(false);
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    send(nearest(), file);
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    send(nearest(), file);
  });
  addEventListener("pageshow", () => forms.forEach((form) => form.classList.remove("busy")));
}

const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

async function send(form, file) {
  form.classList.add("busy");
  form.setAttribute("aria-busy", "true");
  form.querySelector("label").firstChild.textContent = "Looking at your picture …";
  const preview = document.createElement("img");
  preview.alt = "";
  preview.src = URL.createObjectURL(file);
  preview.addEventListener("load", () => form.querySelector(".drop-icon").replaceChildren(preview));
  const files = new DataTransfer();
  files.items.add(await smaller(file));
  form.querySelector("input[type=file]").files = files.files;
  form.submit();
}

// A phone's photo has ten megabytes and more. What cannot be decoded here goes as it is: the server says what is wrong.
async function smaller(file) {
  if (file.size < SMALL_ENOUGH || !file.type.startsWith("image/")) return file;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/webp", 0.92));
    return blob ? new File([blob], "picture.webp", { type: blob.type }) : file;
  } catch {
    return file;
  }
}
