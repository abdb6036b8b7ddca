// The theme follows the system unless a person chose one; lists are comfortable unless they chose compact. Both choices are
// kept with the user.
import { post } from "./htmx.js";

document.addEventListener("click", (event) => {
  for (const name of ["theme", "density"]) {
    const button = event.target.closest(`[data-set-${name}]`);
    if (!button) continue;
    const chosen = button.getAttribute(`data-set-${name}`);
    if (chosen) document.documentElement.dataset[name] = chosen;
    else delete document.documentElement.dataset[name];
    for (const other of document.querySelectorAll(`[data-set-${name}]`)) {
      other.setAttribute("aria-checked", String(other === button));
    }
    post(button.dataset.url, { [name]: chosen }, { keepalive: true });
  }
});
