// The open conversation: newest at the bottom, "3 new" when scrolled up, who is here, sheets on a phone.
import { post, token } from "./htmx.js";
import { onKey } from "./keys.js";
import { toast } from "./toasts.js";

const stream = () => document.querySelector("[data-stream]");
const NEAR = 80;
let atBottom = true;
let shown = null;
let seen = new Set();
let sized = "";

const ids = () => [...document.querySelectorAll("[data-stream] [data-message]")].map((item) => item.dataset.message);
const size = (box) => `${box.clientHeight} ${box.scrollHeight}`;
const toBottom = (smooth = false) => {
  const box = stream();
  if (!box) return;
  sized = size(box);
  box.scrollTo({ top: box.scrollHeight, behavior: smooth ? "smooth" : "instant" });
};

function showNew() {
  const bar = document.getElementById("new-bar");
  if (!bar) return;
  const count = ids().filter((id) => !seen.has(id)).length;
  bar.hidden = atBottom || count === 0;
  const text = bar.dataset[count === 1 ? "one" : "many"];
  if (text) bar.querySelector("[data-count]").textContent = text.replace("{n}", String(count));
}

document.addEventListener(
  "scroll",
  (event) => {
    const box = stream();
    if (event.target !== box) return;
    // What scrolls because the box below grew, or because something came, is nobody's wish to leave the end.
    if (atBottom && size(box) !== sized) {
      toBottom();
      return;
    }
    atBottom = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    if (atBottom) seen = new Set(ids());
    showNew();
  },
  true,
);

function wanted() {
  const asked = new URLSearchParams(location.search);
  const id = location.hash.startsWith("#m-") ? location.hash.slice(1) : `m-${asked.get("m") ?? asked.get("around") ?? ""}`;
  return document.getElementById(id);
}

// Whoever reads the end goes on seeing it while the box below grows or pictures arrive.
const sizes = new ResizeObserver(() => {
  if (atBottom) toBottom();
});

export function settle(event) {
  sizes.disconnect();
  for (const part of [stream(), document.getElementById("stream")]) if (part) sizes.observe(part);
  const pane = document.querySelector("[data-conversation]");
  const id = pane?.dataset.conversation ?? null;
  if (id !== shown) {
    shown = id;
    atBottom = true;
    seen = new Set(ids());
    const target = wanted();
    atBottom = !target;
    if (target) {
      target.scrollIntoView({ block: "center" });
      target.classList.add("found");
    } else toBottom();
    look();
    // Whoever begins to write types at once: without a field under the keys, letters would be shortcuts.
    if (id === "new") [...pane.querySelectorAll("[data-first]")].find((field) => !field.value)?.focus();
  } else if (atBottom && !event?.target?.closest?.(".menu-list, #list, #toasts")) {
    seen = new Set(ids());
    toBottom();
  }
  showNew();
}
document.addEventListener("htmx:after:swap", settle);
document.addEventListener("click", (event) => {
  if (event.target.closest("#new-bar")) toBottom(true);
});

// Older messages are put in above; what one was reading stays where it is.
let heightBefore = null;
document.addEventListener("htmx:before:swap", (event) => {
  heightBefore = event.target.closest?.("[data-older]") ? stream()?.scrollHeight : null;
});
document.addEventListener("htmx:after:settle", () => {
  const box = stream();
  if (heightBefore === null || !box) return;
  box.scrollTop += box.scrollHeight - heightBefore;
  heightBefore = null;
});

// Presence: looking while the page is in view, typing while keys are struck.
let typedAt = 0;
function look() {
  const pane = document.querySelector("[data-presence-url]");
  if (!pane || document.hidden) return;
  sessionStorage.setItem("looked", pane.dataset.presenceUrl);
  post(pane.dataset.presenceUrl, { typing: Date.now() - typedAt < 8000 ? "1" : "" }).catch(() => {});
}
setInterval(look, 15e3);
// Who turns away is gone at once for the others, not after half a minute. A busy browser may end a page before it can say
// so: the next page says it once more.
function leave(url = document.querySelector("[data-presence-url]")?.dataset.presenceUrl) {
  if (url) navigator.sendBeacon(url, new URLSearchParams({ gone: "1", csrfmiddlewaretoken: token() }));
}
const here = document.querySelector("[data-presence-url]")?.dataset.presenceUrl ?? "";
const looked = sessionStorage.getItem("looked");
if (looked && looked !== here) leave(looked);
sessionStorage.setItem("looked", here);
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : look()));
addEventListener("pagehide", () => leave());
document.addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-composer] textarea")) return;
  // A note to colleagues is no answer: nobody has to wait for it.
  if (event.target.form.dataset.visibility === "note") return;
  const first = Date.now() - typedAt > 8000;
  typedAt = Date.now();
  if (first) look();
});

// A link to one message, for a colleague.
document.addEventListener("click", async (event) => {
  const source = event.target.closest("[data-copy]");
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.dataset.copy);
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: source.dataset.copy });
    document.body.append(area);
    area.select();
    document.execCommand("copy"); // where the address is not https
    area.remove();
  }
  toast(source.dataset.copied);
});

// Escape steps back: from the person to the conversation, from there to the list (on a narrow screen).
onKey("escape", () => {
  const back = [...document.querySelectorAll("[data-back]")].find((item) => item.offsetParent);
  if (!back) return false;
  back.click();
  return true;
});
// A tap beside an open sheet closes it, and does nothing else to what lies dimmed there.
document.addEventListener(
  "click",
  (event) => {
    const shell = document.querySelector("[data-panes]");
    const sheet = shell?.dataset.sheet && document.getElementById(shell.dataset.sheet);
    if (!sheet || getComputedStyle(sheet).position !== "fixed") return;
    if (sheet.contains(event.target) || !shell.contains(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    shell.dataset.sheet = "";
  },
  true,
);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-sheet]"); // not the shell, which says which one is open
  if (!button) return;
  const shell = document.querySelector("[data-panes]");
  shell.dataset.sheet = shell.dataset.sheet === button.dataset.sheet ? "" : button.dataset.sheet;
  const sheet = document.getElementById(button.dataset.sheet);
  if (shell.dataset.sheet) sheet?.querySelector("button, a")?.focus();
  else document.querySelector(`[data-sheet="${button.dataset.sheet}"]`)?.focus();
});

// A page that was loaded as a whole opens where the conversation ends, too.
settle();
