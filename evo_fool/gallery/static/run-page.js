// The page of a run: search, sort, filter, the generation scrubber, and changes while the run goes on.

import { readState, rememberPlace, writeState } from "./address.js";
import { CarriedArchive, ServedArchive } from "./archive.js";
import { find, findAll, pictures, settled, spaced } from "./dom.js";
import { Grid } from "./grid.js";
import { onKeys } from "./keys.js";
import { follow } from "./live.js";
import { Scrubber } from "./scrubber.js";

const UPWARDS = ["index", "name"]; // sorts that begin at the small end unless told otherwise
const SIZES = ["xs", "s", "m", "l"];

export class RunPage {
  constructor() {
    const { dataset } = document.body;
    this.grid = new Grid(find("#grid"));
    this.usualSize = this.grid.element.dataset.tiles;
    this.total = Number(dataset.total);
    this.fields = Object.fromEntries(["q", "sort", "order", "at_least"].map((name) => [name, find(`#${name}`)]));
    this.archive = dataset.twin ? new ServedArchive(dataset.twin) : new CarriedArchive(dataset.timeline);
    this.fresh = new Set(); // classes that changed since the grid was last arranged
    this.#readAddress();
    if (find("#transport")) {
      this.scrubber = new Scrubber({
        show: (generation) => this.#show(generation),
        prepare: (generation) => this.archive.at(generation).catch(() => {}),
        rest: () => this.#arrange(),
      });
      this.pinned = readState().has("generation"); // to a generation, instead of going with the run
    }
    this.#listen();
    this.#keys();
    if (dataset.events) follow(dataset.events, this);
  }

  /** What a page cannot do before it has all its tiles: the server sends those that the query asks for. */
  async begin() {
    const asked = Number(readState().get("generation") ?? NaN);
    if (this.grid.tiles.size < this.total) await this.#show(this.scrubber?.at ?? 0);
    else if (this.scrubber && asked < this.scrubber.last && asked !== Number(find("#generation").defaultValue)) {
      this.scrubber.at = asked; // of a static site, whose pages are all made at the last generation
      await this.scrubber.step(0);
    }
    this.#arrange({ write: false });
    rememberPlace();
    const cls = /^#c(\d+)/.exec(location.hash);
    if (cls) this.grid.focus(Number(cls[1]));
  }

  get query() {
    const { q, sort, order, at_least } = this.fields;
    return { q: q.value, sort: sort.value, order: order.value, at_least: Number(at_least.value) || 0 };
  }

  /** An event of the run: the captures since the one before. */
  receive(change) {
    const latest = !this.scrubber || (!this.pinned && this.scrubber.at >= this.scrubber.last);
    this.scrubber?.extend(change.generation, latest && !this.scrubber.playing);
    this.#status(change.status);
    if (!latest || this.scrubber?.playing) return;
    if (!this.scrubber && change.generation > 0) {
      location.reload(); // the page was made before there were generations to move through
      return;
    }
    this.grid.update(change.changed, change.sheets);
    this.#figures(change);
    find("#occupied").textContent = change.occupied;
    for (const tile of change.changed) {
      this.fresh.add(tile.class);
      this.grid.tiles.get(tile.class).element.classList.add("new");
    }
    this.#offer();
  }

  /** The run is no longer running. */
  end({ status, error }) {
    this.#status(status);
    if (error) find(".status").title = error;
  }

