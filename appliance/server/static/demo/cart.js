// The cart: lines, what goes with them, and a test order.

import { recommendations, track } from "./api.js";
import { lazyShelf } from "./cards.js";
import { h, replace } from "./dom.js";
import { money, t } from "./i18n.js";
import { announce } from "./page.js";
import { cart, saveCart } from "./session.js";

export function showCart(main, note = "") {
  const lines = cart();
  replace(main,
    h("h1", {}, t("cart")),
    note ? h("p", { class: "notice" }, note) : null,
    lines.length ? table(main, lines) : h("p", {}, t("cartEmpty")),
    lines.length ? lazyShelf(t("related_cart"), () =>
      recommendations({ placement: "cart", product_id: lines.at(-1).product_id })) : null);
}

function table(main, lines) {
  const total = lines.reduce((sum, line) => sum + (line.price ?? 0) * line.quantity, 0);
  return h("div", { class: "lines" },
    h("ul", {}, lines.map((line) => h("li", {},
      h("img", { image: line.thumbnail, alt: "", width: 72, height: 72 }),
      h("a", { route: `p/${line.handle}` }, line.title, h("small", {}, line.variant_title)),
      h("span", {}, `${line.quantity} × ${money(line.price, line.currency)}`),
      h("button", { type: "button", "aria-label": `${t("remove")} ${line.title}`, onclick: () => drop(main, line) },
        t("remove"))))),
    h("p", { class: "total" }, `${t("total")}: `, h("b", {}, money(total, lines[0].currency))),
    h("button", { type: "button", class: "buy", onclick: () => order(main, lines) }, t("buy")));
}

function drop(main, line) {
  saveCart(cart().filter((other) => other.variant !== line.variant));
  track({ type: "remove_from_cart", product_id: line.product_id, quantity: line.quantity });
  showCart(main);
}

function order(main, lines) {
  track(...lines.map((line) => ({
    type: "purchase", product_id: line.product_id, quantity: line.quantity, price: line.price ?? undefined,
    currency: line.currency, recommendation_id: line.recommendation_id || undefined,
  })));
  saveCart([]);
  showCart(main, t("bought"));
  announce(t("bought"));
}
