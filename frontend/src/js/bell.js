// The bell opens its list over the page; how many are unread stands in the window's title and on the app's icon.
import htmx from "./htmx.js";

let shown = null;
function count() {
  const bell = document.getElementById("bell");
  if (!bell) return;
  const unread = Number(bell.dataset.unread || 0);
  const plain = document.title.replace(/^\(\d+\+?\) /, "");
  const title = unread ? `(${unread > 99 ? "99+" : unread}) ${plain}` : plain;
  if (document.title !== title) document.title = title;
  if (unread !== shown) {
    shown = unread;
    if (unread) navigator.setAppBadge?.(unread).catch(() => {});
    else navigator.clearAppBadge?.().catch(() => {});
  }
}
document.addEventListener("htmx:after:swap", count);
document.addEventListener("htmx:after:settle", count);
new MutationObserver(count).observe(document.head, { subtree: true, childList: true, characterData: true });
count();

document.addEventListener("click", (event) => {
  const bell = event.target.closest("#bell");
  if (!bell || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (document.getElementById("bell-panel")) return;
  htmx.ajax("GET", `${bell.getAttribute("href")}?part=panel`, { target: "body", swap: "beforeend" });
});
