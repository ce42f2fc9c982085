// The page of all runs: the form acts at once, and the figures of running runs keep up.

import { fetchJson, find, findAll } from "./dom.js";
import { onKeys } from "./keys.js";

const INTERVAL = 4000;
const ASCENDING = ["name", "status", "classifier"];

export class RunsPage {
  constructor() {
    const form = find("#toolbar");
    const go = () => {
      for (const field of form.elements) field.disabled = field.name && !field.value; // keeps the address short
      form.submit();
    };
    const [q, sort, order] = ["#q", "#sort", "#order"].map((id) => find(id));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      go();
    });
    sort.addEventListener("change", () => (order.value = ASCENDING.includes(sort.value) ? "asc" : "desc"));
    form.addEventListener("change", (event) => event.target !== q && go());
    const links = () => findAll("#runs h2 a");
    onKeys({
      "/": () => q.focus(),
      ArrowDown: () => this.#walk(links(), 1),
      ArrowUp: () => this.#walk(links(), -1),
      Escape: () => {
        if (!q.value) return false;
        q.value = "";
        go();
        return true;
      },
    });
    find("#fresh").addEventListener("click", () => location.reload());
  }

  begin() {
    this.known = new Set(findAll("#runs .run").map((row) => row.dataset.run));
    setInterval(() => document.visibilityState === "visible" && this.#look(), INTERVAL);
  }

  #walk(links, by) {
    const place = links.indexOf(document.activeElement);
    links[place < 0 ? 0 : Math.min(Math.max(place + by, 0), links.length - 1)]?.focus();
  }

  async #look() {
    try {
      const data = await fetchJson(document.body.dataset.twin + location.search);
      for (const row of data.runs) if (row.facts) this.#update(row);
      const fresh = data.runs.filter((row) => !this.known.has(row.run)).length;
      const pill = find("#fresh");
      pill.hidden = fresh === 0;
      pill.textContent = `${fresh} new ${fresh === 1 ? "run" : "runs"}`;
    } catch {
      // The server has been stopped, or will answer the next time.
    }
  }

  #update({ run, facts, sparkline }) {
    const element = find(`[data-run="${CSS.escape(run)}"]`);
    const part = (name) => element && find(`[data-part="${name}"]`, element);
    if (!part("status")) return;
    const badge = find(".status", part("status"));
    badge.textContent = facts.status;
    badge.className = `status status-${facts.status}`;
    part("generation").textContent = `${Math.max(facts.generation, 0)} / ${facts.generations}`;
    part("median").textContent = facts.median_percent;
    const last = Math.max(sparkline.length - 1, 1);
    const points = sparkline.map((value, place) => `${((120 * place) / last).toFixed(1)},${(27 - 26 * value).toFixed(2)}`);
    find("polyline", part("curve"))?.setAttribute("points", points.join(" "));
  }
}
