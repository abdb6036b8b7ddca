// What somebody typed or chose while the page was still loading counts too: a list that filters as one types hears of it now.
const before = (select) => Math.max(0, [...select.options].findIndex((one) => one.defaultSelected));
const moved = (field) => {
  if (field.matches("select")) return field.selectedIndex !== before(field);
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
};

// htmx listens from a task of its own that was queued before this one.
setTimeout(() => {
  for (const list of document.querySelectorAll("form[hx-get][hx-trigger], input[type=search][hx-get]")) {
    if (list.closest("dialog")) continue;
    const fields = list.matches("form") ? [...list.querySelectorAll("input:not([type=hidden]), select")] : [list];
    const early = fields.find(moved);
    early?.dispatchEvent(new Event(early.matches("[type=search]") ? "input" : "change", { bubbles: true }));
  }
});
