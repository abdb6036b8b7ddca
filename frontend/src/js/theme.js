// The theme follows the system unless a person chose one; the choice is kept with the user.
import { post } from "./htmx.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-set-theme]");
  if (!button) return;
  const theme = button.dataset.setTheme;
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const other of document.querySelectorAll("[data-set-theme]")) {
    other.setAttribute("aria-checked", String(other === button));
  }
  post(button.dataset.url, { theme }, { keepalive: true });
});
