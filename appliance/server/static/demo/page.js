// What every page needs: telling a screen reader, waiting, and failing politely.

import { h } from "./dom.js";
import { t } from "./i18n.js";

export function announce(text) {
  document.getElementById("status").textContent = text;
}

export function waiting() {
  return h("p", { class: "waiting" }, t("loading"));
}

export function failure(error, again) {
  const text = error.status === 404 ? t("notFound") : t("error", { detail: error.message });
  return h("div", { class: "notice", role: "alert" },
    h("p", {}, text),
    h("button", { type: "button", onclick: again }, t("retry")));
}
