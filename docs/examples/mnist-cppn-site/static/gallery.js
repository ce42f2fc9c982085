(() => {
"use strict";
// Small helpers around the DOM and fetch.

const find = (selector, within = document) => within.querySelector(selector);
const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes, and children where given. */
function drawn(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** An HTML element with properties, and children where given. */
function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** JSON from an address of this server; an Error with its sentence where it has none to give. */
async function fetchJson(address) {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error ?? `status ${answer.status}`);
  return data;
}

/** `action`, called once a burst of calls is over. */
function settled(action, milliseconds) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), milliseconds);
  };
}

/** Resolves when the pictures can be drawn without delay, or when that takes too long. */
function pictures(addresses, patience = 4000) {
  const ready = addresses.map((address) => made("img", { src: address }).decode().catch(() => {}));
  return Promise.race([Promise.all(ready), new Promise((resolve) => setTimeout(resolve, patience))]);
}

/** The width of a probability's bar. */
function setBar(bar, p) {
  find("rect", bar).setAttribute("width", (100 * p).toFixed(2));
}

/** A probability's bar, as the templates draw it. */
function makeBar(p) {
  const box = { class: "bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" };
  return drawn("svg", box, drawn("rect", { width: (100 * p).toFixed(2), height: 4 }));
}

/** 1234567 with thin spaces. */
const spaced = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");

// Where the grid of another generation comes from: the server's twin, or what a static site carries with it.


const KEPT = 40; // generations

/** Asks the server, and remembers. */
class ServedArchive {
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
 * What a static site carries with it: the tiles that changed from one of its generations to the next, see
 * evo_fool/gallery/site/timeline.py. A script, for a page from a disk may not fetch; it is loaded when it is needed.
 */
class CarriedArchive {
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

// Keys of a page, and the help that lists them.


const TYPING = "input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [contenteditable]";

/** Calls `actions[event.key]`. Keys that write into a field, or are meant for the browser, are left alone. */
function onKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || find("dialog[open]")) return;
    if (event.key !== "Escape" && event.target.matches(TYPING)) return;
    if (event.key.startsWith("Arrow") && event.target.matches("input, .strip, .scroll, .drawing, summary")) return;
    const action = actions[event.key];
    if (action && action(event) !== false) event.preventDefault();
  });
}

/** The dialog behind `?`. */
function offerHelp() {
  const dialog = find("#help");
  const button = find("#help-open");
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
  onKeys({ "?": () => dialog.showModal() });
}

// A class in the grid: what is known of it, and the element that shows it.


const plain = (text) => text.replaceAll("_", " ").trim().replace(/\s+/g, " ").toLowerCase();

class Tile {
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

  /** A tile for a class that the page did not come with. */
  static create(template, data) {
    const element = template.content.firstElementChild.cloneNode(true);
    element.id = `c${data.class}`;
    element.dataset.class = data.class;
    element.dataset.aliases = data.aliases.join("|");
    const name = find(".name", element);
    name.textContent = name.title = data.name;
    return new Tile(element);
  }

  /** Shows what the JSON twin says of the class. */
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
    this.#show(sheet, data.sprite?.place, taken ? "not kept" : "nobody yet");
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

  /** Whether the class is one that `query`, `{q, at_least}`, asks for. An index comes before names: see `Query`. */
  matches(query) {
    return this.p >= query.at_least && (!query.q || this.search.some((name) => name.includes(query.q)));
  }
}


// The grid of classes: its order, what it leaves out, and moving through it by keyboard. Only one tile is a tab stop.


const KEYS = {
  index: (tile) => tile.class,
  confidence: (tile) => tile.p,
  name: (tile) => tile.sortName,
  improved: (tile) => tile.captured,
  complexity: (tile) => tile.nodes,
};

