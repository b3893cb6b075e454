// The product page: choose a colour and a size, read, add to the cart; similar products and what is bought along.

import { product as load, similar, together, track } from "./api.js";
import { lazyShelf } from "./cards.js";
import { h, replace } from "./dom.js";
import { money, t, titleOf } from "./i18n.js";
import { announce, failure, waiting } from "./page.js";
import { cart, saveCart } from "./session.js";

const SHOWN_FACTS = ["brand", "material", "style", "gender", "occasion"];

/** Show one product; `rec` is the recommendation that led here. */
export async function showProduct(main, handle, rec, isRepaint) {
  replace(main, waiting());
  let item;
  try {
    item = await load(handle);
  } catch (error) {
    replace(main, failure(error, () => showProduct(main, handle, rec, isRepaint)));
    return;
  }
  const title = titleOf(item);
  document.title = `${title} – Tiệm Mây`;
  replace(main, breadcrumbs(item), details(item, title, rec),
    lazyShelf(t("related"), () => together(handle)),
    lazyShelf(t("similar"), () => similar(handle)));
  announce(title);
  if (!isRepaint) {
    track({ type: "view", product_id: item.id, recommendation_id: rec || undefined });
  }
}

function breadcrumbs(item) {
  const levels = (item.categories.at(-1) ?? "").split(" > ").filter(Boolean);
  return h("nav", { class: "crumbs", "aria-label": t("categories") },
    h("a", { route: "" }, t("home")),
    levels.map((name) => h("a", { route: ["", { category: name }] }, name)));
}

function details(item, title, rec) {
  const other = title === item.title ? item.title_en : item.title;
  const chosen = { color: "", size: "" };
  const price = h("p", { class: "price" }, money(item.price, item.currency));
  const button = h("button", { type: "button", class: "buy", onclick: () => add(item, chosen, rec) }, t("add"));
  const refresh = () => {
    const variant = pick(item, chosen);
    price.textContent = money(variant?.price ?? item.price, item.currency);
    button.disabled = !variant?.in_stock;
    button.textContent = variant?.in_stock ? t("add") : t("soldOut");
  };
  const first = item.variants.find((variant) => variant.in_stock) ?? item.variants[0];
  Object.assign(chosen, { color: first?.color ?? "", size: first?.size ?? "" });
  const info = h("div", { class: "info" },
    h("h1", {}, title),
    other ? h("p", { class: "other" }, other) : null,
    price,
    choice(item, "color", chosen, refresh),
    choice(item, "size", chosen, refresh),
    button,
    item.description.split("\n\n").map((paragraph) => h("p", {}, paragraph)),
    facts(item));
  refresh();
  return h("article", { class: "product" },
    h("div", { class: "frame" }, h("img", { image: item.thumbnail, alt: title, width: 400, height: 400 })), info);
}

function choice(item, name, chosen, refresh) {
  const values = [...new Set(item.variants.map((variant) => variant[name]).filter(Boolean))];
  if (!values.length) return null;
  return h("fieldset", { class: "choice" },
    h("legend", {}, t(name)),
    values.map((value) => h("label", {},
      h("input", {
        type: "radio", name, value, checked: value === chosen[name],
        onchange: () => {
          chosen[name] = value;
          refresh();
        },
      }),
      h("span", {}, value))));
}

function pick(item, { color, size }) {
  return item.variants.find((variant) => variant.color === color && variant.size === size) ?? null;
}

function facts(item) {
  const known = SHOWN_FACTS.filter((name) => item.attributes[name]);
  if (!known.length) return null;
  return h("dl", { class: "facts" }, known.map((name) => [h("dt", {}, t(name)), h("dd", {}, item.attributes[name])]));
}

function add(item, chosen, rec) {
  const variant = pick(item, chosen);
  if (!variant) return;
  const price = variant.price ?? item.price;
  const lines = cart();
  const same = lines.find((line) => line.variant === variant.id);
  if (same) same.quantity += 1;
  else {
    lines.push({
      product_id: item.id, handle: item.handle, title: item.title, thumbnail: item.thumbnail, price,
      currency: item.currency, variant: variant.id, variant_title: variant.title, quantity: 1, recommendation_id: rec,
    });
  }
  saveCart(lines);
  track({
    type: "add_to_cart", product_id: item.id, quantity: 1, price: price ?? undefined, currency: item.currency,
    recommendation_id: rec || undefined,
  });
  announce(t("added", { title: item.title }));
}
