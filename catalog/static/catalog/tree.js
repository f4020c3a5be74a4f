// Moves categories by dragging a row's handle: onto the middle of another row, or onto its upper or lower edge.
document.addEventListener("DOMContentLoaded", () => {
  const nodes = document.querySelectorAll(".catalog-node");
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!nodes.length || !token || !document.querySelector("[data-movable]")) return;

  const marks = ["catalog-drop-before", "catalog-drop-inside", "catalog-drop-after"];
  let dragged = null;
  let place = null;

  const unmark = () => document.querySelectorAll("tr").forEach((row) => row.classList.remove(...marks));

  const placeIn = (row, event) => {
    const box = row.getBoundingClientRect();
    const share = (event.clientY - box.top) / box.height;
    if (share < 0.28) return "before";
    return share > 0.72 ? "after" : "inside";
  };

  const move = async (node, target, position) => {
    const response = await fetch("move/", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ node, target, position }),
    });
    if (!response.ok) {
      const answer = await response.json().catch(() => ({}));
      window.alert(answer.error || "The category could not be moved.");
    }
    window.location.reload();
  };

  nodes.forEach((node) => {
    const row = node.closest("tr");
    const grip = node.querySelector(".catalog-grip");
    grip.draggable = true;

    grip.addEventListener("dragstart", (event) => {
      dragged = node;
      row.classList.add("catalog-dragged");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", node.dataset.node);
      event.dataTransfer.setDragImage(node, 0, 0);
    });
    grip.addEventListener("dragend", () => {
      row.classList.remove("catalog-dragged");
      dragged = null;
      unmark();
    });
    row.addEventListener("dragover", (event) => {
      if (!dragged || dragged === node) return;
      event.preventDefault();
      place = placeIn(row, event);
      unmark();
      row.classList.add(`catalog-drop-${place}`);
    });
    row.addEventListener("drop", (event) => {
      if (!dragged || dragged === node) return;
      event.preventDefault();
      move(dragged.dataset.node, node.dataset.node, placeIn(row, event));
    });
  });
});
