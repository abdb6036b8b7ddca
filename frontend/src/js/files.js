// A field for files says which were chosen, and can be emptied again.
const said = (field) => {
  const names = [...field.querySelector("input[type=file]").files].map((file) => file.name);
  const told = field.querySelector("[data-none]");
  told.textContent = names.join(", ") || told.dataset.none;
  field.querySelector("[data-chosen-clear]").hidden = !names.length;
};

document.addEventListener("change", (event) => {
  const field = event.target.closest?.("[data-chosen]");
  if (field) said(field);
});

document.addEventListener("click", (event) => {
  const field = event.target.closest("[data-chosen-clear]")?.closest("[data-chosen]");
  if (!field) return;
  const input = field.querySelector("input[type=file]");
  input.value = "";
  input.dispatchEvent(new Event("change", { bubbles: true }));
  input.focus();
});

// What the browser brings back with a page that was left.
addEventListener("pageshow", () => document.querySelectorAll("[data-chosen]").forEach(said));