class Grid {
  /** @param {HTMLElement} element the list of tiles */
  constructor(element) {
    this.element = element;
    this.tiles = new Map(findAll(".tile", element).map((item) => [Number(item.dataset.class), new Tile(item)]));
    this.shown = [...this.tiles.values()];
    element.addEventListener("keydown", (event) => this.#walk(event));
    element.addEventListener("focusin", (event) => this.#tabStop(event.target.closest(".tile a")));
    this.#tabStop(this.shown[0]?.link);
  }

  /** What a twin says of all classes or of some; those that are not there yet are made. */
  update(tiles, sheets) {
    const template = find("#tile-template");
    for (const data of tiles) {
      let tile = this.tiles.get(data.class);
      if (!tile) this.tiles.set(data.class, (tile = Tile.create(template, data)));
      tile.update(data, sheets);
    }
  }

  /** The sheets on which the tiles in sight are, by what a twin says. */
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

// The generation scrubber: a slider, keys, and a time-lapse that plays as fast as the pictures come.


const FRAMES = 120; // of a time-lapse, at most
const PAUSE = 90; // milliseconds that a frame is seen for, at least

class Scrubber {
  /**
   * @param {object} page
   * @param {(generation: number) => Promise<void>} page.show resolves when the generation is in sight; never rejects
   * @param {(generation: number) => void} page.prepare called with the generation that comes next in a time-lapse
   * @param {(generation: number) => void} page.rest called when the generation has been chosen for good
   */
  constructor({ show, prepare, rest }) {
    this.slider = find("#generation");
    this.button = find("#play");
    this.show = show;
    this.prepare = prepare;
    this.wanted = null;
    this.rest = rest;
    this.playing = false;
    const steps = find("#transport").dataset.steps;
    this.steps = steps ? steps.split(",").map(Number) : null; // those that a static site has; null: all
    this.slider.addEventListener("input", () => this.#choose(Number(this.slider.value)));
    this.slider.addEventListener("change", () => this.#settle());
    this.button.addEventListener("click", () => this.toggle());
    onKeys({
      "[": () => this.step(-1),
      "]": () => this.step(1),
      "{": () => this.step(-Math.ceil(this.last / 10)),
      "}": () => this.step(Math.ceil(this.last / 10)),
      p: () => this.toggle(),
    });
    this.at = this.#near(Number(this.slider.value));
    this.#say();
  }

  get last() {
    return Number(this.slider.max);
  }

  /** There are more generations now; whoever looked at the last one goes with them where `follow`. */
  extend(last, follow) {
    if (last <= this.last) return;
    this.slider.max = last;
    find("#generation-last").textContent = last;
    if (follow) {
      this.at = last;
      this.#say();
    }
  }

  async step(by) {
    this.stop();
    await this.#choose(this.#near(this.at + by, Math.sign(by)));
    this.rest(this.at);
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    this.button.setAttribute("aria-pressed", "false");
    this.#settle();
  }

  async play() {
    this.playing = true;
    this.button.setAttribute("aria-pressed", "true");
    let next = this.at >= this.last ? 0 : this.at;
    const by = Math.max(1, Math.round(this.last / FRAMES));
    while (this.playing) {
      const frame = this.#near(next, 1);
      const shown = this.#choose(frame, true).then(() => this.prepare(this.#near(Math.min(frame + by, this.last), 1)));
      await Promise.all([shown, new Promise((resolve) => setTimeout(resolve, PAUSE))]);
      if (frame >= this.last) this.stop();
      next = Math.min(frame + by, this.last);
    }
  }

  async #settle() {
    await this.bringing;
    if (!this.playing) this.rest(this.at);
  }

  async #choose(generation, fromPlay = false) {
    if (!fromPlay && this.playing) this.stop();
    this.at = this.#near(generation);
    this.#say();
    this.wanted = this.at;
    this.bringing ??= this.#bring();
    await this.bringing;
  }

  /** Shows what was asked for last, over and over; what there is no time for in between is left out. */
  async #bring() {
    while (this.wanted !== null) {
      const generation = this.wanted;
      this.wanted = null;
      await this.show(generation);
    }
    this.bringing = null;
  }

  /** A generation that can be shown: in the direction of a step, if there is one. */
  #near(generation, direction = 0) {
    const bounded = Math.min(Math.max(generation, 0), this.last);
    if (!this.steps) return bounded;
    if (direction > 0) return this.steps.find((step) => step >= bounded) ?? this.last;
    if (direction < 0) return this.steps.findLast((step) => step <= bounded) ?? 0;
    return this.steps.reduce((best, step) => (Math.abs(step - bounded) < Math.abs(best - bounded) ? step : best));
  }

  #say() {
    this.slider.value = this.at;
    find("#generation-text b").textContent = this.at;
  }
}

// The comparison: one scrubber for all runs, and their grids beside each other.


