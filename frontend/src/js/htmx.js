// htmx as a module and as the global that its extensions look for. Nothing here evaluates strings.
import htmx from "htmx.org/dist/htmx.esm.js";

htmx.config.includeIndicatorCSS = false;
htmx.config.defaultSwap = "outerHTML";
htmx.config.noSwap = [204, 304, "4xx", "5xx"];
htmx.config.history = true;
window.htmx = htmx;

export const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (!["GET", "HEAD"].includes(request.method)) request.headers["X-CSRFToken"] = token();
});

// `keepalive`: it arrives also when the reader leaves the page meanwhile; for a few words only (64 kB in all).
export function post(url, values = {}, { signal = undefined, keepalive = false } = {}) {
  return fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": token(), "HX-Request": "true" },
    body: values instanceof FormData ? values : new URLSearchParams(values),
    credentials: "same-origin",
    signal,
    keepalive,
  });
}

export default htmx;
