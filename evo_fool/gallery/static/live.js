// The changes of a running run, as server-sent events; none while the page is hidden.

/**
 * @param {string} address the stream, `since` the generation that the page was made at
 * @param {{receive: (change: object) => void, end: (last: object) => void}} page
 */
export function follow(address, page) {
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