class ComparePage {
  begin() {
    const choice = find("#class");
    choice?.addEventListener("change", () => choice.form.requestSubmit());
    const menu = find(".menu");
    onKeys({
      ArrowLeft: () => this.#step(choice, -1),
      ArrowRight: () => this.#step(choice, 1),
      Escape: () => menu?.open && !(menu.open = false),
    });
    if (!find("#transport")) return;
    this.grids = findAll(".pair .grid").map((element) => new Grid(element));
    this.archive = new ServedArchive(document.body.dataset.twin);
    new Scrubber({
      show: (generation) => this.#show(generation),
      prepare: (generation) => this.archive.at(generation).catch(() => {}),
      rest: (generation) => this.#write(generation),
    });
  }

  #step(choice, by) {
    const option = choice?.options[choice.selectedIndex + by];
    if (!option || document.activeElement?.closest(".grid")) return false;
    option.selected = true;
    choice.form.requestSubmit();
    return true;
  }

  async #show(generation) {
    let data;
    try {
      data = await this.archive.at(generation);
    } catch {
      return; // the server has been stopped
    }
    const columns = findAll(".column");
    data.runs.forEach((entry, place) => {
      showTile(columns[place], entry);
      this.grids[place]?.update(entry.tiles, entry.sprites.sheets);
    });
  }

  #write(generation) {
    const url = new URL(location.href);
    url.searchParams.set("generation", generation);
    // Names of runs are joined by commas, which stay readable.
    history.replaceState(history.state, "", url.href.replaceAll("%2C", ","));
  }
}

function showTile(column, { tile, generation, facts }) {
  const part = (name) => find(`[data-part="${name}"]`, column);
  const image = part("image");
  const address = tile?.image?.replace(/\/\d+\.png$/, ".png"); // as scored, instead of the thumbnail
  image.hidden = !address;
  part("blank").hidden = Boolean(address);
  part("blank").textContent = tile && tile.individual === null ? "nobody yet" : tile ? "not kept" : "no such class";
  if (address && image.getAttribute("src") !== address) {
    image.src = address;
    image.alt = `${tile.name} by ${facts.name} ${facts.id}`;
  }
  const link = image.closest("a");
  if (tile?.url) link.href = tile.url;
  else link.removeAttribute("href");
  part("percent").textContent = tile?.percent ?? "–";
  part("since").textContent = tile && tile.captured !== null ? `g ${tile.captured}` : "";
  part("generation").textContent = generation;
  setBar(find(".bar", column), tile?.p ?? 0);
}

// The state of a page in its address: the query says what is shown, the fragment how.

/** The query as Map; what a browser did not let into the query of a file's address is in the fragment. */
function readState() {
  const state = new Map(new URLSearchParams(location.search));
  const fragment = location.hash.slice(1);
  if (fragment.includes("=")) for (const [key, value] of new URLSearchParams(fragment)) state.set(key, value);
  return state;
}

