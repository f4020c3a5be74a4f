// Suggestions below a search box: the combobox pattern of the ARIA Authoring Practices (list autocomplete).

const WAIT = 120; // milliseconds of silence before the server is asked

export function combobox(form) {
  const input = form.querySelector("[role=combobox]");
  const list = form.querySelector("[role=listbox]");
  let timer, asked, options = [], at = -1;

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
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
    if (option.dataset.url) return location.assign(option.dataset.url);
    input.value = option.dataset.words;
    close();
    form.requestSubmit();
  };
  const show = (groups) => {
    list.replaceChildren();
    for (const { title, icon, items } of groups) {
      if (!items.length) continue;
      const group = document.createElement("div");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", title);
      const heading = document.createElement("div");
      heading.setAttribute("role", "presentation");
      heading.textContent = title;
      group.append(heading, ...items.map((item) => row(item, icon)));
      list.append(group);
    }
    options = [...list.querySelectorAll("[role=option]")];
    options.forEach((option, index) => {
      option.id = `${list.id}-${index}`;
      option.addEventListener("mousedown", (event) => { event.preventDefault(); take(option); });
    });
    at = -1;
    if (!options.length) return close();
    input.removeAttribute("aria-activedescendant");
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  const ask = async () => {
    const words = input.value.trim();
    asked?.abort();
    if (words.length < 2) return close();
    asked = new AbortController();
    try {
      const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(words)}`, { signal: asked.signal });
      if (answer.ok && document.activeElement === input) show(grouped(await answer.json()));
    } catch (error) {
      if (error.name !== "AbortError") close(); // suggestions are a courtesy: without them the box still searches
    }
  };

  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, WAIT); });
  input.addEventListener("blur", () => { clearTimeout(timer); close(); });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const open = !list.hidden;
    if (event.key === "ArrowDown" && !open) ask();
    else if (event.key === "ArrowDown") mark(at + 1 < options.length ? at + 1 : -1);
    else if (event.key === "ArrowUp" && open) mark(at < 0 ? options.length - 1 : at - 1);
    else if (event.key === "Enter" && open && at >= 0) take(options[at]);
    else if (event.key === "Escape" && open) close();
    else return;
    event.preventDefault();
  });
  form.addEventListener("submit", close);
}

const grouped = (answer) => [
  { title: "Searches", icon: "search", items: answer.queries.map((words) => ({ label: words, words })) },
  { title: "Departments", icon: "category", items: answer.categories.map((each) => ({ label: each.name, url: each.url, note: each.full_name })) },
  { title: "Brands", icon: "store", items: answer.brands.map(({ name, url }) => ({ label: name, url })) },
  { title: "Products", icon: "tag", items: answer.products.map(({ title, url, image }) => ({ label: title, url, image: image?.small })) },
];

const SPRITE = new URL("icons.svg", import.meta.url).pathname;

function row({ label, url, words, image, note }, icon) {
  const option = document.createElement("div");
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  if (url) option.dataset.url = url;
  if (words) option.dataset.words = words;
  const text = document.createElement("span");
  text.textContent = label;
  option.append(image ? picture(image) : symbol(icon), text);
  if (note) option.append(Object.assign(document.createElement("small"), { textContent: note }));
  return option;
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
