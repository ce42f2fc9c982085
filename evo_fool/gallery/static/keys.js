// Keys of a page, and the help that lists them.

import { find } from "./dom.js";

const TYPING = "input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [contenteditable]";

/** Calls `actions[event.key]`, except for keys typed into a field and shortcuts of the browser. */
export function onKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || find("dialog[open]")) return;
    if (event.key !== "Escape" && event.target.matches(TYPING)) return;
    if (event.key.startsWith("Arrow") && event.target.matches("input, .strip, .scroll, .drawing, summary")) return;
    const action = actions[event.key];
    if (action && action(event) !== false) event.preventDefault();
  });
}

/** The dialog behind `?`. */
export function offerHelp() {
  const dialog = find("#help");
  const button = find("#help-open");
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
  onKeys({ "?": () => dialog.showModal() });
}
