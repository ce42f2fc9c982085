// The generation scrubber: a slider, keys, and a time-lapse that plays as fast as the pictures come.

import { find } from "./dom.js";
import { onKeys } from "./keys.js";

const FRAMES = 120; // of a time-lapse, at most
const PAUSE = 90; // milliseconds that a frame is seen for, at least

export class Scrubber {
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

  /** There are more generations now; a slider at the last one moves along where `follow`. */
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

  /** Shows the latest generation asked for, repeatedly; those in between are skipped. */
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
