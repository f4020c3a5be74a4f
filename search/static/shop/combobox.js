// Suggestions below a search box: the combobox pattern of the ARIA Authoring Practices (list autocomplete).
//
// An option that is one of the shopper's own earlier searches can be removed: with the Delete key while it is marked,
// or by its cross. The cross is for pointers alone, since nothing inside an option can have the focus.

const WAIT = 120; // milliseconds of silence before the server is asked
const HISTORY = "history"; // below the address that suggestions come from

export function combobox(form) {
  const input = form.querySelector("[role=combobox]");
  const list = form.querySelector("[role=listbox]");
  const spoken = form.appendChild(Object.assign(document.createElement("span"), { className: "visually-hidden" }));
  spoken.setAttribute("role", "status");
  let timer, asked, options = [], at = -1;

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    spoken.textContent = "";
    at = -1;
  };
  const mark = (index) => {
    options[at]?.setAttribute("aria-selected", "false");
    at = index;
    const option = options[at];
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };
  const take = (option) => {
    if (option.dataset.forget !== undefined) return forget(option);
    if (option.dataset.url) return location.assign(option.dataset.url);
    input.value = option.dataset.words;
    close();
    form.requestSubmit();
  };
  const forget = async (option) => {
    const words = option.dataset.forget;
    const query = words ? `?q=${encodeURIComponent(words)}` : "";
    try {
      const answer = await fetch(`${form.dataset.suggest}/${HISTORY}${query}`, { method: "DELETE" });
      if (!answer.ok) return;
      await ask();
      spoken.textContent = words ? `Removed ${words} from your searches.` : "Removed your searches.";
    } catch { /* it is still there, as the list shows */ }
  };
  const show = (groups, words) => {
    list.replaceChildren();
    for (const [number, { title, icon, items }] of groups.entries()) {
      if (!items.length) continue;
      const group = document.createElement("div");
      const heading = document.createElement("div");
      heading.id = `${list.id}-group-${number}`;
      heading.setAttribute("role", "presentation");
      heading.textContent = title;
      group.setAttribute("role", "group");
      group.setAttribute("aria-labelledby", heading.id);
      group.append(heading, ...items.map((item) => row(item, item.icon ?? icon, words)));
      list.append(group);
    }
    options = [...list.querySelectorAll("[role=option]")];
    options.forEach((option, index) => {
      option.id = `${list.id}-${index}`;
      option.addEventListener("mousedown", (event) => {
        event.preventDefault(); // the box keeps the focus
        if (event.button) return;
        if (event.target.closest("[data-remove]")) forget(option.querySelector("[data-remove]"));
        else take(option);
      });
    });
    at = -1;
    if (!options.length) return close();
    input.removeAttribute("aria-activedescendant");
    list.hidden = false;
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", "true");
    spoken.textContent = options.length === 1 ? "1 suggestion" : `${options.length} suggestions`;
  };
  const ask = async () => {
    const words = input.value.trim();
    asked?.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(words)}`, { signal: asked.signal });
      if (answer.ok && document.activeElement === input) show(grouped(await answer.json(), words), words);
    } catch (error) {
      if (error.name !== "AbortError") close(); // suggestions are a courtesy: without them the box still searches
    }
  };

  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, WAIT); });
  input.addEventListener("click", () => { if (list.hidden && !input.value.trim()) ask(); });
  input.addEventListener("blur", () => { clearTimeout(timer); asked?.abort(); close(); });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const open = !list.hidden;
    const removable = open && options[at]?.querySelector("[data-remove]");
    if (event.key === "ArrowDown" && !open) ask();
    else if (event.key === "ArrowDown") mark(at + 1 < options.length ? at + 1 : -1);
    else if (event.key === "ArrowUp" && open) mark(at < 0 ? options.length - 1 : at - 1);
    else if (event.key === "Enter" && open && at >= 0) take(options[at]);
    else if (event.key === "Delete" && removable) forget(removable);
    else if (event.key === "Escape" && open) close();
    else return;
    event.preventDefault();
  });
  form.addEventListener("submit", () => { clearTimeout(timer); asked?.abort(); close(); });
}

const query = (words) => ({ label: words, words });

function grouped({ history, queries, categories, brands, products }, words) {
  const own = history.map((each) => ({ ...query(each), removable: true }));
  if (own.length && !words) own.push({ label: "Remove all of these", forget: "", icon: "bin" });
  return [
    { title: "Your searches", icon: "recent", items: own },
    { title: words ? "Searches" : "Popular searches", icon: "search", items: queries.map(query) },
    { title: "Departments", icon: "category", items: categories.map((each) => ({ label: each.name, url: each.url, note: each.full_name })) },
    { title: "Brands", icon: "store", items: brands.map(({ name, url }) => ({ label: name, url })) },
    { title: "Products", icon: "tag", items: products.map(({ title, url, image }) => ({ label: title, url, image: image?.small })) },
  ];
}

const SPRITE = new URL("icons.svg", import.meta.url).pathname;

function row({ label, url, words, image, note, removable, forget }, icon, typed) {
  const option = document.createElement("div");
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  if (url) option.dataset.url = url;
  if (words) option.dataset.words = words;
  if (forget !== undefined) option.dataset.forget = forget;
  option.append(image ? picture(image) : symbol(icon), written(label, words ? typed : ""));
  if (note) option.append(Object.assign(document.createElement("small"), { textContent: note }));
  if (removable) option.append(...remover(words));
  return option;
}

// What a query adds to what was typed stands out.
function written(label, typed) {
  const text = document.createElement("span");
  if (!typed || !label.toLowerCase().startsWith(typed.toLowerCase())) text.textContent = label;
  else text.append(label.slice(0, typed.length), Object.assign(document.createElement("b"), { textContent: label.slice(typed.length) }));
  return text;
}

function remover(words) {
  const told = Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: ", press Delete to remove it" });
  const cross = document.createElement("span");
  cross.dataset.remove = "";
  cross.dataset.forget = words;
  cross.title = "Remove";
  cross.setAttribute("aria-hidden", "true");
  cross.append(symbol("close"));
  return [told, cross];
}

function picture(address) {
  return Object.assign(document.createElement("img"), { src: address, alt: "", width: 40, height: 40, loading: "lazy" });
}

function symbol(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}
