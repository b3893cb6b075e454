// The home page and the product list: search results with facets, price, stock and order.

import { recommendations, search } from "./api.js";
import { card, lazyShelf } from "./cards.js";
import { outline } from "./categories.js";
import { h, replace, route } from "./dom.js";
import { count, t } from "./i18n.js";
import { announce, failure, waiting } from "./page.js";

const PAGE = 24;
const SORTS = ["relevance", "price_asc", "price_desc", "newest", "best_selling"];
const FILTERS = ["q", "category", "color", "size", "price_min", "price_max", "in_stock", "sort"];

/** Show the list for the address's parameters; without any, the home page with recommendations above it. */
export async function showList(main, params) {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, params.get(name) ?? ""]));
  const isHome = FILTERS.every((name) => name === "sort" || !asked[name]);
  const results = h("div", { class: "results" }, waiting());
  const title = asked.q ? t("searchFor", { query: asked.q }) : t("all");
  replace(main,
    isHome ? h("h1", { class: "hidden" }, "Tiệm Mây") : null,
    isHome ? lazyShelf(recommendationTitle, () => recommendations({ placement: "home" })) : null,
    isHome ? h("h2", {}, title) : h("h1", {}, title),
    results);
  try {
    const found = await search({ ...asked, limit: PAGE, offset: 0 });
    replace(results, sidebar(found.facets, asked), listing(found, asked));
    announce(t("results", { count: count(found.total) }));
  } catch (error) {
    replace(results, failure(error, () => showList(main, params)));
  }
}

function recommendationTitle(answer) {
  return answer.fallback ? t("forYouNew") : t("forYou");
}

function listing(found, asked) {
  const grid = h("div", { class: "grid" }, found.items.map((item) => card(item)));
  const words = Object.values(found.corrections ?? {}).join(", ");
  const place = h("section", { class: "listing", "aria-label": t("all") },
    h("div", { class: "toolbar" },
      h("p", {}, t("results", { count: count(found.total) }), h("span", { class: "took" }, ` · ${found.took_ms.toFixed(1)} ms`)),
      sorter(asked)),
    words ? h("p", { class: "notice" }, t("corrected", { words })) : null,
    found.total ? grid : h("p", { class: "notice" }, t("none")));
  const shown = () => grid.childElementCount;
  if (found.total > shown()) place.append(moreButton(found.total, asked, grid, shown));
  return place;
}

function moreButton(total, asked, grid, shown) {
  const label = () => t("more", { count: count(Math.min(PAGE, total - shown())) });
  const button = h("button", { type: "button", class: "more" }, label());
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const next = await search({ ...asked, limit: PAGE, offset: shown() });
      const added = next.items.map((item) => card(item));
      grid.append(...added);
      added[0]?.querySelector("a").focus();
      if (!added.length || shown() >= total) button.remove();
      else button.textContent = label();
    } catch (error) {
      announce(t("error", { detail: error.message }));
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

function sorter(asked) {
  const options = SORTS.map((name) =>
    h("option", { value: name, selected: (asked.sort || "relevance") === name }, t(`sort_${name}`)));
  const change = (event) => go(asked, { sort: event.target.value === "relevance" ? "" : event.target.value });
  return h("label", { class: "sort" }, `${t("sort")} `, h("select", { onchange: change }, options));
}

function sidebar(facets, asked) {
  const active = ["category", "color", "size", "price_min", "price_max", "in_stock"].some((name) => asked[name]);
  const panel = h("details", { class: "filters" },
    h("summary", {}, t("filters")),
    active ? h("a", { class: "clear", route: ["", { q: asked.q, sort: asked.sort }] }, t("clear")) : null,
    categories(facets.categories, asked),
    prices(facets.price, asked),
    stock(asked),
    chips("color", facets.colors, asked),
    chips("size", facets.sizes, asked));
  panel.open = matchMedia("(min-width: 60rem)").matches;
  return panel;
}

function categories(values, asked) {
  if (!values.length && !asked.category) return null;
  return group(t("categories"), h("ul", { class: "tree" },
    asked.category ? h("li", {}, h("a", { route: ["", { ...asked, category: "" }] }, `‹ ${t("anyCategory")}`)) : null,
    outline(values).map((value) => h("li", { class: `level-${value.depth}` }, h("a", {
      route: ["", { ...asked, category: value.value }],
      "aria-current": value.value === asked.category ? "true" : null,
    }, value.label, h("small", {}, count(value.count)))))));
}

function prices(span, asked) {
  if (span.min === null && !asked.price_min && !asked.price_max) return null;
  const field = (name, label, placeholder) =>
    h("label", {}, label, h("input", {
      name, type: "number", min: 0, step: 1000, inputmode: "numeric", value: asked[name], placeholder: placeholder ?? "",
    }));
  const apply = (event) => {
    event.preventDefault();
    const typed = new FormData(event.target);
    go(asked, { price_min: typed.get("price_min"), price_max: typed.get("price_max") });
  };
  return group(t("price"), h("form", { class: "prices", onsubmit: apply },
    field("price_min", t("priceFrom"), span.min),
    field("price_max", t("priceTo"), span.max),
    h("button", { type: "submit" }, t("apply"))));
}

function stock(asked) {
  const change = (event) => go(asked, { in_stock: event.target.checked ? "true" : "" });
  return h("label", { class: "stock" },
    h("input", { type: "checkbox", checked: asked.in_stock === "true", onchange: change }), ` ${t("inStock")}`);
}

function chips(name, values, asked) {
  if (!values.length) return null;
  return group(t(name), h("ul", { class: "chips" }, values.slice(0, 24).map((value) => {
    const current = asked[name] === value.value;
    return h("li", {}, h("a", {
      route: ["", { ...asked, [name]: current ? "" : value.value }],
      "aria-current": current ? "true" : null,
    }, value.label, h("small", {}, count(value.count))));
  })));
}

function group(title, content) {
  return h("section", { class: "group" }, h("h3", {}, title), content);
}

function go(asked, changes) {
  location.hash = route("", { ...asked, ...changes });
}
