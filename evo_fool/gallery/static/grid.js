// The grid of classes: its order, its filter and its keyboard navigation. Only one tile is a tab stop.

import { find, findAll } from "./dom.js";
import { Tile, plain } from "./tile.js";

const KEYS = {
  index: (tile) => tile.class,
  confidence: (tile) => tile.p,
  name: (tile) => tile.sortName,
  improved: (tile) => tile.captured,
  complexity: (tile) => tile.nodes,
};

export class Grid {
  /** @param {HTMLElement} element the list of tiles */
  constructor(element) {
    this.element = element;
    this.tiles = new Map(findAll(".tile", element).map((item) => [Number(item.dataset.class), new Tile(item)]));
    this.shown = [...this.tiles.values()];
    element.addEventListener("keydown", (event) => this.#walk(event));
    element.addEventListener("focusin", (event) => this.#tabStop(event.target.closest(".tile a")));
    this.#tabStop(this.shown[0]?.link);
  }

  /** Updates tiles from a JSON twin; missing ones are made. */
  update(tiles, sheets) {
    const template = find("#tile-template");
    for (const data of tiles) {
      let tile = this.tiles.get(data.class);
      if (!tile) this.tiles.set(data.class, (tile = Tile.create(template, data)));
      tile.update(data, sheets);
    }
  }

  /** The sheets of the visible tiles, by a JSON twin. */
  sheetsInSight({ tiles, sprites }) {
    const places = new Map(tiles.map((tile) => [tile.class, tile.sprite?.sheet]));
    const inSight = this.shown.filter(({ element }) => {
      const { top, bottom } = element.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    return [...new Set(inSight.map((tile) => sprites.sheets[places.get(tile.class)]).filter(Boolean))];
  }

  /** Puts the tiles that `query` asks for in its order; the focus stays on its class. Returns how many there are. */
  arrange(query) {
    const wanted = { q: plain(query.q), at_least: query.at_least };
    const exact = wanted.q && this.tiles.get(/^\d+$/.test(wanted.q) ? Number(wanted.q) : NaN);
    const found = exact && exact.p >= wanted.at_least && String(exact.class) === wanted.q
      ? [exact]
      : [...this.tiles.values()].filter((tile) => tile.matches(wanted));
    const key = KEYS[query.sort];
    const sign = query.order === "desc" ? -1 : 1;
    found.sort((a, b) => a.class - b.class); // ties, whichever the direction, are by index as on the server
    found.sort((a, b) => sign * compared(key(a), key(b)));
    if (found.length !== this.shown.length || found.some((tile, place) => tile !== this.shown[place])) this.#place(found);
    return found.length;
  }

  #place(found) {
    const focused = document.activeElement?.closest?.(".tile a");
    this.shown = found;
    this.element.replaceChildren(...found.map((tile) => tile.element));
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    if (!this.tabStop?.isConnected) this.#tabStop(found[0]?.link);
  }

  /** Moves the focus to a class, or else to the first. */
  focus(cls) {
    const tile = this.tiles.get(cls);
    (tile?.element.isConnected ? tile : this.shown[0])?.link.focus();
  }

  #tabStop(link) {
    if (!link) return;
    if (!this.tabStop) for (const tile of this.tiles.values()) tile.link.tabIndex = -1;
    else this.tabStop.tabIndex = -1;
    link.tabIndex = 0;
    this.tabStop = link;
  }

  #walk(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = this.shown.findIndex((tile) => tile.link === event.target);
    if (place < 0) return;
    const columns = getComputedStyle(this.element).gridTemplateColumns.split(" ").length;
    const last = this.shown.length - 1;
    const target = {
      ArrowLeft: place - 1,
      ArrowRight: place + 1,
      ArrowUp: place - columns,
      ArrowDown: place + columns > last && place < last - (last % columns) ? last : place + columns,
      Home: 0,
      End: last,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.shown[target]?.link.focus();
  }
}

const compared = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
