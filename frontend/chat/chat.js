// Kith's chat window for any page: `<script src="https://kith.example/chat/<account>.js" async></script>`.
// The server writes `__KITH_CHAT__` in front of this file. Text from anybody is only ever set as text.
import css from "./style.js";
import { choose } from "./texts.js";
import { wire } from "./wire.js";

const config = __KITH_CHAT__;
const script = document.currentScript;
const base = new URL(script?.src ?? location.href).origin;
const [language, t] = choose();
const SVG = "http://www.w3.org/2000/svg";

function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}
function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  const set = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" };
  for (const [name, value] of Object.entries(set)) svg.setAttribute(name, value);
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
const CHAT = "M4 5h16v11H9l-5 4z";
const CROSS = "M6 6l12 12M18 6L6 18";
const CLIP = "M21 11l-9 9a5 5 0 0 1-7-7l9-9a3.5 3.5 0 0 1 5 5l-9 9a2 2 0 0 1-3-3l8-8";

function start() {
  if (document.querySelector(`[data-kith-chat="${config.account}"]`)) return;
  const net = wire(config, base);
  const { kept, keep } = net;
  let said = [];
  let seen = "";
  let here = true;
  let open = false;
  let live = false;
  let files = [];
  const waiting = new Map(); // nonce -> what is being sent
  let unreadFrom = kept.last ?? "";

  const badge = el("span", { class: "badge", hidden: true });
  const launch = el("button", { class: "launch", type: "button", "aria-expanded": "false", "aria-controls": "panel", "aria-label": t.open, onclick: () => toggle() }, icon(CHAT), badge);
  const log = el("div", { class: "log", role: "log", "aria-label": t.log, tabindex: 0 });
  const status = el("p", { class: "state", role: "status" });
  const error = el("p", { class: "error", role: "alert", id: "error", hidden: true });
  const name = el("input", { id: "name", autocomplete: "name", maxlength: 100, value: kept.name ?? "" });
  const email = el("input", { id: "email", type: "email", autocomplete: "email", maxlength: 254, "aria-describedby": "leave" });
  const leave = el("p", { class: "note", id: "leave" });
  const known = el("p", { class: "note" });
  const who = el("div", {}, el("label", { for: "name" }, t.name), name);
  const mail = el("div", {}, leave, el("label", { for: "email" }, t.email), email);
  const text = el("textarea", { id: "text", maxlength: config.length, rows: 3, onkeydown: onKey });
  const trap = el("input", { id: "website", tabindex: -1, autocomplete: "off" });
  const chips = el("ul", { class: "chips" });
  const pick = el("input", { type: "file", multiple: true, hidden: true, onchange: onPick });
  const form = el(
    "form",
    { novalidate: true, onsubmit: onSubmit },
    status,
    known,
    who,
    mail,
    el("label", { for: "text" }, t.write),
    text,
    el("div", { class: "trap", "aria-hidden": "true" }, el("label", { for: "website" }, "Website"), trap),
    chips,
    error,
    el(
      "div",
      { class: "row" },
      pick,
      el("button", { class: "icon", type: "button", "aria-label": t.attach, onclick: () => pick.click() }, icon(CLIP)),
      el("button", { class: "send" }, t.send),
    ),
  );
  const panel = el(
    "section",
    { class: "panel", id: "panel", role: "dialog", "aria-labelledby": "title", hidden: true, onkeydown: (event) => event.key === "Escape" && toggle(false) },
    el("header", {}, el("h2", { id: "title" }, config.title), el("button", { class: "icon", type: "button", "aria-label": t.close, onclick: () => toggle(false) }, icon(CROSS))),
    log,
    form,
  );
  const host = el("div", { "data-kith-chat": config.account, "data-theme": script?.dataset.theme, lang: language });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  const frame = el("div", {}, panel, launch);
  root.append(frame);
  document.body.append(host);

  function toggle(wanted = !open) {
    open = wanted;
    panel.hidden = !open;
    frame.classList.toggle("open", open);
    launch.setAttribute("aria-expanded", open);
    if (open) {
      refresh();
      text.focus();
      log.scrollTop = log.scrollHeight;
    } else launch.focus();
    markRead();
    wake();
  }

  function markRead() {
    const ours = said.filter((one) => one.ours);
    if (open && ours.length) {
      unreadFrom = ours.at(-1).at;
      keep({ last: unreadFrom });
    }
    const count = open ? 0 : ours.filter((one) => one.at > unreadFrom).length;
    badge.hidden = !count;
    badge.textContent = count > 9 ? "9+" : count;
    launch.setAttribute("aria-label", open ? t.close : count ? `${t.open}, ${count} ${t.unread}` : t.open);
  }

  // Addresses become links, as elements; nothing is ever read as HTML.
  function words(content) {
    return content.split(/(https?:\/\/[^\s<>"']+)/).map((part, at) =>
      at % 2 ? el("a", { href: part, target: "_blank", rel: "noopener noreferrer nofollow" }, part) : part,
    );
  }
  function size(bytes) {
    return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  }
  function bubble(one) {
    const at = new Date(one.at);
    const box = el("div", { class: one.ours ? "said" : "said mine" }, el("span", { class: "sr" }, `${one.ours ? config.title : t.you}: `), ...words(one.text));
    for (const file of one.files ?? []) {
      const label = `${file.name} (${size(file.size)})`;
      box.append(el("div", {}, file.id ? el("button", { class: "link", type: "button", onclick: () => download(file) }, label) : label));
    }
    if (one.how) box.append(el("span", { class: "how" }, one.how), one.retry ?? "");
    else box.append(el("time", { datetime: one.at }, at.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" })));
    return box;
  }
  const drawn = new Map(); // key -> element, so that a screen reader hears only what is new
  function draw() {
    const bottom = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    const wanted = [];
    if (config.greeting) wanted.push(["greeting", () => el("div", { class: "said" }, config.greeting)]);
    const arrived = new Set(said.map((one) => one.nonce));
    for (const one of said) {
      waiting.delete(one.nonce);
      wanted.push([one.id, () => bubble(one)]);
    }
    for (const [nonce, one] of waiting) if (!arrived.has(nonce)) wanted.push([`w${nonce}${one.how ?? ""}`, () => bubble(one)]);
    const keys = new Set(wanted.map(([key]) => key));
    for (const [key, element] of drawn) {
      if (!keys.has(key)) {
        element.remove();
        drawn.delete(key);
      }
    }
    wanted.forEach(([key, make], at) => {
      if (!drawn.has(key)) drawn.set(key, make());
      if (log.children[at] !== drawn.get(key)) log.insertBefore(drawn.get(key), log.children[at] ?? null);
    });
    if (bottom) log.scrollTop = log.scrollHeight;
    status.textContent = here ? t.here : t.away;
    const gave = kept.email ?? "";
    known.hidden = !gave || mail.dataset.change === "1";
    known.replaceChildren(`${t.mail} ${gave}. `, el("button", { class: "link", type: "button", onclick: changeMail }, t.change));
    mail.hidden = !known.hidden || (here && !kept.wrote);
    leave.textContent = here ? t.leave : "";
    who.hidden = Boolean(kept.wrote);
    markRead();
  }
  function changeMail() {
    mail.dataset.change = "1";
    email.value = kept.email ?? "";
    draw();
    email.focus();
  }

  let asking = null;
  async function refresh() {
    if (asking) return asking.again();
    let more = false;
    asking = { again: () => (more = true) };
    try {
      const answer = await net.ask(`${net.messages}?seen=${seen}`);
      if (answer.status === 200) {
        const news = await answer.json();
        [said, seen, here] = [news.messages, news.seen, news.here];
        draw();
      }
    } catch {
      // the next look will tell
    } finally {
      asking = null;
      if (more) refresh();
    }
  }

  async function download(file) {
    const answer = await net.ask(net.file(file.id)).catch(() => null);
    if (!answer?.ok) return;
    const address = URL.createObjectURL(await answer.blob());
    el("a", { href: address, download: file.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1e4);
  }

  function complain(code) {
    const told = { email: t.bademail, files: t.files.replace("{n}", config.files).replace("{m}", config.bytes / 1048576) }[code] ?? t[code] ?? t.unclear;
    error.textContent = told;
    error.hidden = false;
    email.toggleAttribute("aria-invalid", code === "email");
  }
  function onPick() {
    const chosen = [...files, ...pick.files];
    pick.value = "";
    if (chosen.length > config.files || chosen.some((file) => file.size > config.bytes)) return complain("files");
    files = chosen;
    error.hidden = true;
    drawChips();
  }
  function drawChips() {
    chips.replaceChildren(
      ...files.map((file) =>
        el("li", {}, `${file.name} (${size(file.size)}) `, el("button", { class: "link", type: "button", "aria-label": `${t.remove} ${file.name}`, onclick: () => { files = files.filter((one) => one !== file); drawChips(); text.focus(); } }, t.remove)),
      ),
    );
  }
  function onKey(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  }
  function onSubmit(event) {
    event.preventDefault();
    const content = text.value.trim();
    const address = mail.hidden ? "" : email.value.trim();
    if (!content && !files.length) return complain("empty"), text.focus();
    if (address && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(address)) return complain("email"), email.focus();
    error.hidden = true;
    const one = { nonce: net.random(12), text: content, at: new Date().toISOString(), ours: false, upload: files, files: files.map((file) => ({ name: file.name, size: file.size })), address, name: name.value.trim() };
    text.value = "";
    files = [];
    drawChips();
    log.scrollTop = log.scrollHeight;
    deliver(one);
  }
  async function deliver(one) {
    one.how = t.sending;
    one.retry = null;
    waiting.set(one.nonce, one);
    draw();
    log.scrollTop = log.scrollHeight;
    const body = new FormData();
    for (const [key, value] of Object.entries({ text: one.text, nonce: one.nonce, name: one.name, email: one.address, page: location.href.split("#")[0].slice(0, 1000), website: trap.value })) body.append(key, value);
    for (const file of one.upload) body.append("files", file, file.name);
    let code = "unclear";
    try {
      const answer = await net.ask(net.messages, { method: "POST", body });
      const told = await answer.json();
      if (answer.ok) {
        here = told.here;
        delete mail.dataset.change;
        keep({ wrote: true, name: one.name, ...(one.address ? { email: one.address } : {}) });
        one.how = "";
        draw();
        refresh();
        listen();
        wake();
        return;
      }
      code = told.error;
    } catch {
      code = "offline";
    }
    one.how = t.failed;
    one.retry = el("button", { class: "link", type: "button", onclick: () => deliver(one) }, t.again);
    complain(code);
    draw();
  }

  // Live while the page is looked at; asks by itself, slower, where the stream can't be had.
  let streaming = null;
  let pause = 1000;
  async function listen() {
    if (streaming || !kept.wrote || document.hidden) return;
    streaming = new AbortController();
    try {
      await net.stream(() => ((live = true), (pause = 1000), refresh()), refresh, streaming.signal);
    } catch {
      pause = Math.min(pause * 2, 6e4);
    }
    live = false;
    streaming = null;
    if (!document.hidden) setTimeout(listen, pause * (0.75 + Math.random() / 2));
  }
  let timer;
  function wake() {
    clearTimeout(timer);
    const rest = live ? 6e4 : open ? (kept.wrote ? 4000 : 3e4) : 3e4;
    timer = setTimeout(() => {
      if (!document.hidden && (open || kept.wrote)) refresh();
      wake();
    }, rest);
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return streaming?.abort();
    if (kept.wrote) refresh();
    listen();
  });
  addEventListener("pagehide", () => streaming?.abort());
  addEventListener("pageshow", (event) => event.persisted && listen());
  draw();
  if (kept.wrote) {
    refresh();
    listen();
  }
  wake();
}

if (document.body) start();
else addEventListener("DOMContentLoaded", start);
