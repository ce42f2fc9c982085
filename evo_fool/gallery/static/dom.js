// Small helpers around the DOM and fetch.

export const find = (selector, within = document) => within.querySelector(selector);
export const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes, and children where given. */
export function drawn(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** An HTML element with properties, and children where given. */
export function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** JSON from a URL of this server; an Error with the server's sentence if it refuses. */
export async function fetchJson(address) {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error ?? `status ${answer.status}`);
  return data;
}

/** `action`, called once a burst of calls is over. */
export function settled(action, milliseconds) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), milliseconds);
  };
}

/** `action`, called once the page has loaded, so that slow work does not delay it. */
export function onceLoaded(action) {
  if (document.readyState === "complete") action();
  else addEventListener("load", () => action(), { once: true });
}

/** Resolves when the pictures can be drawn without delay, or when that takes too long. */
export function pictures(addresses, patience = 4000) {
  const ready = addresses.map((address) => made("img", { src: address }).decode().catch(() => {}));
  return Promise.race([Promise.all(ready), new Promise((resolve) => setTimeout(resolve, patience))]);
}

/** The width of a probability's bar. */
export function setBar(bar, p) {
  find("rect", bar).setAttribute("width", (100 * p).toFixed(2));
}

/** A probability's bar, as the templates draw it. */
export function makeBar(p) {
  const box = { class: "bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" };
  return drawn("svg", box, drawn("rect", { width: (100 * p).toFixed(2), height: 4 }));
}

/** 1234567 with thin spaces. */
export const spaced = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
