// <dialog> opened by data-dialog="id" (or filled from data-url first) and closed by data-close or a click outside.
import htmx from "./htmx.js";

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
  return dialog;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    openDialog(opener.dataset.dialog);
    return;
  }
  const dialog = event.target.closest("dialog[open]");
  if (!dialog) return;
  if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
});

// A fragment that brings a dialog with data-open shows it at once, and takes it away when it is closed.
export function showNewDialogs() {
  for (const dialog of document.querySelectorAll("dialog[data-open]:not([open])")) {
    dialog.removeAttribute("data-open");
    dialog.showModal();
    dialog.addEventListener("close", () => dialog.remove(), { once: true });
  }
}
document.addEventListener("htmx:after:swap", showNewDialogs);

// What is asked from inside a dialog closes it once it has been answered: an element that is gone gets no answer.
document.addEventListener("htmx:finally:request", (event) => {
  const source = event.target.closest?.("[data-close-after]");
  const status = event.detail?.ctx?.response?.status ?? 0;
  if (source && source === event.target && status && status < 400) source.closest("dialog")?.close();
});

// Questions before something that can't be undone: our dialog in place of the browser's.
document.addEventListener("htmx:confirm", (event) => {
  const { ctx, issueRequest, dropRequest } = event.detail;
  const dialog = document.getElementById("confirm");
  if (!dialog || !ctx.confirm) return;
  event.preventDefault();
  dialog.querySelector("[data-question]").textContent = ctx.confirm;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => (dialog.returnValue === "yes" ? issueRequest() : dropRequest()), { once: true });
  dialog.showModal();
});

export { htmx };
