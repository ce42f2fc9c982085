// The comparison: one scrubber for all runs, and their grids beside each other.

import { ServedArchive } from "./archive.js";
import { find, findAll, setBar } from "./dom.js";
import { onKeys } from "./keys.js";
import { Grid } from "./grid.js";
import { Scrubber } from "./scrubber.js";

export class ComparePage {
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
    this.grids = new Map(findAll(".pair .grid").map((element) => [element.dataset.run, new Grid(element)]));
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
    const columns = new Map(findAll(".column").map((column) => [column.dataset.run, column]));
    // A run that is damaged at one generation may be whole at another.
    for (const entry of data.runs.filter((each) => columns.has(each.facts.run))) {
      showTile(columns.get(entry.facts.run), entry);
      this.grids.get(entry.facts.run)?.update(entry.tiles, entry.sprites.sheets);
    }
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
  part("blank").textContent = tile && tile.individual === null ? "empty" : tile ? "not kept" : "no such class";
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
