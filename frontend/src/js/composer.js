// The box in which one answers. Which way is chosen decides the frame, the words on the button and the limit.
import { post } from "./htmx.js";

const graphemes = typeof Intl.Segmenter === "function" ? new Intl.Segmenter() : null;
const bytes = new TextEncoder();
export function measure(text, unit) {
  if (unit === "bytes") return bytes.encode(text).length;
  if (unit === "graphemes" && graphemes) return [...graphemes.segment(text)].length;
  return [...text].length;
}

export function composer() {
  return {
    length: 0,
    limit: 0,
    unit: "characters",
    visibility: "private",
    verb: "",
    kept: "",
    empty: true,
    timer: null,
    inFlight: null,
    sending: false,

    init() {
      this.choose();
      this.count();
      if (!("focus" in this.$root.dataset)) return;
      const area = this.area();
      const to = this.field("to");
      if (this.$root.dataset.mode === "forward" && to && !to.value) to.focus();
      else area.focus();
      area.setSelectionRange(0, 0);
      if (this.$root.dataset.mode !== "forward") area.setSelectionRange(area.value.length, area.value.length);
    },
    get over() {
      return this.limit > 0 && this.length > this.limit;
    },
    get counter() {
      return this.limit > 0 ? `${this.length} / ${this.limit}` : "";
    },
    get isPublic() {
      return this.visibility === "public";
    },
    get isNote() {
      return this.visibility === "note";
    },
    get near() {
      return this.limit > 0 && this.length > this.limit * 0.9;
    },
    get blocked() {
      return this.over || (this.empty && !this.holdsFiles()) || this.sending;
    },
    area() {
      return this.$root.querySelector("textarea[name=text]");
    },
    field(name) {
      return this.$root.querySelector(`input[name=${name}]`);
    },
    holdsFiles() {
      return Number(this.$root.querySelector("#draft-files")?.dataset.count || 0) > 0;
    },
    choose() {
      const chosen = this.$root.querySelector("input[name=via]:checked");
      if (!chosen) return;
      this.limit = Number(chosen.dataset.limit || 0);
      this.unit = chosen.dataset.unit || "characters";
      this.visibility = chosen.dataset.visibility;
      this.verb = chosen.dataset.verb;
      this.$root.dataset.visibility = this.visibility;
      this.showFields(chosen);
      this.count();
    },
    // What the chosen way takes is shown; what it fills in by itself follows it, unless somebody typed over it.
    showFields(chosen) {
      const show = (selector, wanted) => {
        for (const part of this.$root.querySelectorAll(selector)) part.hidden = !wanted;
      };
      show("[data-mail-fields], [data-mail-only]", "mail" in chosen.dataset);
      show("[data-warning-field]", "warning" in chosen.dataset);
      show("[data-format-field]", "html" in chosen.dataset);
      show("[data-files-field]", "files" in chosen.dataset);
      for (const part of this.$root.querySelectorAll("[data-audience-of]")) {
        part.hidden = part.dataset.audienceOf !== chosen.value;
        part.querySelector("select").disabled = part.hidden;
      }
      for (const name of ["to", "subject"]) {
        const input = this.field(name);
        if (!input) continue;
        if (input.value === input.dataset.default) input.value = chosen.dataset[name] || "";
        input.dataset.default = chosen.dataset[name] || "";
      }
      this.showTo();
    },
    showTo() {
      const shown = this.$root.querySelector("[data-to-shown]");
      const to = this.field("to")?.value.trim();
      if (shown && to) shown.textContent = to;
    },
    count() {
      const text = this.area()?.value ?? "";
      this.empty = text.trim() === "";
      const warning = this.$root.querySelector("[data-warning-field]:not([hidden]) input")?.value ?? "";
      this.length = measure(warning + text, this.unit);
    },
    typed() {
      const was = this.empty;
      this.count();
      if (was && !this.empty) this.field("began").value = newest(this.field("began").value);
      this.showTo();
      this.kept = "";
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.keep(), 700);
    },
    async keep() {
      const form = this.$root;
      if (!form.isConnected || this.sending) return;
      const data = new FormData(form);
      data.delete("files");
      const text = data.get("text");
      this.inFlight?.abort();
      this.inFlight = new AbortController();
      try {
        const answer = await post(form.dataset.draftUrl, data, { signal: this.inFlight.signal });
        if (this.area()?.value !== text) return; // typed on since; that will be kept in its turn
        if (answer.ok) this.advise(await answer.text());
        this.kept = answer.ok ? (text.trim() ? form.dataset.sayKept : "") : form.dataset.sayNotKept;
      } catch (error) {
        if (error.name !== "AbortError") this.kept = form.dataset.sayNotKept;
      }
    },
    // What the gate would say now, and what is left to do; left alone while somebody answers one of its questions.
    advise(html) {
      const said = new DOMParser().parseFromString(html, "text/html");
      for (const part of said.querySelectorAll("[data-part]")) {
        const place = this.$root.querySelector(`#${part.dataset.part}`);
        if (!place || place.innerHTML.trim() === part.innerHTML.trim()) continue;
        if (place.querySelector("[data-asks][open]")) continue;
        const focused = place.contains(document.activeElement);
        place.innerHTML = part.innerHTML;
        window.htmx.process(place);
        if (focused) this.area()?.focus();
      }
    },
    goVia(event) {
      const wanted = event.currentTarget.dataset.way;
      const input = [...this.$root.querySelectorAll("input[name=via]")].find((one) => one.value === wanted);
      if (!input) return;
      input.checked = true;
      this.area().focus();
      this.chooseAndKeep();
    },
    chooseAndKeep() {
      this.choose();
      this.keep();
    },
    started() {
      this.field("seen").value = newest(this.field("began").value);
      this.sending = true;
      clearTimeout(this.timer);
      this.inFlight?.abort(); // a draft that arrived after the answer would come back as one
    },
    ended(event) {
      if (event.target === this.$root) this.sending = false;
      else if (event.target.closest?.("#advice")) {
        event.target.closest("[data-asks]")?.removeAttribute("open");
        this.keep();
      }
      if (event.target.matches?.("[data-clears]")) event.target.value = "";
    },
    // Bold and italic around what is marked; a list makes each line of it an item.
    mark(event) {
      this.format(event.currentTarget.dataset.mark);
    },
    format(sign) {
      const area = this.area();
      const { selectionStart: start, selectionEnd: end, value } = area;
      if (sign === "- ") {
        const from = value.lastIndexOf("\n", start - 1) + 1;
        const lines = value.slice(from, end).split("\n");
        area.setRangeText(lines.map((line) => (line.startsWith(sign) ? line : sign + line)).join("\n"), from, end, "end");
      } else {
        area.setRangeText(sign + value.slice(start, end) + sign, start, end, "select");
        area.setSelectionRange(start + sign.length, end + sign.length);
      }
      area.focus();
      this.typed();
    },
    key(event) {
      const sign = { b: "**", i: "*" }[event.key];
      if (sign && (event.ctrlKey || event.metaKey) && event.target === this.area() && !this.$root.querySelector("[data-format-field]")?.hidden) {
        event.preventDefault();
        this.format(sign);
        return;
      }
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        if (!this.blocked) this.$root.requestSubmit(this.$root.querySelector("[data-send]"));
      }
    },
    insert(event) {
      const area = this.area();
      const text = event.detail.text;
      area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
      area.focus();
      this.typed();
    },
    // Files that are dropped or pasted go the way of those that are chosen: they are kept with the draft at once.
    dropped(event) {
      const input = this.$root.querySelector("input[type=file]");
      const files = (event.dataTransfer ?? event.clipboardData)?.files;
      if (!input || !files?.length || input.closest("[hidden]")) return;
      event.preventDefault();
      input.files = files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    },
  };
}