/** Puts `query` and `view` into the address without leaving a trace in the history; empty values are left out. */
function writeState(query, view = {}) {
  const search = encoded(query);
  const hash = encoded(view);
  try {
    history.replaceState(history.state, "", `${location.pathname}${search && `?${search}`}${hash && `#${hash}`}`);
  } catch {
    const both = [search, hash].filter(Boolean).join("&");
    history.replaceState(history.state, "", `#${both}`);
  }
}

const PLACE = "evo-fool: the grid that was last looked at";

/** Notes the state of a grid, for whoever comes back from one of its images. */
function rememberPlace() {
  try {
    sessionStorage.setItem(PLACE, location.href);
  } catch {
    // Without storage, coming back begins anew.
  }
}

/** The grid at `path` as it was last looked at, with the focus on the class that `hash` names; null if it was not. */
function wayBack(path, hash) {
  let noted = null;
  try {
    noted = sessionStorage.getItem(PLACE);
  } catch {
    // As above.
  }
  if (!noted || new URL(noted).pathname !== new URL(path, location.href).pathname) return null;
  const url = new URL(noted);
  const view = url.hash.slice(1).replace(/^c\d+&?/, "");
  url.hash = [hash.slice(1), view].filter(Boolean).join("&");
  return url.href;
}

function encoded(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return new URLSearchParams(given).toString();
}

// A family tree beside the list of ancestors, newest on top: each has a lane, as commits have in a drawing of history.


const ROW = 56; // as the stylesheet has it
const LANE = 18;

/** @param {HTMLElement} list its items have data-id, data-parents, data-main, data-switch and data-holds */
function drawTree(list) {
  if (list.querySelector(":scope > svg")) return;
  const items = findAll("li", list).map(read);
  const { lanes, width } = arrange(items);
  const edges = [];
  const dots = [];
  items.forEach((item, row) => {
    const here = point(lanes.get(item.id).lane, row);
    for (const { parent, lane, gap } of lanes.get(item.id).edges) {
      const there = point(lanes.get(parent.id).lane, items.indexOf(parent));
      const switched = item.switched && parent.main;
      const kind = [gap ? "gap" : "", switched ? "switched" : ""].join(" ");
      edges.push(drawn("path", { d: way(here, there, point(lane, 0)[0]), class: kind }));
    }
    dots.push(drawn("circle", { cx: here[0], cy: here[1], r: 5, class: item.taker ? "taker" : "" }));
  });
  const size = { width: width * LANE + 14, height: items.length * ROW, "aria-hidden": "true" };
  list.style.setProperty("--lanes", width);
  list.prepend(drawn("svg", size, ...edges, ...dots));
}

function read({ dataset }) {
  return {
    id: Number(dataset.id),
    parents: dataset.parents.split(" ").filter(Boolean).map(Number),
    main: dataset.main === "1",
    switched: dataset.switch === "1",
    taker: dataset.holds !== "0",
  };
}

/** A lane for each item, and the edges to those of its parents that are in the list; the main line has lane 0. */
function arrange(items) {
  const known = new Map(items.map((item) => [item.id, item]));
  const main = items.filter((item) => item.main);
  const lanes = new Map();
  const waiting = [main[0]?.id]; // for each lane, whom it leads to
  for (const item of items) {
    let lane = waiting.indexOf(item.id);
    if (lane < 0) lane = free(waiting);
    waiting.forEach((id, place) => id === item.id && (waiting[place] = null));
    const parents = item.parents.map((id) => known.get(id)).filter(Boolean);
    const older = item.main ? main[main.indexOf(item) + 1] : undefined;
    const gap = older && !parents.includes(older); // some of a long line are left out
    if (gap) parents.unshift(older);
    const edges = parents.map((parent) => {
      let way = waiting.indexOf(parent.id);
      if (parent.main && waiting[0] === null) way = 0;
      else if (way < 0) way = waiting[lane] === null && !parent.main ? lane : free(waiting, parent.main ? 0 : 1);
      waiting[way] = parent.id;
      return { parent, lane: way, gap: gap && parent === older };
    });
    lanes.set(item.id, { lane, edges });
  }
  return { lanes, width: waiting.length };
}

function free(waiting, from = 1) {
  const found = waiting.findIndex((id, place) => place >= from && id === null);
  return found < 0 ? waiting.push(null) - 1 : found;
}

const point = (lane, row) => [lane * LANE + 10, row * ROW + ROW / 2 - 4];

/** From a child down to its parent along the lane at `x`. */
function way([x0, y0], [x1, y1], x) {
  const turn = Math.min(ROW, (y1 - y0) / 2);
  const out = x0 === x ? `L${x} ${y0 + turn}` : `C${x0} ${y0 + turn / 2} ${x} ${y0 + turn / 2} ${x} ${y0 + turn}`;
  const back = x === x1 ? `L${x1} ${y1}` : `C${x} ${y1 - turn / 2} ${x1} ${y1 - turn / 2} ${x1} ${y1}`;
  return `M${x0} ${y0}${out}L${x} ${y1 - turn}${back}`;
}

// The page of one image: its size, what the classifier sees, the drawing of its genome, and its family tree.


class ElitePage {
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

// A line chart as SVG, to be read by pointer or by arrow keys.


const [WIDTH, HEIGHT] = [520, 230];
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 8, 8, 24];

/**
 * @param {number[]} xs generations, ascending
 * @param {{title: string, lines: {label: string, values: number[]}[], band?: {label: string, low: number[], high: number[]},
 *   top?: number, words: (value: number) => string}} plan
 */
function drawChart(xs, plan) {
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

// The plots of a run, drawn from the numbers that the page carries, and its table of classes.



/** In as many digits as it takes to tell a probability from certainty, never rounded up. */
function percent(p) {
  if (1 - p < 1e-6) return "> 99.9999 %";
  const decimals = Math.max(1, Math.ceil(-Math.log10(1 - p)) - 2);
  return `${(Math.floor(p * 100 * 10 ** decimals + 1e-9) / 10 ** decimals).toFixed(decimals)} %`;
}

const whole = (value) => Math.round(value).toLocaleString("en");

class PlotsPage {
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

// What changes in a run while it goes on, as server-sent events. Nothing is asked for while nobody looks.

/**
 * @param {string} address the stream, `since` the generation that the page was made at
 * @param {{receive: (change: object) => void, end: (last: object) => void}} page
 */
function follow(address, page) {
  const url = new URL(address, location.href);
  let source = null;
  let ended = false;

  const open = () => {
    source = new EventSource(url);
    source.addEventListener("archive", (event) => {
      const change = JSON.parse(event.data);
      url.searchParams.set("since", change.generation);
      page.receive(change);
    });
    source.addEventListener("end", (event) => {
      ended = true;
      source.close();
      page.end(JSON.parse(event.data));
    });
  };

  const close = () => source?.close();
  document.addEventListener("visibilitychange", () => {
    if (ended) return;
    close();
    if (document.visibilityState === "visible") open();
  });
  window.addEventListener("pagehide", close);
  if (document.visibilityState === "visible") open();
}

// The page of a run: search, sort, filter, the generation scrubber, and what changes while the run goes on.


const UPWARDS = ["index", "name"]; // sorts that begin at the small end unless told otherwise
const SIZES = ["xs", "s", "m", "l"];

class RunPage {
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

  /** An event of the run: what was captured since the one before. */
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
    const since = tile.captured < 0 ? "nobody yet" : `${percent} since generation ${tile.captured}`;
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

// The page of all runs: the form acts at once, and the figures of running runs keep up.


const INTERVAL = 4000;
const ASCENDING = ["name", "status", "classifier"];

class RunsPage {
  constructor() {
    const form = find("#toolbar");
    const go = () => {
      for (const field of form.elements) field.disabled = field.name && !field.value; // keeps the address short
      form.submit();
    };
    const [q, sort, order] = ["#q", "#sort", "#order"].map((id) => find(id));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      go();
    });
    sort.addEventListener("change", () => (order.value = ASCENDING.includes(sort.value) ? "asc" : "desc"));
    form.addEventListener("change", (event) => event.target !== q && go());
    const links = () => findAll("#runs h2 a");
    onKeys({
      "/": () => q.focus(),
      ArrowDown: () => this.#walk(links(), 1),
      ArrowUp: () => this.#walk(links(), -1),
      Escape: () => {
        if (!q.value) return false;
        q.value = "";
        go();
        return true;
      },
    });
    find("#fresh").addEventListener("click", () => location.reload());
  }

  begin() {
    this.known = new Set(findAll("#runs .run").map((row) => row.dataset.run));
    setInterval(() => document.visibilityState === "visible" && this.#look(), INTERVAL);
  }

  #walk(links, by) {
    const place = links.indexOf(document.activeElement);
    links[place < 0 ? 0 : Math.min(Math.max(place + by, 0), links.length - 1)]?.focus();
  }

  async #look() {
    try {
      const data = await fetchJson(document.body.dataset.twin + location.search);
      for (const row of data.runs) if (row.facts) this.#update(row);
      const fresh = data.runs.filter((row) => !this.known.has(row.run)).length;
      const pill = find("#fresh");
      pill.hidden = fresh === 0;
      pill.textContent = `${fresh} new ${fresh === 1 ? "run" : "runs"}`;
    } catch {
      // The server has been stopped, or will answer the next time.
    }
  }

  #update({ run, facts, sparkline }) {
    const element = find(`[data-run="${CSS.escape(run)}"]`);
    const part = (name) => element && find(`[data-part="${name}"]`, element);
    if (!part("status")) return;
    const badge = find(".status", part("status"));
    badge.textContent = facts.status;
    badge.className = `status status-${facts.status}`;
    part("generation").textContent = `${Math.max(facts.generation, 0)} / ${facts.generations}`;
    part("median").textContent = facts.median_percent;
    const last = Math.max(sparkline.length - 1, 1);
    const points = sparkline.map((value, place) => `${((120 * place) / last).toFixed(1)},${(27 - 26 * value).toFixed(2)}`);
    find("polyline", part("curve"))?.setAttribute("points", points.join(" "));
  }
}

// Where every page begins: help for all of them, and what each page needs by itself.


const PAGES = { runs: RunsPage, run: RunPage, individual: ElitePage, compare: ComparePage, plots: PlotsPage };

offerHelp();
const Page = PAGES[document.body.dataset.page];
if (Page) new Page().begin();
})();
