// The page of one image: its size, what the classifier sees, the drawing of its genome, and its family tree.

import { readState, wayBack, writeState } from "./address.js";
import { fetchJson, find, findAll, made, makeBar } from "./dom.js";
import { drawTree } from "./family-tree.js";
import { onKeys } from "./keys.js";

export class ElitePage {
  constructor() {
    this.sizes = findAll("#resolutions input");
    if (this.sizes.length) this.#offerSizes();
    onKeys({
      ArrowLeft: () => this.#go("#previous"),
      ArrowRight: () => this.#go("#next"),
      "+": () => this.#step(1),
      "-": () => this.#step(-1),
      Escape: () => location.assign(find("#up").href),
    });
    const way = wayBack(document.body.dataset.up, find("#up").hash);
    if (way) find("#up").href = way;
    const tree = find("#tree");
    tree?.addEventListener("toggle", () => tree.open && drawTree(find(".graph", tree)));
  }

  async begin() {
    await Promise.allSettled([this.#askClassifier(), this.#inlineDrawing()]);
  }

  #offerSizes() {
    const box = find("#resolutions");
    box.hidden = false;
    box.addEventListener("change", (event) => {
      this.#resize(event.target);
      writeState({ class: readState().get("class") }, { size: event.target.value });
    });
    const asked = this.sizes.find((input) => input.value === readState().get("size"));
    const given = find("#picture").getAttribute("src");
    const shown = asked ?? this.sizes.find((input) => input.dataset.src === given) ?? this.sizes[0];
    shown.checked = true;
    if (asked) this.#resize(asked);
  }

  #resize(input) {
    const [frame, picture] = [find("#large"), find("#picture")];
    const scored = "scored" in input.dataset;
    frame.href = input.dataset.src;
    frame.classList.add("drawing-again");
    const done = () => {
      frame.classList.remove("drawing-again");
      frame.classList.toggle("crisp", scored || "pixels" in frame.dataset); // what was scored, not what lies between
    };
    picture.addEventListener("load", done, { once: true });
    picture.addEventListener("error", done, { once: true });
    picture.src = input.dataset.src;
  }

  #step(by) {
    const place = this.sizes.findIndex((input) => input.checked) + by;
    this.sizes[place]?.click();
  }

  #go(link) {
    const target = find(link);
    if (!target) return false;
    target.click();
    return true;
  }

  async #askClassifier() {
    const section = find("#top5[data-src]");
    if (!section) return;
    const waiting = find(".waiting", section);
    try {
      const { top5, reason } = await fetchJson(section.dataset.src);
      if (!top5) throw new Error(reason);
      const guesses = top5.map((guess) =>
        made("li", {}, made("span", {}, guess.name), made("span", { className: "percent" }, guess.percent), makeBar(guess.p)),
      );
      waiting.replaceWith(made("ol", { className: "guesses" }, ...guesses));
    } catch (error) {
      waiting.textContent = error.message;
    }
  }

  /** The drawing as a part of the page: it takes the page's colours, and tells weights where it is pointed at. */
  async #inlineDrawing() {
    const box = find("#graph[data-src]");
    if (!box) return;
    const answer = await fetch(box.dataset.src);
    if (!answer.ok) {
      box.replaceChildren(made("p", { className: "reason" }, "It could not be drawn."));
      return;
    }
    const text = (await answer.text()).replace(/<style>[^<]*<\/style>/, ""); // is for the drawing by itself
    const drawing = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    drawing.setAttribute("color", "currentColor");
    box.replaceChildren(document.importNode(drawing, true));
  }
}
