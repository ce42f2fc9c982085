// The state of a page in its URL: the query says what is shown, the fragment how.

/** The query as Map; the part that a browser does not allow in the query of a file URL is in the fragment. */
export function readState() {
  const state = new Map(new URLSearchParams(location.search));
  const fragment = location.hash.slice(1);
  if (fragment.includes("=")) for (const [key, value] of new URLSearchParams(fragment)) state.set(key, value);
  return state;
}

/** Puts `query` and `view` into the URL without an entry in the history; empty values are left out. */
export function writeState(query, view = {}) {
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

/** Saves the state of a grid, for the way back from one of its images. */
export function rememberPlace() {
  try {
    sessionStorage.setItem(PLACE, location.href);
  } catch {
    // Without storage, coming back begins anew.
  }
}

/** The URL of the grid at `path` as last seen, with the focus on the class that `hash` names; null if never seen. */
export function wayBack(path, hash) {
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
