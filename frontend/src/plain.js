// For pages outside the shell (sign-in and the like): times, and the way back from the page of no connection.
import { formatTimes } from "./js/times.js";

formatTimes(document);

// The page of no connection asks whether Kith answers again: a network that is back does not mean that Kith is.
if (document.querySelector("[data-offline]")) {
  const ask = () =>
    fetch("/health/live/", { cache: "no-store" }).then(
      (answer) => answer.ok && location.reload(),
      () => {},
    );
  addEventListener("online", ask);
  setInterval(ask, 4000);
}
