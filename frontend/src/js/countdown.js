// Seconds until something is too late: <span data-countdown="2026-01-01T12:00:10Z">. What stands in [data-until] goes then.
import { news } from "./live.js";

const format = new Intl.NumberFormat(document.documentElement.lang || "en", {
  style: "unit",
  unit: "second",
  unitDisplay: "short",
});

function tick() {
  for (const item of document.querySelectorAll("[data-countdown]")) {
    const left = Math.ceil((new Date(item.dataset.countdown) - Date.now()) / 1000);
    if (left > 0) {
      item.textContent = format.format(left);
      continue;
    }
    item.removeAttribute("data-countdown");
    item.textContent = "";
    const whole = item.closest("[data-until]");
    if (whole) whole.hidden = true;
    item.closest(".toast-item")?.querySelector("[data-undo]")?.remove();
    const open = document.querySelector("[data-conversation]")?.dataset.conversation;
    if (whole && open) setTimeout(() => news(`inbox:${open}`), 1500);
  }
}
tick();
setInterval(tick, 500);
document.addEventListener("htmx:after:swap", tick);
