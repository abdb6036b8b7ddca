// Fields for people: what is typed after the last comma is looked for, and whoever is chosen is typed to the end.
const WAIT = 150; // milliseconds
let field = null;
let timer;
let asked = 0;

const box = () => document.getElementById("who-found");
const options = () => [...(box()?.querySelectorAll("[role=option]") ?? [])];
const chosen = () => options().find((option) => option.getAttribute("aria-selected") === "true");

// Where the last name begins: after the last comma that stands in no quotes.
function begins(text) {
  let quoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"') quoted = !quoted;
    else if (",;".includes(text[at]) && !quoted) start = at + 1;
  }
  return start;
}

function close() {
  clearTimeout(timer);
  asked += 1;
  box()?.remove();
  field?.setAttribute("aria-expanded", "false");
  field?.removeAttribute("aria-activedescendant");
}

function mark(option) {
  for (const one of options()) one.setAttribute("aria-selected", String(one === option));
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function show(html) {
  box()?.remove();
  const list = document.createElement("ul");
  Object.assign(list, { id: "who-found", className: "menu-list suggest-list" });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.labels?.[0]?.textContent.trim() ?? "");
  list.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  if (!list.querySelector("[role=option]")) return close();
  // In the box of the label a press would go to the field.
  (field.closest("label") ?? field).after(list);
  field.setAttribute("aria-expanded", "true");
}

async function look() {
  const mine = (asked += 1);
  const text = field.value.slice(begins(field.value)).trim();
  if (text.length < 2) return close();
  const account = field.form?.elements.account?.value ?? "";
  try {
    const query = new URLSearchParams({ q: text, account });
    const answer = await fetch(`${field.dataset.suggest}?${query}`, {
      credentials: "same-origin",
      headers: { "HX-Request": "true" },
    });
    if (mine === asked && answer.ok && document.activeElement === field) show(await answer.text());
  } catch {
    // offline: what is typed still counts
  }
}

function take(option) {
  const start = begins(field.value);
  field.value = `${field.value.slice(0, start)}${start ? " " : ""}${option.dataset.typed}, `;
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
  close();
}

function adopt(target) {
  if (target === field || !target?.matches?.("input[data-suggest]")) return;
  field = target;
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", "who-found");
  field.setAttribute("aria-expanded", "false");
}

document.addEventListener("focusin", (event) => adopt(event.target));
adopt(document.activeElement); // it may have the keys before this is read

document.addEventListener("focusout", (event) => {
  if (event.target === field) close();
});

document.addEventListener("input", (event) => {
  if (event.target !== field) return;
  clearTimeout(timer);
  timer = setTimeout(look, WAIT);
});

document.addEventListener(
  "keydown",
  (event) => {
    const list = options();
    if (event.target !== field || !list.length || event.isComposing) return;
    const now = list.indexOf(chosen());
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark(list[(now + step + list.length + (now < 0 && step < 0 ? 1 : 0)) % list.length]);
    } else if ((event.key === "Enter" || event.key === "Tab") && now >= 0) take(list[now]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

// The field keeps the keys while one is pressed.
document.addEventListener("pointerdown", (event) => {
  if (event.target.closest?.("#who-found")) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const option = event.target.closest?.("#who-found [role=option]");
  if (option) take(option);
});
