// The list of conversations: j and k walk it, x picks, Shift picks a range; what is picked gets a bar of its own.
import htmx from "./htmx.js";
import { onKey } from "./keys.js";

const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")];
const current = () =>
  document.activeElement?.closest?.("[data-row]") ??
  document.querySelector('[data-row] a[aria-current="true"]')?.closest("[data-row]");
const link = (row) => row?.querySelector("a[data-open]");

function walk(step) {
  const list = rows();
  if (!list.length) return false;
  const at = list.indexOf(current());
  const next = list[at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + step))];
  link(next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  // In the wide layout the conversation beside the list follows; on a phone, and where a row leads elsewhere, Enter opens.
  const follows = !next.closest("[data-walk=focus]") && matchMedia("(min-width: 64rem)").matches;
  if (follows && next !== list[at]) link(next).click();
  return true;
}
onKey("j", () => walk(1));
onKey("k", () => walk(-1));
const boxOf = (row) => row?.querySelector("input[data-pick]");
const pick = (box, on = !box.checked) => {
  box.checked = on;
  box.dispatchEvent(new Event("change", { bubbles: true }));
};
onKey("x", () => {
  const box = boxOf(current());
  if (!box) return false;
  pick(box);
  return true;
});

// J and K pick the row they stand on and the next one, without opening it.
function extend(step) {
  const list = rows();
  const here = current() ?? list[0];
  if (!boxOf(here)) return false;
  pick(boxOf(here), true);
  const next = list[list.indexOf(here) + step];
  if (!next) return true;
  pick(boxOf(next), true);
  link(next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}
onKey("J", () => extend(1));
onKey("K", () => extend(-1));

let lastPicked = null;
const picked = () => document.querySelectorAll("input[data-pick]:checked");

// Every list of rows has the bar, only some have "all that match" in it, and menus that are asked for late.
const whole = () => document.querySelector("#bulk [name=all]");
function showWhole(count, boxes) {
  const place = document.getElementById("bulk-all");
  if (!place) return;
  const more = document.querySelector("[data-rows] [data-more]");
  place.hidden = !(count && count === boxes.length && more) || Boolean(whole().value);
  // Where filters change the rows alone, the rows say what all of them are.
  const url = document.querySelector("[data-all]")?.dataset.all ?? place.dataset.url;
  if (!place.hidden && place.dataset.asked !== url) {
    place.dataset.asked = url;
    htmx.ajax("GET", url, { target: place, swap: "innerHTML" });
  }
}
function showBar() {
  const bar = document.getElementById("bulk");
  if (!bar) return;
  const boxes = document.querySelectorAll("input[data-pick]");
  const count = picked().length;
  if (whole() && (count < boxes.length || !count)) whole().value = "";
  bar.hidden = count === 0;
  document.querySelector("[data-rows]")?.classList.toggle("picking", count > 0);
  const label = bar.querySelector("[data-count]");
  const all = bar.querySelector("[data-pick-all]");
  const text =
    whole()?.value && all
      ? all.dataset.said
      : label.dataset[count === 1 ? "one" : "many"].replace("{n}", String(count));
  if (label.textContent !== text) label.textContent = text;
  const shown = bar.querySelector("[data-pick-shown]");
  if (shown) shown.hidden = count === boxes.length;
  showWhole(count, boxes);
  const menus = document.getElementById("bulk-menus");
  if (count && menus && !bar.dataset.menus) {
    bar.dataset.menus = "1";
    htmx.trigger(menus, "kith:picked", {}, false);
  }
}
function pickShown() {
  const boxes = [...document.querySelectorAll("input[data-pick]")];
  if (!boxes.length) return false;
  const on = boxes.some((box) => !box.checked);
  for (const box of boxes) box.checked = on;
  showBar();
  return true;
}
onKey("*", pickShown);
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-pick-shown]")) pickShown();
  const all = event.target.closest?.("[data-pick-all]");
  if (!all || !whole()) return;
  whole().value = "1";
  showBar();
});
// Enter in a field of the bar presses the button beside it, not the first of the form.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.("#bulk input[data-enter]")) return;
  event.preventDefault();
  event.target.parentElement.querySelector("button")?.click();
});
// What was done with all that was picked lets go of it.
document.addEventListener("htmx:after:request", (event) => {
  if (event.target.id !== "bulk" || !event.detail.ctx?.response?.headers?.get?.("HX-Trigger")) return;
  for (const box of picked()) box.checked = false;
  showBar();
});

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("input[data-pick]");
  if (!box) return;
  if (event.shiftKey && lastPicked?.isConnected) {
    const boxes = [...document.querySelectorAll("input[data-pick]")];
    const [from, to] = [boxes.indexOf(lastPicked), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const other of boxes.slice(from, to + 1)) other.checked = box.checked;
  }
  lastPicked = box;
  showBar();
});
document.addEventListener("change", (event) => {
  if (event.target.matches?.("input[data-pick]")) showBar();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-unpick]")) return;
  for (const box of picked()) box.checked = false;
  showBar();
});

// The row that is open is marked at once, before the server answers.
document.addEventListener("click", (event) => {
  const opened = event.target.closest?.("a[data-open]");
  if (!opened || event.ctrlKey || event.metaKey || event.shiftKey) return;
  for (const other of document.querySelectorAll('a[data-open][aria-current="true"]')) other.removeAttribute("aria-current");
  opened.setAttribute("aria-current", "true");
  const row = opened.closest("[data-row]");
  // Until the answer is there the old conversation must not look like the one that was chosen.
  if (opened.hasAttribute("hx-get")) document.getElementById("conversation")?.setAttribute("aria-busy", "true");
  row?.classList.remove("row-unread");
  for (const mark of row?.querySelectorAll(".unread-mark") ?? []) mark.remove();
});

document.addEventListener("htmx:finally:request", () => document.getElementById("conversation")?.removeAttribute("aria-busy"));

document.addEventListener("htmx:after:swap", () => {
  const pane = document.querySelector("[data-conversation]");
  const open = pane?.dataset.conversation;
  for (const row of document.querySelectorAll("#list [data-row]")) {
    const opener = link(row);
    if (row.dataset.row === open) opener.setAttribute("aria-current", "true");
    else opener.removeAttribute("aria-current");
  }
  showBar();
});

// A list that is asked for again comes back as long as it was.
document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  const list = ctx.sourceElement;
  if (list?.id !== "rows") return;
  const shown = list.querySelectorAll("[data-row]").length;
  if (shown > 50) ctx.request.action += `${ctx.request.action.includes("?") ? "&" : "?"}shown=${shown}`;
});
