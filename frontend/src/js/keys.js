// Keys: elements say which one they answer to by data-key ("e", "g i"); nothing happens while somebody types.
const typing = (element) =>
  element?.matches?.('input:not([type="checkbox"]):not([type="radio"]), textarea, select, [contenteditable]');
export const visible = (element) => element.offsetParent !== null || element.getClientRects().length > 0;
let prefix = "";
let forget;

export function press(key) {
  const every = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)];
  // In a list whose rows answer to the same key, the row that one stands on does. An entry of a closed menu does, too.
  const row = document.activeElement?.closest?.("[data-row]");
  const target = every.find((element) => row?.contains(element) && visible(element)) ?? every.find(visible) ?? every.find((element) => element.matches("[data-command]"));
  if (!target) return false;
  if (target.matches("details")) {
    target.open = true;
    target.querySelector(".menu-list a, .menu-list button, .menu-list input")?.focus();
  } else if (target.matches("input:not([type=checkbox]):not([type=radio]), textarea")) target.focus();
  else target.click();
  return true;
}

const listeners = new Map();
export const onKey = (key, action) => listeners.set(key, action);

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    listeners.get("palette")?.();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target)) {
    if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && document.querySelector("details[data-menu][open]")) return; // closes that first (menus.js)
  const key = event.key === "Escape" ? "escape" : event.key;
  const both = prefix ? `${prefix} ${key}` : key;
  clearTimeout(forget);
  prefix = "";
  if (listeners.has(both) ? listeners.get(both)(event) !== false : press(both)) {
    event.preventDefault();
    return;
  }
  if (key === "g") {
    prefix = "g";
    forget = setTimeout(() => (prefix = ""), 1200);
  }
});
