// Short messages at the edge, with an undo where there is one. They stay while pointed at or focused.
const place = () => document.getElementById("toasts");

function arm(toast) {
  if (toast.dataset.armed) return;
  toast.dataset.armed = "1";
  const seconds = Number(toast.dataset.seconds || 8);
  let timer;
  const start = () => {
    timer = setTimeout(() => toast.remove(), seconds * 1000);
  };
  const stop = () => clearTimeout(timer);
  toast.addEventListener("mouseenter", stop);
  toast.addEventListener("focusin", stop);
  toast.addEventListener("mouseleave", start);
  toast.addEventListener("focusout", start);
  toast.querySelector("[data-dismiss]")?.addEventListener("click", () => toast.remove());
  // Taken away only when the answer is there: htmx drops the answer to an element that is gone.
  toast.querySelector("[data-undo]")?.addEventListener("click", () => {
    toast.hidden = true;
  });
  start();
}

// `action`: {text, act}, a button in it; such a toast waits until it is answered.
export function toast(text, kind = "plain", action = undefined) {
  const template = document.getElementById("toast-template");
  if (!template || !place()) return;
  const item = template.content.firstElementChild.cloneNode(true);
  item.querySelector("[data-text]").textContent = text;
  item.dataset.kind = kind;
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-xs border-current bg-transparent text-neutral-content";
    button.textContent = action.text;
    button.addEventListener("click", action.act, { once: true });
    item.querySelector("[data-dismiss]").before(button);
    item.dataset.seconds = "3600";
  }
  place().append(item);
  arm(item);
}

export const armToasts = () => place()?.querySelectorAll(".toast-item").forEach(arm);
document.addEventListener("htmx:after:swap", armToasts);

const said = (name) => document.documentElement.dataset[name] || "";
document.addEventListener("htmx:response:error", (event) => {
  const { status } = event.detail.ctx.response;
  if (status === 422) return;
  toast(status === 403 ? said("sayForbidden") : status === 404 ? said("sayGone") : said("sayFailed"), "error");
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.error instanceof TypeError) toast(said("sayOffline"), "error");
});
