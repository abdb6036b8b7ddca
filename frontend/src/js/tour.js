// The tour of a minute: a dialog that walks over the real screen. Arrow keys and Enter lead on, Escape skips; either way it
// is remembered, and the user's menu starts it again.
import { post } from "./htmx.js";

const tour = document.getElementById("tour");

if (tour) {
  const steps = [...tour.querySelectorAll("[data-step]")];
  const light = tour.querySelector(".tour-light");
  const card = tour.querySelector(".tour-card");
  const button = (name) => tour.querySelector(`[data-tour-do="${name}"]`);
  const onward = button("next").textContent;
  let at = 0;

  const target = () => {
    const found = steps[at].dataset.target && document.querySelector(steps[at].dataset.target);
    return found && found.getClientRects().length ? found : null;
  };

  function place() {
    const found = target();
    const wide = matchMedia("(min-width: 48rem)").matches;
    light.hidden = !found;
    card.style.removeProperty("left");
    card.style.removeProperty("top");
    if (!found) {
      card.dataset.place = "middle";
      return;
    }
    const box = found.getBoundingClientRect();
    Object.assign(light.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
    card.dataset.place = wide ? "beside" : "below";
    if (!wide) return;
    const gap = 16;
    const { width, height } = card.getBoundingClientRect();
    const sides = [
      [box.right + gap, box.top + gap],
      [box.left - width - gap, box.top + gap],
      [box.left + gap, box.top - height - gap],
      [box.left + (box.width - width) / 2, box.top + Math.min(box.height / 3, 220)],
    ];
    const [left, top] =
      sides.find(([x, y]) => x >= gap && y >= gap && x + width <= innerWidth - gap && y + height <= innerHeight - gap) ?? sides[3];
    card.style.left = `${Math.max(gap, left)}px`;
    card.style.top = `${Math.min(Math.max(gap, top), innerHeight - height - gap)}px`;
  }

  // A step over a conversation opens the first one of the list, and waits until it is there.
  function prepare() {
    if (!("opens" in steps[at].dataset) || document.querySelector("[data-conversation]")) return;
    if (matchMedia("(min-width: 64rem)").matches) document.querySelector("#list a[data-open]")?.click();
  }

  function show(step) {
    at = step;
    prepare();
    for (const [number, section] of steps.entries()) section.hidden = number !== at;
    button("back").hidden = at === 0;
    button("skip").hidden = at === steps.length - 1;
    button("next").textContent = at === steps.length - 1 ? button("next").dataset.last : onward;
    const progress = tour.dataset.sayStep.replace("{n}", at + 1).replace("{of}", steps.length);
    tour.querySelector("[data-progress]").textContent = progress;
    tour.querySelector("[data-announce]").textContent = `${progress}: ${steps[at].innerText}`;
    place();
    button("next").focus({ preventScroll: true });
  }

  function end() {
    if (!tour.open) return;
    tour.close();
  }

  const go = { next: () => (at === steps.length - 1 ? end() : show(at + 1)), back: () => at > 0 && show(at - 1), skip: end };

  tour.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-tour-do]");
    if (pressed) go[pressed.dataset.tourDo]();
  });
  tour.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") go.next();
    else if (event.key === "ArrowLeft") go.back();
    else return;
    event.preventDefault();
  });
  tour.addEventListener("close", () => {
    post(tour.dataset.url, {}, { keepalive: true });
    const url = new URL(location.href);
    url.searchParams.delete("tour");
    history.replaceState(history.state, "", url);
  });
  addEventListener("resize", place);
  document.addEventListener("htmx:after:swap", () => tour.open && place());

  tour.showModal();
  show(0);
}
