// News from the server (server-sent events): what it names is fetched again and morphed in, so that scroll, focus and
// what is being typed stay. Without the live process the page asks by itself, slowly.
import htmx from "./htmx.js";

const body = document.body;
const url = document.documentElement.dataset.liveUrl;
let pending = new Set();
let timer;

function refresh() {
  const names = pending;
  pending = new Set();
  for (const part of document.querySelectorAll("[data-live]")) {
    const wanted = part.dataset.live.split(" ");
    if (names.has("*") || wanted.some((name) => names.has(name))) htmx.trigger(part, "kith:refresh", {}, false);
  }
}
export function news(...names) {
  for (const name of names) pending.add(name);
  clearTimeout(timer);
  timer = setTimeout(refresh, 250);
}

// What a person did here answers with this event; the lists follow at once, with or without the live process.
document.addEventListener("kith:changed", () => news("inbox"));
document.addEventListener("kith:notified", () => news("notification"));

let source;
let failures = 0;
function connect() {
  if (!url || source) return;
  source = new EventSource(url, { withCredentials: true });
  source.addEventListener("open", () => {
    if (failures) news("*");
    failures = 0;
    body.dataset.connection = "live";
  });
  source.addEventListener("error", () => {
    failures += 1;
    body.dataset.connection = "lost";
    if (source.readyState === EventSource.CLOSED || failures > 3) {
      source.close();
      source = null;
      setTimeout(connect, Math.min(60e3, 2000 * failures));
    }
  });
  source.addEventListener("message", (event) => {
    let data = {};
    try {
      data = JSON.parse(event.data);
    } catch {
      return;
    }
    const names = [data.kind ?? "*"];
    for (const id of data.ids ?? (data.id ? [data.id] : [])) names.push(`${data.kind}:${id}`);
    news(...names);
  });
}
if (url) {
  connect();
  setInterval(() => {
    if (!document.hidden && (!source || source.readyState !== EventSource.OPEN)) news("*");
  }, 30e3);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) news("*");
  });
  addEventListener("pagehide", () => {
    source?.close();
    source = null;
  });
  addEventListener("pageshow", (event) => event.persisted && connect());
}
