// For pages outside the shell (sign-in and the like): times, and the way back from the page of no connection.
import { formatTimes } from "./js/times.js";

formatTimes(document);

// The page of no connection tries again by itself.
if (document.querySelector("[data-offline]")) addEventListener("online", () => location.reload());
