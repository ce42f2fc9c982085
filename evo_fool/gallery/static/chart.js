// A line chart as SVG, to be read by pointer or by arrow keys.

import { drawn, made } from "./dom.js";

const [WIDTH, HEIGHT] = [520, 230];
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 8, 8, 24];

/**
 * @param {number[]} xs generations, ascending
 * @param {{title: string, lines: {label: string, values: number[]}[], band?: {label: string, low: number[], high: number[]},
 *   top?: number, words: (value: number) => string}} plan
 */
export function drawChart(xs, plan) {
  const values = [...plan.lines.flatMap((line) => line.values), ...(plan.band?.high ?? [])];
  const ticks = round(plan.top ?? Math.max(...values, 0));
  const x = (value) => LEFT + ((WIDTH - LEFT - RIGHT) * (value - xs[0])) / Math.max(xs.at(-1) - xs[0], 1);
  const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / ticks.at(-1);
  const path = (ys) => ys.map((value, i) => `${i ? "L" : "M"}${x(xs[i]).toFixed(1)} ${y(value).toFixed(1)}`).join("");

  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0 });
  for (const tick of ticks) {
    svg.append(drawn("line", { class: "rule", x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }));
    svg.append(drawn("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, short(tick, plan.top)));
  }
  for (const tick of new Set([xs[0], Math.round((xs[0] + xs.at(-1)) / 2), xs.at(-1)])) {
    const anchor = tick === xs[0] ? "start" : tick === xs.at(-1) ? "end" : "middle";
    svg.append(drawn("text", { x: x(tick), y: HEIGHT - 6, "text-anchor": anchor }, String(tick)));
  }
  if (plan.band) {
    const back = plan.band.low.map((value, i) => `L${x(xs[i]).toFixed(1)} ${y(value).toFixed(1)}`).reverse().join("");
    svg.append(drawn("path", { class: "band-area", d: `${path(plan.band.high)}${back}Z` }));
  }
  plan.lines.forEach((line, i) => svg.append(drawn("path", { class: `line line-${i}`, d: path(line.values) })));

  const reading = made("span", { className: "reading" });
  const figure = made("figure", { className: "chart" }, made("figcaption", {}, made("span", {}, plan.title), reading), svg);
  readable(svg, reading, xs, plan, x);
  return figure;
}

/** Says the values under the pointer, or at the place that the arrow keys have come to. */
function readable(svg, reading, xs, plan, x) {
  const cursor = svg.appendChild(drawn("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" }));
  const last = xs.length - 1;
  let place = last;
  const say = (wanted, visible = true) => {
    place = Math.min(Math.max(wanted, 0), last);
    const parts = plan.lines.map((line) => `${line.label} ${plan.words(line.values[place])}`);
    if (plan.band) parts.push(`${plan.band.label} ${plan.words(plan.band.low[place])} to ${plan.words(plan.band.high[place])}`);
    reading.textContent = `${parts.join(", ")} at ${xs[place]}`;
    svg.setAttribute("aria-label", `${plan.title}: ${reading.textContent}`);
    cursor.setAttribute("visibility", visible ? "visible" : "hidden");
    for (const name of ["x1", "x2"]) cursor.setAttribute(name, x(xs[place]));
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) * WIDTH) / box.width;
    const share = (at - LEFT) / (WIDTH - LEFT - RIGHT);
    const wanted = xs[0] + share * (xs.at(-1) - xs[0]);
    const next = xs.findIndex((value) => value >= wanted);
    say(next < 0 ? last : next);
  });
  svg.addEventListener("pointerleave", () => say(last, false));
  svg.addEventListener("blur", () => say(last, false));
  svg.addEventListener("keydown", (event) => {
    const big = Math.max(1, Math.round(last / 20));
    const target = { ArrowLeft: place - 1, ArrowRight: place + 1, PageUp: place - big, PageDown: place + big, Home: 0, End: last }[event.key];
    if (target === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    say(target);
  });
  say(last, false);
}

/** Round values from 0 to at least `most`. */
function round(most) {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const ticks = [0];
  while (ticks.at(-1) < most * 0.999) ticks.push(ticks.length * step);
  return ticks;
}

function short(value, top) {
  if (top === 1) return `${Math.round(100 * value)} %`;
  return value >= 10000 ? `${+(value / 1000).toFixed(1)}k` : String(+value.toPrecision(3));
}
