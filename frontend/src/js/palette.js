// The command palette: people, conversations and commands in one box. Results come from the server as a fragment.
import { openDialog } from "./dialogs.js";
import { onKey } from "./keys.js";

const show = () => {
  const dialog = openDialog("palette");
  const input = dialog?.querySelector("input");
  input?.select();
  input?.focus();
};
onKey("palette", show);
onKey("/", show);

const choices = () => [...document.querySelectorAll("#palette [role=option]")];
const mark = (next) => {
  const input = document.querySelector("#palette input");
  for (const choice of choices()) choice.setAttribute("aria-selected", String(choice === next));
  input.setAttribute("aria-activedescendant", next?.id ?? "");
  next?.scrollIntoView({ block: "nearest" });
};

document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("#palette input")) return;
  const list = choices();
  const at = list.findIndex((choice) => choice.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    mark(list[(at + step + list.length) % list.length]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    (list[at] ?? list[0])?.click();
  }
});
document.addEventListener("click", (event) => {
  const option = event.target.closest("#palette [role=option]");
  if (!option) return;
  document.getElementById("palette").close();
  if (option.dataset.press) document.querySelector(option.dataset.press)?.click();
});
document.addEventListener("htmx:after:swap", () => {
  if (document.getElementById("palette")?.open) mark(choices()[0]);
});