// The newest message on the screen, notes left out: what somebody who answers has seen. Ids sort by when they came; what
// is planned stands last and came before.
const newest = (known) =>
  [...document.querySelectorAll("[data-stream] [data-talk]")].reduce(
    (latest, item) => (item.dataset.message > latest ? item.dataset.message : latest),
    known,
  );

const insertWords = (text) =>
  document.querySelector("[data-composer]")?.dispatchEvent(new CustomEvent("composer-insert", { detail: { text } }));

// What a message says, quoted where the cursor stands.
document.addEventListener("click", (event) => {
  const id = event.target.closest("[data-quote]")?.dataset.quote;
  const words = id && document.querySelector(`#m-${id} .bubble .prose-message`)?.innerText.trim();
  const quoted = words?.split("\n").map((line) => `> ${line}`.trimEnd());
  if (quoted) insertWords(`${quoted.join("\n")}\n\n`);
});

// What the gate proposes for the words of a draft: the greeting with the name that they go by (or none), and where the
// words stand that use what we know.
const wordsOf = (part) => part.closest("form")?.querySelector("textarea[name=text]");

document.addEventListener("click", (event) => {
  const called = event.target.closest("[data-was]");
  const found = event.target.closest("[data-find-words]");
  const area = (called || found) && wordsOf(called || found);
  if (!area) return;
  if (found) {
    const at = area.value.indexOf(found.dataset.findWords);
    area.focus();
    if (at >= 0) area.setSelectionRange(at, at + found.dataset.findWords.length);
    return;
  }
  const { was, now } = called.dataset;
  const at = was ? area.value.indexOf(was) : -1;
  if (at < 0) return;
  const from = now ? at : area.value.slice(0, at).trimEnd().length;
  area.setRangeText(now, from, at + was.length, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
});

// Enter in a field sends nothing: the first button of the form, which it would press, is none that one thinks of.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
  if (!field.matches?.("[data-writes] input:not([type=file]):not([type=search]):not([type=radio]):not([type=checkbox])")) return;
  event.preventDefault();
  field.closest("[data-asks]")?.querySelector("[data-enter]").click();
});

// Words that the server sends for the box (a saved reply, a macro's answer) go to where the cursor stands.
document.addEventListener("htmx:after:swap", () => {
  for (const source of document.querySelectorAll("[data-insert-now]")) {
    insertWords(source.dataset.insertNow);
    source.remove();
  }
});
