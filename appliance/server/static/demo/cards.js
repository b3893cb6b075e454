// Product cards and shelves, with the reason of each recommendation.

import { track } from "./api.js";
import { h, replace } from "./dom.js";
import { money, t, titleOf } from "./i18n.js";

/** A product in a list. `shelf` is the recommendation it stands in, if any. */
export function card(item, shelf = null) {
  const picked = () => {
    if (shelf) clicked(item, shelf);
  };
  return h("article", { class: "card" },
    h("a", { route: [`p/${item.handle}`, shelf ? { rec: shelf.recommendation_id } : {}], onclick: picked },
      h("span", { class: "frame" },
        h("img", { image: item.thumbnail, alt: "", loading: "lazy", width: 400, height: 400 }),
        item.in_stock ? null : h("span", { class: "badge" }, t("soldOut"))),
      h("h3", {}, titleOf(item)),
      h("p", { class: "price" }, money(item.price, item.currency))),
    item.reason ? h("p", { class: "reason" }, item.reason.text) : null,
    item.components ? scores(item) : null);
}

/** A titled row of recommendations; empty shelves show nothing. */
export function shelf(title, recommendation) {
  if (!recommendation.items.length) return null;
  const row = h("ul", { class: "row", tabindex: "0" },
    recommendation.items.map((item) => h("li", {}, card(item, recommendation))));
  const move = (direction) => () => row.scrollBy({ left: direction * row.clientWidth * 0.8, behavior: "smooth" });
  return h("section", { class: "shelf", "aria-label": title },
    h("header", {},
      h("h2", {}, title),
      h("p", { class: "how" }, `${recommendation.strategy} · ${recommendation.took_ms.toFixed(1)} ms`),
      h("button", { type: "button", class: "arrow", "aria-label": t("previous"), onclick: move(-1) }, "‹"),
      h("button", { type: "button", class: "arrow", "aria-label": t("next"), onclick: move(1) }, "›")),
    row);
}

/** A place on the page that fills itself; a failing shelf hides and leaves the page alone. */
export function lazyShelf(title, load) {
  const place = h("div", { class: "place", "aria-busy": "true" }, h("div", { class: "ghost row" }));
  load().then(
    (answer) => replace(place, shelf(typeof title === "function" ? title(answer) : title, answer)),
    () => replace(place),
  ).finally(() => place.removeAttribute("aria-busy"));
  return place;
}

function scores(item) {
  const parts = Object.entries(item.components).map(([name, value]) => `${name} ${value.toFixed(3)}`);
  return h("p", { class: "scores" }, `${item.score.toFixed(3)}: ${parts.join(", ")}`);
}

function clicked(item, { recommendation_id }) {
  track({ type: "click", product_id: item.product_id, recommendation_id });
}
