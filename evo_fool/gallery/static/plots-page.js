// The plots of a run, drawn from the numbers that the page carries, and its table of classes.

import { drawChart } from "./chart.js";
import { find, findAll, made } from "./dom.js";
import { onKeys } from "./keys.js";


/** In as many digits as it takes to tell a probability from certainty, never rounded up. */
function percent(p) {
  if (1 - p < 1e-6) return "> 99.9999 %";
  const decimals = Math.max(1, Math.ceil(-Math.log10(1 - p)) - 2);
  return `${(Math.floor(p * 100 * 10 ** decimals + 1e-9) / 10 ** decimals).toFixed(decimals)} %`;
}

const whole = (value) => Math.round(value).toLocaleString("en");

export class PlotsPage {
  begin() {
    const series = JSON.parse(find("#series").textContent);
    const charts = find("#charts");
    for (const plan of plans(series)) {
      if (plan.lines.every((line) => line.values)) charts.append(drawChart(series.generation, plan));
    }
    this.#sortable(find("#table"));
    onKeys({ Escape: () => location.assign(document.body.dataset.up) });
  }

  #sortable(table) {
    const heads = findAll("th", table);
    heads.forEach((head, column) => {
      const button = made("button", { type: "button" }, head.textContent);
      button.addEventListener("click", () => {
        const down = head.ariaSort === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.value;
        const numbers = head.dataset.key !== "name";
        const body = table.tBodies[0];
        const rows = [...body.rows].sort((a, b) => (numbers ? key(a) - key(b) : key(a).localeCompare(key(b))));
        body.replaceChildren(...(down ? rows.reverse() : rows));
      });
      head.replaceChildren(button);
    });
  }
}

function plans(series) {
  const thresholds = Object.keys(series).filter((name) => name.startsWith("at_least"));
  return [
    {
      title: "Confidence",
      lines: [{ label: "median", values: series.median }],
      band: { label: "quartiles", low: series.q1, high: series.q3 },
      top: 1,
      words: percent,
    },
    {
      title: "Classes at a threshold",
      lines: thresholds.map((name) => ({ label: `≥ ${threshold(name)}`, values: series[name] })),
      words: whole,
    },
    { title: "QD score", lines: [{ label: "sum of confidences", values: series.qd_score }], words: (v) => v.toFixed(2) },
    { title: "Captures per generation", lines: [{ label: "captures", values: series.captures }], words: (v) => v.toFixed(1) },
    { title: "Images per second", lines: [{ label: "images", values: series.images_per_second }], words: whole },
  ];
}

/** "at_least_9999" as 0.9999. */
const threshold = (name) => Number(`0.${/(\d+)$/.exec(name)[1]}`);
