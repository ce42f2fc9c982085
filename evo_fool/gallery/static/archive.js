// The grid of another generation: from the server's JSON twin, or from the timeline of a static site.

import { fetchJson } from "./dom.js";

const KEPT = 40; // generations

/** Asks the server, and remembers. */
export class ServedArchive {
  constructor(twin) {
    this.twin = twin;
    this.known = new Map();
  }

  at(generation) {
    const known = this.known.get(generation);
    if (known) return known;
    const asked = fetchJson(`${this.twin}${this.twin.includes("?") ? "&" : "?"}generation=${generation}`);
    asked.catch(() => this.known.delete(generation));
    this.known.set(generation, asked);
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    return asked;
  }
}

/**
 * The timeline of a static site: the tiles that changed from one of its generations to the next, see
 * evo_fool/gallery/site/timeline.py. A script, for a page from a disk may not fetch; loaded on first use.
 */
export class CarriedArchive {
  constructor(address) {
    this.address = address;
  }

  async at(generation) {
    this.loaded ??= loadTimeline(this.address);
    const { tiles, snapshots } = await this.loaded;
    const held = new Map();
    let shown = snapshots[0];
    for (const snapshot of snapshots) {
      if (snapshot.generation > generation) break;
      for (const [cls, ...state] of snapshot.changed) held.set(cls, state);
      shown = snapshot;
    }
    const states = tiles.map((tile, position) => tileOf(tile, position, held.get(tile.class)));
    return { tiles: states, sprites: { sheets: shown.sheets }, ...shown.figures };
  }
}

function tileOf(tile, position, state) {
  const [individual, captured, p, percent, nodes, kept] = state ?? [null, null, 0, "0.0 %", null, 0];
  const sprite = kept ? { sheet: Math.floor(position / 100), place: position % 100 } : null;
  return { ...tile, individual, captured, p, percent, nodes, sprite };
}

function loadTimeline(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.addEventListener("load", () => resolve(window.evoFoolTimeline));
    script.addEventListener("error", () => reject(new Error("the generations could not be loaded")));
    script.src = address;
    document.head.append(script);
  });
}
