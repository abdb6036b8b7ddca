import "./js/htmx.js";
import "htmx.org/dist/ext/hx-alpine-compat.js";
import Alpine from "@alpinejs/csp";

import { composer } from "./js/composer.js";
import "./js/dialogs.js";
import { armToasts } from "./js/toasts.js";
import "./js/bell.js";
import "./js/connect.js";
import "./js/conversation.js";
import "./js/copy.js";
import "./js/countdown.js";
import "./js/devices.js";
import "./js/keys.js";
import "./js/list.js";
import "./js/live.js";
import "./js/menus.js";
import "./js/palette.js";
import "./js/suggest.js";
import "./js/theme.js";
import "./js/tour.js";
import { refreshTimes } from "./js/times.js";
import "./js/early.js";

refreshTimes();
armToasts();
Alpine.data("composer", composer);
window.Alpine = Alpine;
Alpine.start();
