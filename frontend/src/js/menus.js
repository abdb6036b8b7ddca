// Menus are <details data-menu>: they open without script; here they close, place themselves and walk by arrow keys.
import htmx from "./htmx.js";

const open = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of open()) {
    const inside = menu.contains(event.target);
    if (!inside || event.target.closest("[data-menu] .menu-list [data-close], [data-menu] .menu-list button[type=submit]")) {
      if (!inside || !event.target.closest("summary")) menu.open = false;
    }
  }
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest?.("details[data-menu][open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

function place(list) {
  list.classList.remove("menu-up", "menu-end", "menu-start");
  const box = list.getBoundingClientRect();
  const floor = list.closest("[data-stream]")?.getBoundingClientRect().bottom ?? innerHeight;
  if (box.bottom > Math.min(floor, innerHeight) - 8 && box.top > box.height) list.classList.add("menu-up");
  if (box.right > innerWidth - 8) list.classList.add("menu-end");
  else if (box.left < 8) list.classList.add("menu-start");
}
// A menu that is filled when it is opened finds its place anew.
document.addEventListener("htmx:after:swap", () => {
  for (const menu of document.querySelectorAll('details[data-menu][hx-trigger="kith:fill"][open]')) place(menu.querySelector(".menu-list"));
});

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLDetailsElement) || !menu.matches("[data-menu]")) return;
    if (!menu.open) return;
    for (const other of open()) if (other !== menu && !other.contains(menu)) other.open = false;
    const list = menu.querySelector(".menu-list");
    place(list);
    // What is long or rarely wanted is asked for when it is looked at: hx-trigger="kith:fill".
    if (menu.matches('[hx-trigger="kith:fill"]')) htmx.trigger(menu, "kith:fill", {}, false);
    if (menu.dataset.menu === "focus") list.querySelector("input, button, a, select, textarea")?.focus();
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details[data-menu][open]") ?? (event.key === "Escape" ? open()[0] : null);
  if (!menu) return;
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
    return;
  }
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("select")) return; // which has its own
  const items = [...menu.querySelectorAll(".menu-list a, .menu-list button, .menu-list input")].filter(
    (item) => item.offsetParent,
  );
  if (!items.length) return;
  const at = items.indexOf(document.activeElement);
  const step = event.key === "ArrowDown" ? 1 : -1;
  items[(at + step + items.length) % items.length].focus();
  event.preventDefault();
});

// A menu whose content is fetched when it is opened: the first field gets the focus as soon as it is there.
document.addEventListener("htmx:after:swap", (event) => {
  const menu = event.target.closest?.("details[data-menu][open]");
  if (menu && event.target === menu) menu.querySelector(".menu-list :is(select, input:not([type=hidden]), button)")?.focus();
});
