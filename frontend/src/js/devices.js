// Kith as an app: its service worker, new versions of it, and this browser as a device that is told of news.
import { post } from "./htmx.js";
import { toast } from "./toasts.js";

const said = (name) => document.documentElement.dataset[name] || "";
const KNOWN = "kith-device";
export const able = "serviceWorker" in navigator && window.isSecureContext;
export const pushable = able && "PushManager" in window && "Notification" in window;

function offerNewVersion(registration) {
  const waiting = registration.waiting;
  if (!waiting || !navigator.serviceWorker.controller) return;
  toast(said("sayNewVersion"), "plain", {
    text: said("sayReload"),
    act: () => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      waiting.postMessage("take-over");
    },
  });
}

async function register() {
  const registration = await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
  offerNewVersion(registration);
  registration.addEventListener("updatefound", () => {
    const fresh = registration.installing;
    fresh?.addEventListener("statechange", () => fresh.state === "installed" && offerNewVersion(registration));
  });
  const look = () => !document.hidden && registration.update().catch(() => {});
  document.addEventListener("visibilitychange", look);
}

const bytes = (text) => {
  const base64 = (text + "=".repeat((4 - (text.length % 4)) % 4)).replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
};

async function tell(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const answer = await post("/push/keep/", { endpoint, p256dh: keys.p256dh, auth: keys.auth });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? said("sayFailed"));
  sessionStorage.setItem(KNOWN, endpoint);
  return subscription;
}

async function subscribe() {
  const registration = await navigator.serviceWorker.ready;
  const { key } = await (await fetch("/push/key/", { credentials: "same-origin" })).json();
  const wanted = { userVisibleOnly: true, applicationServerKey: bytes(key) };
  try {
    return await tell(await registration.pushManager.subscribe(wanted));
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error;
    await (await registration.pushManager.getSubscription())?.unsubscribe(); // made with a key that is no longer ours
    return tell(await registration.pushManager.subscribe(wanted));
  }
}

const mine = async () => (await navigator.serviceWorker.ready).pushManager.getSubscription();

// Once for each window: a subscription lives as long as the session that told of it.
async function heal() {
  if (!pushable || Notification.permission !== "granted") return;
  const kept = await mine();
  if (kept && sessionStorage.getItem(KNOWN) !== kept.endpoint) await tell(kept);
}

// The box in Settings, Notifications. The browser asks for its permission only after a press on our button.
const box = () => document.querySelector("[data-device]");
async function show() {
  const place = box();
  if (!place) return;
  let state = "off";
  if (!able) state = "insecure";
  else if (!pushable) state = "unable";
  else if (Notification.permission === "denied") state = "denied";
  else if (Notification.permission === "granted" && (await mine())) state = "on";
  place.dataset.state = state;
  for (const part of place.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
}

const changed = () => location.reload(); // the list of devices is the server's

const deeds = {
  async allow() {
    if ((await Notification.requestPermission()) !== "granted") return;
    await subscribe();
    changed();
  },
  async forget() {
    const kept = await mine();
    if (!kept) return;
    await post("/push/forget/", { endpoint: kept.endpoint });
    await kept.unsubscribe();
    sessionStorage.removeItem(KNOWN);
    changed();
  },
  async try() {
    const kept = await mine();
    const answer = await post("/push/try/", { endpoint: kept?.endpoint ?? "" });
    toast((await answer.json()).said);
  },
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-device-do]");
  if (!button) return;
  button.disabled = true;
  try {
    await deeds[button.dataset.deviceDo]();
  } catch (error) {
    toast(`${said("sayPushFailed")} ${error.message}`, "error");
  }
  button.disabled = false;
  await show();
});
// While Kith is open but not looked at, the browser shows what is new; the same mark as the push, so nothing stands twice.
let latest;
async function ring() {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const answer = await fetch("/push/news/", { credentials: "same-origin", headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected) return;
  const { news } = await answer.json();
  const fresh = latest === undefined ? [] : news.filter((one) => one.id > latest);
  latest = news.at(-1)?.id ?? latest ?? "";
  if (!document.hidden || !able) return;
  const registration = await navigator.serviceWorker.getRegistration();
  for (const one of fresh) {
    registration?.showNotification(one.title, {
      body: one.body,
      tag: one.tag,
      icon: "/static/dist/kith-192.png",
      badge: "/static/dist/kith-badge.png",
      data: { path: one.path, id: one.id },
    });
  }
}

const listener = document.getElementById("news");
if (listener) {
  listener.addEventListener("kith:refresh", () => ring().catch(() => {}));
  ring().catch(() => {});
}
if (able && listener) {
  register().catch(() => {});
  heal().catch(() => {});
}
show();
