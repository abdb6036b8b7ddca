// Stands before every page of Kith. It keeps files of the front end and one page that says that there is no connection;
// never a page with anything in it. It shows what was pushed, and leads to it.
const CACHE = `kith-${KITH.version}`;

self.addEventListener("install", (event) => {
  const keep = [...KITH.files, KITH.offline].map((path) => new Request(path, { cache: "reload", credentials: "same-origin" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(keep)));
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith("kith-") && name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

// A page asks this when its reader has agreed to the new version.
self.addEventListener("message", (event) => {
  if (event.data === "take-over") self.skipWaiting();
  if (event.data === "version") event.source?.postMessage({ version: KITH.version });
});

async function page(request) {
  try {
    return await fetch(request);
  } catch {
    const cache = await caches.open(CACHE);
    return (await cache.match(KITH.offline)) ?? Response.error();
  }
}

async function file(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const fresh = await fetch(request);
  if (fresh.ok && fresh.type === "basic") await cache.put(request.url, fresh.clone());
  return fresh;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  // Their names change with their content, so a kept one is never an old one.
  else if (url.pathname.startsWith("/static/dist/assets/")) event.respondWith(file(request));
});

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data?.json() ?? {};
  } catch {
    told = {};
  }
  const options = {
    body: told.body ?? "",
    tag: told.tag ?? "kith",
    icon: "/static/dist/kith-192.png",
    badge: "/static/dist/kith-badge.png",
    data: { path: told.path ?? "/", id: told.id ?? "" },
  };
  event.waitUntil(self.registration.showNotification(told.title ?? "Kith", options));
});

async function open(path) {
  const target = new URL(path, self.location.origin);
  if (target.origin !== self.location.origin) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((one) => new URL(one.url).pathname === target.pathname) ?? windows[0];
  if (!there) {
    await self.clients.openWindow(target.href);
    return;
  }
  await there.focus().catch(() => {});
  if (new URL(there.url).pathname !== target.pathname) {
    // A window that this worker does not stand before can't be led by it.
    await there.navigate(target.href).catch(() => self.clients.openWindow(target.href));
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.path ?? "/"));
});

// The browser renewed its address by itself: the next page that is opened tells it to Kith (frontend/src/js/devices.js).
self.addEventListener("pushsubscriptionchange", (event) => {
  const key = event.oldSubscription?.options?.applicationServerKey;
  if (!key) return;
  event.waitUntil(self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
});
