// To and from the server: no cookies; the key in this page's own storage says that it is the same browser.
export function wire(config, base) {
  const place = `kith-chat-${config.account}`;
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(place)) ?? {};
  } catch {
    // storage is blocked: the talk lasts as long as the page
  }
  const keep = (changes) => {
    Object.assign(kept, changes);
    try {
      localStorage.setItem(place, JSON.stringify(kept));
    } catch {}
  };
  const random = (bytes) =>
    btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  if (!/^[\w-]{43}$/.test(kept.key ?? "")) keep({ key: random(32), wrote: false });

  const ask = (path, options = {}) =>
    fetch(path, { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store", ...options, headers: { "X-Kith-Visitor": kept.key } });

  // One stream of events by fetch, which can send a header where EventSource can't. Resolves when it ends.
  async function stream(onOpen, onNews, signal) {
    const answer = await ask(new URL(config.live, base).href, { signal });
    if (!answer.ok || !answer.body) throw new Error(answer.status);
    onOpen();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const parts = rest.split("\n\n");
      rest = parts.pop();
      if (parts.some((part) => /^data:/m.test(part))) onNews();
    }
  }
  return { kept, keep, random, ask, stream, messages: `${base}/chat/${config.account}/messages`, file: (id) => `${base}/chat/${config.account}/files/${id}` };
}
