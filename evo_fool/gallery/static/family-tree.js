// A family tree beside the list of ancestors, newest on top: each has a lane, as commits have in a drawing of history.

import { drawn, findAll } from "./dom.js";

const ROW = 56; // as the stylesheet has it
const LANE = 18;

/** @param {HTMLElement} list its items have data-id, data-parents, data-main, data-switch and data-holds */
export function drawTree(list) {
  if (list.querySelector(":scope > svg")) return;
  const items = findAll("li", list).map(read);
  const { lanes, width } = arrange(items);
  const edges = [];
  const dots = [];
  items.forEach((item, row) => {
    const here = point(lanes.get(item.id).lane, row);
    for (const { parent, lane, gap } of lanes.get(item.id).edges) {
      const there = point(lanes.get(parent.id).lane, items.indexOf(parent));
      const switched = item.switched && parent.main;
      const kind = [gap ? "gap" : "", switched ? "switched" : ""].join(" ");
      edges.push(drawn("path", { d: way(here, there, point(lane, 0)[0]), class: kind }));
    }
    dots.push(drawn("circle", { cx: here[0], cy: here[1], r: 5, class: item.taker ? "taker" : "" }));
  });
  const size = { width: width * LANE + 14, height: items.length * ROW, "aria-hidden": "true" };
  list.style.setProperty("--lanes", width);
  list.prepend(drawn("svg", size, ...edges, ...dots));
}

function read({ dataset }) {
  return {
    id: Number(dataset.id),
    parents: dataset.parents.split(" ").filter(Boolean).map(Number),
    main: dataset.main === "1",
    switched: dataset.switch === "1",
    taker: dataset.holds !== "0",
  };
}

/** A lane for each item, and the edges to those of its parents that are in the list; the main line has lane 0. */
function arrange(items) {
  const known = new Map(items.map((item) => [item.id, item]));
  const main = items.filter((item) => item.main);
  const lanes = new Map();
  const waiting = [main[0]?.id]; // for each lane, the ancestor that it leads to
  for (const item of items) {
    let lane = waiting.indexOf(item.id);
    if (lane < 0) lane = free(waiting);
    waiting.forEach((id, place) => id === item.id && (waiting[place] = null));
    const parents = item.parents.map((id) => known.get(id)).filter(Boolean);
    const older = item.main ? main[main.indexOf(item) + 1] : undefined;
    const gap = older && !parents.includes(older); // some of a long line are left out
    if (gap) parents.unshift(older);
    const edges = parents.map((parent) => {
      let way = waiting.indexOf(parent.id);
      if (parent.main && waiting[0] === null) way = 0;
      else if (way < 0) way = waiting[lane] === null && !parent.main ? lane : free(waiting, parent.main ? 0 : 1);
      waiting[way] = parent.id;
      return { parent, lane: way, gap: gap && parent === older };
    });
    lanes.set(item.id, { lane, edges });
  }
  return { lanes, width: waiting.length };
}

function free(waiting, from = 1) {
  const found = waiting.findIndex((id, place) => place >= from && id === null);
  return found < 0 ? waiting.push(null) - 1 : found;
}

const point = (lane, row) => [lane * LANE + 10, row * ROW + ROW / 2 - 4];

/** From a child down to its parent along the lane at `x`. */
function way([x0, y0], [x1, y1], x) {
  const turn = Math.min(ROW, (y1 - y0) / 2);
  const out = x0 === x ? `L${x} ${y0 + turn}` : `C${x0} ${y0 + turn / 2} ${x} ${y0 + turn / 2} ${x} ${y0 + turn}`;
  const back = x === x1 ? `L${x1} ${y1}` : `C${x} ${y1 - turn / 2} ${x1} ${y1 - turn / 2} ${x1} ${y1}`;
  return `M${x0} ${y0}${out}L${x} ${y1 - turn}${back}`;
}
