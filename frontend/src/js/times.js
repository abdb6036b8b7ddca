// Times are written once by the server as <time datetime data-as>; here they get the reader's language and zone.
const root = document.documentElement;
const wanted = root.lang || "en";
const language = navigator.languages?.find((tag) => tag.split("-")[0] === wanted.split("-")[0]) ?? wanted;
const zone = root.dataset.timeZone || undefined;
const make = (options) => {
  try {
    return new Intl.DateTimeFormat(language, { timeZone: zone, ...options });
  } catch {
    return new Intl.DateTimeFormat(language, options);
  }
};
const full = make({ dateStyle: "full", timeStyle: "short" });
const clock = make({ hour: "2-digit", minute: "2-digit" });
const dayMonth = make({ day: "numeric", month: "short" });
const dayMonthYear = make({ day: "numeric", month: "short", year: "numeric" });
const weekday = make({ weekday: "short" });
const longDay = make({ weekday: "long", day: "numeric", month: "long" });
const longDayYear = make({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const dayKey = make({ year: "numeric", month: "2-digit", day: "2-digit" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const relativeLong = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "long" });
const unit = (value, name) =>
  new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: name === "day" ? "long" : "short" }).format(value);

const MINUTE = 60e3;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const today = () => dayKey.format(new Date());
const daysFrom = (date) => {
  const noon = (d) => {
    const parts = Object.fromEntries(dayKey.formatToParts(d).map((part) => [part.type, part.value]));
    return Date.UTC(+parts.year, parts.month - 1, +parts.day);
  };
  return Math.round((noon(date) - noon(new Date())) / DAY);
};
const sameYear = (date) => new Date().getFullYear() === date.getFullYear();
const capital = (text) => text.charAt(0).toLocaleUpperCase(language) + text.slice(1);

const forms = {
  // "9 min", "3 hr", "yesterday", "12 Nov": for lists
  ago(date) {
    const gone = Date.now() - date;
    if (gone < 0) return forms.due(date);
    if (gone < MINUTE) return relative.format(0, "second");
    if (gone < HOUR) return unit(Math.floor(gone / MINUTE), "minute");
    if (gone < 12 * HOUR && dayKey.format(date) === today()) return unit(Math.floor(gone / HOUR), "hour");
    const days = daysFrom(date);
    if (days === 0) return clock.format(date);
    if (days === -1) return relativeLong.format(-1, "day");
    if (days > -6) return weekday.format(date);
    return forms.date(date);
  },
  // how long something has lasted: "9 min", "3 hr", "21 days"
  since(date) {
    const gone = Math.max(0, Date.now() - date);
    if (gone < HOUR) return unit(Math.max(1, Math.floor(gone / MINUTE)), "minute");
    if (gone < DAY) return unit(Math.floor(gone / HOUR), "hour");
    return unit(Math.floor(gone / DAY), "day");
  },
  // when something is due: "today, 17:00", "tomorrow", "Fri", "12 Dec"
  due(date) {
    const days = daysFrom(date);
    if (days === 0) return `${relativeLong.format(0, "day")}, ${clock.format(date)}`;
    if (Math.abs(days) === 1) return relativeLong.format(days, "day");
    if (days > 1 && days < 7) return weekday.format(date);
    return forms.date(date);
  },
  date: (date) => (sameYear(date) ? dayMonth : dayMonthYear).format(date),
  clock: (date) => clock.format(date),
  moment(date) {
    const days = daysFrom(date);
    const day = days === 0 || days === -1 ? relativeLong.format(days, "day") : forms.date(date);
    return `${day}, ${clock.format(date)}`;
  },
  day(date) {
    const days = daysFrom(date);
    if (days === 0 || days === -1) return capital(relativeLong.format(days, "day"));
    return capital((sameYear(date) ? longDay : longDayYear).format(date));
  },
  full: (date) => full.format(date),
};

export function formatTimes(scope) {
  for (const element of scope.querySelectorAll("time[data-as]")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const text = (forms[element.dataset.as] ?? forms.moment)(date);
    if (element.textContent !== text) element.textContent = text;
    if (!element.title) element.title = full.format(date);
  }
}

const key = (date) => dayKey.format(date);

// A line with the day above the first message of each day, by the reader's own calendar.
export function separateDays(scope) {
  for (const list of scope.querySelectorAll("[data-days]")) {
    let last = "";
    for (const item of [...list.children]) {
      if (item.matches(".day-line")) {
        item.remove();
        continue;
      }
      const stamp = item.dataset.at;
      if (!stamp) continue;
      const date = new Date(stamp);
      if (key(date) === last) continue;
      last = key(date);
      const line = document.createElement("li");
      line.className = "day-line";
      const label = document.createElement("time");
      label.dateTime = stamp.slice(0, 10);
      label.textContent = forms.day(date);
      line.append(label);
      item.before(line);
    }
  }
}

const all = () => {
  formatTimes(document);
  separateDays(document);
};
document.addEventListener("htmx:after:swap", all);
setInterval(() => formatTimes(document), 30e3);
export const refreshTimes = all;