  #readAddress() {
    const state = readState();
    const { q, sort, order, at_least } = this.fields;
    q.value = state.get("q") ?? "";
    if (state.has("sort")) sort.value = state.get("sort");
    order.value = state.get("order") || (UPWARDS.includes(sort.value) ? "asc" : "desc");
    at_least.value = state.get("at_least") ?? "";
    this.#resize(SIZES.includes(state.get("tiles")) ? state.get("tiles") : this.usualSize);
  }

  #writeAddress() {
    const { q, sort, order, at_least } = this.query;
    const usual = UPWARDS.includes(sort) ? "asc" : "desc";
    writeState(
      {
        generation: this.pinned ? this.scrubber.at : "",
        sort: sort === "index" ? "" : sort,
        order: order === usual ? "" : order,
        q: q.trim(),
        at_least: at_least || "",
      },
      { tiles: this.size === this.usualSize ? "" : this.size },
    );
    rememberPlace();
  }

  #listen() {
    const { q, sort, order, at_least } = this.fields;
    const soon = settled(() => this.#arrange(), 120);
    find("#toolbar").addEventListener("submit", (event) => event.preventDefault());
    q.addEventListener("input", soon);
    at_least.addEventListener("input", soon);
    order.addEventListener("change", () => this.#arrange());
    sort.addEventListener("change", () => {
      order.value = UPWARDS.includes(sort.value) ? "asc" : "desc";
      this.#arrange();
    });
    find("#fresh").addEventListener("click", () => this.#arrange());
    const sizes = find("#sizes");
    sizes.hidden = sizes.disabled = false;
    sizes.addEventListener("change", (event) => {
      this.#resize(event.target.value);
      this.#writeAddress();
    });
    const readout = find("#readout");
    const tell = (event) => {
      const tile = event.target.closest?.(".tile");
      if (readout && tile) readout.textContent = this.#about(Number(tile.dataset.class));
    };
    this.grid.element.addEventListener("focusin", tell);
    this.grid.element.addEventListener("pointerover", tell);
  }

  #keys() {
    onKeys({
      "/": () => this.fields.q.focus(),
      n: () => this.#arrange(),
      t: () => {
        this.#resize(SIZES[(SIZES.indexOf(this.size) + 1) % SIZES.length]);
        this.#writeAddress();
      },
      Escape: () => {
        if (!this.fields.q.value && document.activeElement !== this.fields.q) return false;
        this.fields.q.value = "";
        this.#arrange();
        this.grid.focus();
        return true;
      },
    });
  }

  #about(cls) {
    const tile = this.grid.tiles.get(cls);
    const percent = find(".percent", tile.element).textContent;
    const since = tile.captured < 0 ? "empty" : `${percent} since generation ${tile.captured}`;
    return `${tile.class} ${tile.name} · ${since}`;
  }

  #resize(size) {
    this.size = size;
    this.grid.element.dataset.tiles = size;
    find(`#sizes input[value=${size}]`).checked = true;
  }

  /** Another generation, in the order that the grid has. */
  async #show(generation) {
    this.pinned = !this.scrubber || generation < this.scrubber.last;
    try {
      const data = await this.archive.at(generation);
      await pictures(this.grid.sheetsInSight(data));
      this.grid.update(data.tiles, data.sprites.sheets);
      this.#figures(data);
    } catch (error) {
      find("#matching").textContent = error.message;
    }
  }

  #arrange({ write = true } = {}) {
    const number = this.grid.arrange(this.query);
    const all = `${spaced(this.total)} ${this.total === 1 ? "class" : "classes"}`;
    find("#matching").textContent = number === this.total ? all : `${spaced(number)} of ${all}`;
    find("#nothing").hidden = number > 0;
    for (const cls of this.fresh) this.grid.tiles.get(cls).element.classList.remove("new");
    this.fresh.clear();
    this.#offer();
    if (write) this.#writeAddress();
  }

  #offer() {
    const pill = find("#fresh");
    pill.hidden = this.fresh.size === 0;
    pill.textContent = `${this.fresh.size} new`;
    pill.title = "Put them in their places (n)";
  }

  #figures(data) {
    if (data.median_percent) find("#median").textContent = data.median_percent;
    for (const cell of findAll("[data-at-least]")) cell.textContent = data.at_least?.[cell.dataset.atLeast] ?? "";
  }

  #status(word) {
    const badge = find(".masthead .status");
    badge.textContent = word;
    badge.className = `status status-${word}`;
  }
}
