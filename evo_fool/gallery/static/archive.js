// Where the grid of another generation comes from: the server's twin, or what a static site carries with it.

import { fetchJson } from "./dom.js";

const KEPT = 40; // generations

/** Asks the server. A question that has been overtaken by the next one ends with an AbortError. */
export class ServedArchive {
  constructor(twin) {
    this.twin = twin;
    this.known = new Map();
  }

  async at(generation) {
    const known = this.known.get(generation);
    if (known) return known;
    this.asking?.abort();
    this.asking = new AbortController();
    const data = await fetchJson(this.#address(generation), this.asking.signal);
    this.known.set(generation, data);
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    return data;
  }

  #address(generation) {
    return `${this.twin}${this.twin.includes("?") ? "&" : "?"}generation=${generation}`;
  }
}

/** The snapshots of a static site, see evo_fool/gallery/site.py: what changed from one to the next. */
export class CarriedArchive {
  constructor({ tiles, snapshots, figures }) {
    this.tiles = tiles; // of the last generation, for what never changes
    this.snapshots = snapshots;
    this.figures = figures;
  }

  async at(generation) {
    const held = new Map();
    let shown = this.snapshots[0];
    for (const snapshot of this.snapshots) {
      if (snapshot.generation > generation) break;
      for (const [cls, ...state] of snapshot.changed) held.set(cls, state);
      shown = snapshot;
    }
    const tiles = this.tiles.map((tile, position) => this.#tile(tile, position, held.get(tile.class), shown));
    return { generation, tiles, sprites: { sheets: shown.sheets }, ...shown.figures };
  }

  #tile(tile, position, state, shown) {
    if (!state) {
      const nobody = { p: 0, percent: "0.0 %", captured: null, individual: null, nodes: null, sprite: null, url: null };
      return { ...tile, ...nobody };
    }
    const [individual, captured, p, percent, nodes, kept] = state;
    const sheet = Math.floor(position / 100);
    const sprite = kept && shown.sheets[sheet] ? { sheet, place: position % 100 } : null;
    return { ...tile, individual, captured, p, percent, nodes, sprite };
  }
}
