// The command palette: people, conversations, commands, and whatever this screen can do, in one box. `/` searches, Ctrl K
// jumps. Results come from the server as a fragment; what the screen can do is read off the screen itself.
import { openDialog } from "./dialogs.js";
import htmx from "./htmx.js";
import { onKey, visible } from "./keys.js";

const dialog = () => document.getElementById("palette");
const show = (mode) => {
  const opened = openDialog("palette");
  if (!opened) return;
  opened.querySelector("[name=mode]").value = mode;
  const input = opened.querySelector("input[type=search]");
  input.select();
  input.focus();
  walked = entered = false;
  answered = null;
  htmx.trigger(input, "palette-open", {}, false);
};
onKey("palette", () => show("jump"));
onKey("/", () => {
  const own = document.querySelector("#search-form input[type=search]"); // the search page has a box of its own
  if (!own) return show("search");
  own.focus();
  own.select();
});
document.addEventListener("click", (event) => {
  if (event.target.closest('[data-dialog="palette"]')) show("search");
});

const choices = () => [...document.querySelectorAll("#palette [role=option]")];
const mark = (next) => {
  const input = document.querySelector("#palette input[type=search]");
  for (const choice of choices()) choice.setAttribute("aria-selected", String(choice === next));
  if (next) input.setAttribute("aria-activedescendant", next.id);
  else input.removeAttribute("aria-activedescendant");
  next?.scrollIntoView({ block: "nearest" });
};

// What can be pressed on this screen, by its own words: buttons, menus and what stands in them.
const words = (element) => {
  if (element.getAttribute("aria-label")) return element.getAttribute("aria-label");
  if (element.matches("summary") && element.title) return element.title; // its text may be a value: who has it
  const copy = element.cloneNode(true);
  for (const part of copy.querySelectorAll("kbd, svg, time")) part.remove();
  return copy.textContent.replace(/\s+/g, " ").trim() || element.title;
};
function actions() {
  const found = new Map();
  for (const element of document.querySelectorAll(
    ".panes > :not(#nav) :is(button, summary, a.btn, a[data-command])",
  )) {
    if (element.disabled || element.closest("[data-row], dialog, [data-no-command]")) continue;
    const menu = element.closest("details[data-menu]");
    const shown = element.matches("summary") || !menu ? element : menu.querySelector("summary");
    if (!visible(shown)) continue;
    const inside = menu && !element.matches("summary") ? words(menu.querySelector("summary")) : "";
    const own = words(element);
    if (!own) continue;
    const text = inside && inside !== own ? `${inside}: ${own}` : own;
    const key = element.dataset.key ?? (element.matches("summary") ? menu?.dataset.key : undefined);
    if (!found.has(text)) found.set(text, { element, text, key });
  }
  return [...found.values()];
}
function run(action) {
  const menu = action.element.matches("summary") ? action.element.closest("details") : null;
  if (!menu) return action.element.click();
  menu.open = true;
  menu.querySelector(".menu-list a, .menu-list button, .menu-list input, .menu-list select")?.focus();
}
let offered = [];
function showActions() {
  const results = document.getElementById("palette-results");
  const typed = dialog().querySelector("input[type=search]").value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text) => typed.every((word) => text.toLowerCase().includes(word));
  offered = actions().filter((action) => (typed.length ? fits(action.text) : action.key)).slice(0, 9);
  if (!offered.length) return;
  const group = document.createElement("div");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", dialog().dataset.sayScreen);
  const title = document.createElement("div");
  title.className = "eyebrow px-3 pt-2 pb-1";
  title.ariaHidden = "true";
  title.textContent = dialog().dataset.sayScreen;
  group.append(title);
  for (const [number, action] of offered.entries()) {
    const option = document.createElement("a");
    option.className = "menu-item aria-selected:bg-picked";
    Object.assign(option, { id: `o-a-${number}`, href: "#", tabIndex: -1 });
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.action = String(number);
    const icon = action.element.querySelector("svg")?.cloneNode(true);
    if (icon) option.append(icon);
    const text = document.createElement("span");
    text.className = "min-w-0 flex-1 truncate";
    text.textContent = action.text;
    option.append(text);
    if (action.key) {
      const key = document.createElement("kbd");
      key.className = "kbd";
      key.textContent = action.key;
      option.append(key);
    }
    group.append(option);
  }
  const everything = results.querySelector("#o-everything")?.closest("[role=group]");
  if (dialog().querySelector("[name=mode]").value === "search" && everything) everything.after(group);
  else results.prepend(group);
}

// Enter may come before the results of the last letters: what was typed then waits for them, and what stood there for
// fewer letters is not run. An entry that was walked to with the arrows was meant.
let asked = null;
let answered = null;
let walked = false;
let entered = false;
const box = () => document.querySelector("#palette input[type=search]");
document.addEventListener("htmx:before:request", (event) => {
  if (event.target === box()) asked = box().value;
});
document.addEventListener("input", (event) => {
  if (event.target === box()) walked = entered = false;
});
function enter() {
  const input = box();
  const list = choices();
  const chosen = list.find((choice) => choice.getAttribute("aria-selected") === "true") ?? list[0];
  const everything = chosen?.id === "o-everything" && dialog().querySelector("[name=mode]").value === "search";
  entered = !walked && !everything && answered !== input.value;
  if (entered) return;
  const text = input.value.trim();
  if (chosen?.id === "o-everything")
    location.assign(`${dialog().dataset.searchUrl}?${new URLSearchParams(text ? { q: text } : {})}`);
  else chosen?.click();
}
document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("#palette input[type=search]")) return;
  const list = choices();
  const at = list.findIndex((choice) => choice.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    walked = true;
    mark(list[(at + step + list.length) % list.length]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    enter();
  }
});
document.addEventListener("click", (event) => {
  const option = event.target.closest("#palette [role=option]");
  if (!option) return;
  dialog().close();
  if (option.dataset.press || option.dataset.action) event.preventDefault();
  if (option.dataset.press) document.querySelector(option.dataset.press)?.click();
  if (option.dataset.action) run(offered[Number(option.dataset.action)]);
});
document.addEventListener("htmx:after:swap", (event) => {
  if (!dialog()?.open || !event.target.closest?.("#palette") || document.getElementById("o-a-0")) return;
  showActions();
  mark(choices()[0]);
  answered = asked;
  if (entered) enter();
});
