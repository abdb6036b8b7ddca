// The list of conversations: j and k walk it, x picks, Shift picks a range; what is picked gets a bar of its own.
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
  // In the wide layout the conversation beside the list follows; on a phone Enter opens it.
  if (matchMedia("(min-width: 64rem)").matches && next !== list[at]) link(next).click();
  return true;
}
onKey("j", () => walk(1));
onKey("k", () => walk(-1));
onKey("x", () => {
  const box = current()?.querySelector("input[data-pick]");
  if (!box) return false;
  box.checked = !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
});

let lastPicked = null;
const picked = () => document.querySelectorAll("input[data-pick]:checked");

function showBar() {
  const bar = document.getElementById("bulk");
  if (!bar) return;
  const count = picked().length;
  bar.hidden = count === 0;
  document.querySelector("[data-rows]")?.classList.toggle("picking", count > 0);
  const label = bar.querySelector("[data-count]");
  label.textContent = label.dataset[count === 1 ? "one" : "many"].replace("{n}", String(count));
}

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
  opened.closest("[data-row]")?.removeAttribute("data-unread");
});

document.addEventListener("htmx:after:swap", () => {
  const pane = document.querySelector("[data-conversation]");
  const open = pane?.dataset.conversation;
  for (const row of rows()) {
    const opener = link(row);
    if (row.dataset.row === open) opener.setAttribute("aria-current", "true");
    else opener.removeAttribute("aria-current");
  }
  showBar();
});
