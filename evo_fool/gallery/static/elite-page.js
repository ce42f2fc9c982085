// The page of one image: its size, what the classifier sees, the drawing of its genome, and its family tree.

import { readState, wayBack, writeState } from "./address.js";
import { fetchJson, find, findAll, made, makeBar, onceLoaded } from "./dom.js";
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
    await Promise.allSettled([this.#askClassifier(), this.#showScene(), this.#inlineDrawing()]);
  }

  #offerSizes() {
    const box = find("#resolutions");
    box.hidden = false;
    box.addEventListener("change", (event) => {
      find("#large").classList.add("drawing-again");
      this.#resize(event.target);
      writeState({ class: readState().get("class") }, { size: event.target.value });
    });
    const of = (address) => this.sizes.find((input) => input.dataset.src === address);
    this.shown = of(find("#picture").getAttribute("src")) ?? this.sizes[0];
    const asked = this.sizes.find((input) => input.value === readState().get("size"));
    const wanted = asked ?? of(find("#large").getAttribute("href")) ?? this.shown;
    wanted.checked = true;
    if (wanted !== this.shown) onceLoaded(() => wanted.checked && this.#resize(wanted));
  }

  /** Shows the picture at another size once that has loaded; until then, and if it fails, the one before. */
  async #resize(input) {
    const [frame, picture] = [find("#large"), find("#picture")];
    if (this.drawing) this.drawing.src = ""; // another size is asked for
    const drawing = made("img", { src: input.dataset.src });
    this.drawing = drawing;
    frame.href = input.dataset.src;
    const there = await drawing.decode().then(() => true, () => false);
    if (this.drawing !== drawing) return;
    frame.classList.remove("drawing-again");
    if (!there) {
      this.shown.checked = true;
      return;
    }
    this.shown = input;
    picture.src = input.dataset.src;
    frame.classList.toggle("crisp", "scored" in input.dataset || "pixels" in frame.dataset); // what was scored, not what lies between
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

  /** Photographs before and after: a part of the page that takes the classifier. */
  async #showScene() {
    const section = find("#scene[data-src]");
    if (!section) return;
    const waiting = find(".waiting", section);
    try {
      const answer = await fetch(section.dataset.src, { headers: { accept: "application/json" } }); // of an error
      if (!answer.ok) throw new Error((await answer.json()).error);
      const part = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      waiting.replaceWith(...part.childNodes);
    } catch (error) {
      waiting.textContent = error.message;
    }
  }

  /** Inlines the drawing: it takes the page's colours, and shows weights under the pointer. */
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
