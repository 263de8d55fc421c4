// What the page does beyond showing everything: sort and filter the table; a layer lights up wherever it is drawn.
"use strict";
const table = document.querySelector("table.layers");
const rows = [...table.tBodies[0].rows];
const hits = [...document.querySelectorAll(".hit")];
const nodes = [...document.querySelectorAll(".node[data-layers]")].map((node) => {
  const [start, stop] = node.dataset.layers.split(" ").map(Number);
  return { node, start, stop };
});

function light(start, stop, on) {
  for (let layer = start; layer < stop; layer++) {
    hits[layer]?.classList.toggle("on", on);
    document.getElementById(`layer-${layer}`)?.classList.toggle("on", on);
  }
  for (const each of nodes)
    if (each.start < stop && start < each.stop) each.node.classList.toggle("on", on);
}

function lights(element, start, stop) {
  element.addEventListener("mouseenter", () => light(start, stop, true));
  element.addEventListener("mouseleave", () => light(start, stop, false));
}

hits.forEach((hit, layer) => lights(hit, layer, layer + 1));
nodes.forEach(({ node, start, stop }) => lights(node, start, stop));
rows.forEach((row) => lights(row, Number(row.dataset.layer), Number(row.dataset.layer) + 1));

table.querySelectorAll("th").forEach((heading, column) => {
  const button = document.createElement("button");
  button.textContent = heading.textContent;
  heading.replaceChildren(button);
  button.addEventListener("click", () => {
    const numbers = heading.classList.contains("n");
    const down = heading.ariaSort ? heading.ariaSort === "ascending" : numbers && column > 0;
    table.querySelectorAll("th").forEach((each) => each.removeAttribute("aria-sort"));
    heading.ariaSort = down ? "descending" : "ascending";
    const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const compare = numbers ? (a, b) => Number(value(a)) - Number(value(b)) : (a, b) => value(a).localeCompare(value(b));
    rows.sort((a, b) => (down ? compare(b, a) : compare(a, b)));
    table.tBodies[0].append(...rows);
  });
});

const search = document.querySelector("input[type=search]");
search.hidden = false;
search.addEventListener("input", () => {
  const wanted = search.value.toLowerCase();
  for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
});

// A link to a part opens it: not every browser does that by itself.
function reveal() {
  const part = document.getElementById(location.hash.slice(1));
  const details = part?.closest("details");
  if (details && !details.open) {
    details.open = true;
    part.scrollIntoView();
  }
}
addEventListener("hashchange", reveal);
reveal();
