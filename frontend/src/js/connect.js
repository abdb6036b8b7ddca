// While a far server is asked, the form of a channel shows what is being done, step by step, and can stop it.
import { post } from "./htmx.js";

const EVERY = 500; // milliseconds
let run = null;

const part = (name) => document.getElementById(name);

function named() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}

const address = (id) => part("connect").dataset.steps.replace("00000000-0000-0000-0000-000000000000", id);

async function look() {
  const mine = run;
  try {
    const answer = await fetch(address(mine.id), { credentials: "same-origin", headers: { "HX-Request": "true" } });
    const text = answer.ok ? await answer.text() : "";
    const list = part("connect-steps");
    if (run === mine && list && text && text !== mine.shown) {
      mine.shown = text;
      list.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
    }
  } catch {
    // the next look may get through
  }
  if (run === mine) mine.timer = setTimeout(look, EVERY);
}

const fields = (form) => [...form.elements].filter((field) => field.name && "value" in field && field.type !== "radio" && field.type !== "checkbox");

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  const form = ctx.sourceElement?.closest?.("#connect");
  if (!form) return;
  const last = run;
  run = { id: named(), element: ctx.sourceElement, sent: new Map() };
  clearTimeout(last?.timer);
  // A search for servers that is still on has nothing to say any more to who goes ahead without it.
  if (last && last.element !== run.element) last.element.dispatchEvent(new CustomEvent("htmx:abort"));
  for (const field of fields(form)) run.sent.set(field.name, { field, value: field.value });
  ctx.request.headers["X-Kith-Run"] = run.id;
  ctx.request.timeout = 240e3;
  part("connect-steps").replaceChildren();
  part("connect-said").replaceChildren();
  run.timer = setTimeout(look, EVERY / 2);
});

// The answer shows the form as it was sent. What was typed since stays, and a secret that is asked for anew, too.
document.addEventListener("htmx:after:swap", () => {
  const form = part("connect");
  if (!form || !run) return;
  for (const [name, was] of run.sent) {
    const field = form.elements[name];
    if (!field || field === was.field || !("value" in field)) continue;
    if (was.field.type === "password" || was.field.value !== was.value) field.value = was.field.value;
    was.field = field;
  }
});

document.addEventListener("htmx:finally:request", (event) => {
  if (!run || event.detail.ctx.sourceElement !== run.element) return;
  clearTimeout(run.timer);
  run = null;
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-connect-stop]");
  if (!button || !run) return;
  const mine = run;
  button.disabled = true;
  try {
    const { stopped, said } = await (await post(address(mine.id))).json();
    if (run !== mine) return;
    if (stopped) mine.element.dispatchEvent(new CustomEvent("htmx:abort"));
    const line = document.createElement("p");
    line.className = "rounded-box border border-line px-3 py-2 text-small";
    line.textContent = said;
    part("connect-said").replaceChildren(line);
  } finally {
    button.disabled = false;
  }
});
