// The part of a picture to search with: drag a rectangle, move it, or pull a corner. Its four numbers stay the truth,
// so that everything works by keyboard, and without this script.

const LEAST = 5; // percent of a side
const STEP = 2; // percent for an arrow key on the rectangle

export function regions(root) {
  for (const details of root.querySelectorAll("[data-region]")) region(details);
  // What is opened over the page closes as people expect it to; on a phone it may cover what opened it.
  const open = () => root.querySelector("[data-region][open], .add-picture[open]");
  root.addEventListener("click", (event) => {
    const shown = open();
    if (shown && (!shown.contains(event.target) || event.target.closest("[data-close]"))) shown.open = false;
  });
  root.addEventListener("keydown", (event) => {
    const shown = event.key === "Escape" && open();
    if (!shown) return;
    shown.open = false;
    shown.querySelector("summary").focus();
  });
}

function region(details) {
  const stage = details.querySelector("[data-region-stage]");
  const box = details.querySelector("[data-region-box]");
  const [x, y, width, height] = ["x", "y", "width", "height"].map((edge) => details.querySelector(`[name=region_${edge}]`));
  const read = () => ({ x: +x.value || 0, y: +y.value || 0, width: +width.value || LEAST, height: +height.value || LEAST });
  const draw = () => {
    const at = inside(read());
    Object.assign(box.style, { left: `${at.x}%`, top: `${at.y}%`, width: `${at.width}%`, height: `${at.height}%` });
    box.hidden = false;
  };
  const write = (at) => {
    const fitting = inside(at);
    for (const [input, edge] of [[x, "x"], [y, "y"], [width, "width"], [height, "height"]]) input.value = round(fitting[edge]);
    draw();
  };
  for (const input of [x, y, width, height]) {
    input.addEventListener("input", draw);
    input.addEventListener("change", () => write(read()));
  }

  const point = (event) => {
    const area = stage.getBoundingClientRect();
    const share = (value, from, size) => Math.min(100, Math.max(0, ((value - from) / size) * 100));
    return { x: share(event.clientX, area.left, area.width), y: share(event.clientY, area.top, area.height) };
  };
  let drag = null; // what a movement of the pointer makes of the region
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    box.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    const from = point(event);
    const at = read();
    const corner = event.target.dataset?.edge;
    const whole = at.width > 99 && at.height > 99;
    if (corner) {
      const fixed = { x: corner.includes("w") ? at.x + at.width : at.x, y: corner.includes("n") ? at.y + at.height : at.y };
      drag = (to) => write(between(fixed, to));
    } else if (event.target === box && !whole) {
      drag = (to) => write({ ...at, x: at.x + to.x - from.x, y: at.y + to.y - from.y });
    } else {
      drag = (to) => write(between(from, to));
    }
  });
  stage.addEventListener("pointermove", (event) => drag?.(point(event)));
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => { drag = null; });

  box.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key] ?? [0, 0];
    if (!dx && !dy) {
      if (event.key === "Enter") details.querySelector("form").requestSubmit();
      return;
    }
    event.preventDefault();
    const at = read();
    write(event.shiftKey ? { ...at, width: at.width + dx, height: at.height + dy } : { ...at, x: at.x + dx, y: at.y + dy });
  });
  details.addEventListener("toggle", draw);
  draw();
}

const between = (a, b) => ({ x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) });
const round = (value) => Math.round(value * 10) / 10;

// As large as it is asked for where it fits; pushed back where it would reach beyond the picture.
function inside({ x, y, width, height }) {
  const [w, h] = [width, height].map((side) => Math.min(100, Math.max(LEAST, side)));
  return { x: Math.min(Math.max(0, x), 100 - w), y: Math.min(Math.max(0, y), 100 - h), width: w, height: h };
}
