// A class in the grid: its data and its element.

import { find, setBar } from "./dom.js";

export const plain = (text) => text.replaceAll("_", " ").trim().replace(/\s+/g, " ").toLowerCase();

export class Tile {
  /** @param {HTMLElement} element a tile as the template writes it */
  constructor(element) {
    const { dataset } = element;
    this.element = element;
    this.link = find("a", element);
    this.class = Number(dataset.class);
    this.name = find(".name", element).textContent;
    this.sortName = plain(this.name);
    this.search = [this.sortName, ...(dataset.aliases ?? "").split("|").filter(Boolean).map(plain)];
    this.p = Number(dataset.p);
    this.captured = Number(dataset.captured);
    this.nodes = Number(dataset.nodes);
    this.individual = Number(dataset.individual);
  }

  /** A tile for a class that the page did not contain. */
  static create(template, data) {
    const element = template.content.firstElementChild.cloneNode(true);
    element.id = `c${data.class}`;
    element.dataset.class = data.class;
    element.dataset.aliases = data.aliases.join("|");
    const name = find(".name", element);
    name.textContent = name.title = data.name;
    return new Tile(element);
  }

  /** Shows the class as in the JSON twin. */
  update(data, sheets) {
    const taken = data.individual !== null;
    this.p = data.p;
    this.captured = data.captured ?? -1;
    this.nodes = data.nodes ?? -1;
    this.individual = data.individual ?? -1;
    find(".percent", this.element).textContent = data.percent;
    find(".since", this.element).textContent = taken ? `g ${data.captured}` : "";
    setBar(find(".bar", this.element), data.p);
    if (data.url) this.link.href = data.url;
    else this.link.removeAttribute("href");
    const sheet = data.sprite && sheets[data.sprite.sheet];
    this.#show(sheet, data.sprite?.place, taken ? "not kept" : "empty");
  }

  /** Only the picture: its sheet has been drawn anew. */
  #show(sheet, place, otherwise) {
    const thumb = find(".thumb", this.element);
    const image = find("img", thumb);
    if (!sheet) {
      const blank = document.createElement("span");
      blank.className = "blank";
      blank.textContent = otherwise;
      thumb.replaceChildren(blank);
    } else if (!image) {
      const fresh = new Image();
      fresh.className = `x${place % 10} y${Math.floor(place / 10)}`;
      fresh.alt = `image for ${this.name}`;
      fresh.decoding = "async";
      fresh.src = sheet;
      thumb.replaceChildren(fresh);
    } else if (image.getAttribute("src") !== sheet) {
      image.src = sheet; // the one before stays in sight until this one is there
    }
  }

  /** Whether the class matches `query`, `{q, at_least}`. */
  matches(query) {
    return this.p >= query.at_least && (!query.q || this.search.some((name) => name.includes(query.q)));
  }
}

