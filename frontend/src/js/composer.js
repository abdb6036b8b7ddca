// The box in which one answers. Which way is chosen decides the frame, the words on the button and the limit.
import { post } from "./htmx.js";
import { toast } from "./toasts.js";

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
      return this.over || this.empty || this.sending;
    },
    area() {
      return this.$root.querySelector("textarea[name=text]");
    },
    choose() {
      const chosen = this.$root.querySelector("input[name=via]:checked");
      if (!chosen) return;
      this.limit = Number(chosen.dataset.limit || 0);
      this.unit = chosen.dataset.unit || "characters";
      this.visibility = chosen.dataset.visibility;
      this.verb = chosen.dataset.verb;
      this.$root.dataset.visibility = this.visibility;
      this.count();
    },
    count() {
      const text = this.area()?.value ?? "";
      this.empty = text.trim() === "";
      this.length = measure(text, this.unit);
    },
    typed() {
      this.count();
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
        const answer = await post(form.dataset.draftUrl, data, this.inFlight.signal);
        if (this.area()?.value !== text) return; // typed on since; that will be kept in its turn
        this.kept = answer.ok ? (text.trim() ? form.dataset.sayKept : "") : form.dataset.sayNotKept;
      } catch (error) {
        if (error.name !== "AbortError") this.kept = form.dataset.sayNotKept;
      }
    },
    chooseAndKeep() {
      this.choose();
      this.keep();
    },
    started() {
      this.sending = true;
      clearTimeout(this.timer);
      this.inFlight?.abort(); // a draft that arrived after the answer would come back as one
    },
    ended(event) {
      if (event.target === this.$root) this.sending = false;
    },
    key(event) {
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
    files(event) {
      const list = this.$root.querySelector("[data-files]");
      list.replaceChildren(
        ...[...event.target.files].map((file) => {
          const item = document.createElement("li");
          item.className = "chip";
          item.textContent = `${file.name} · ${sizeOf(file.size)}`;
          return item;
        }),
      );
    },
    dropped(event) {
      const input = this.$root.querySelector("input[type=file]");
      if (!input || !event.dataTransfer?.files.length) return;
      event.preventDefault();
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change"));
      toast(input.files[0].name);
    },
  };
}

export function sizeOf(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let at = 0;
  let value = count;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return new Intl.NumberFormat(document.documentElement.lang, {
    style: "unit",
    unit: units[at],
    unitDisplay: "short",
    maximumFractionDigits: at > 1 ? 1 : 0,
  }).format(value);
}

// A saved reply goes to where the cursor stands.
document.addEventListener("click", (event) => {
  const source = event.target.closest("[data-insert]");
  const form = source?.closest("[data-composer]");
  if (form) form.dispatchEvent(new CustomEvent("composer-insert", { detail: { text: source.dataset.insert } }));
});
