// For pages outside the shell (sign-in and the like): times, nothing else.
import { formatTimes } from "./js/times.js";

formatTimes(document);
