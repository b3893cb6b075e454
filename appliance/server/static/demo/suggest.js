// The search box: results while typing, usable by keyboard and screen reader (ARIA combobox with a list box).

import { search, track } from "./api.js";
import { h, replace, route } from "./dom.js";
import { money, t, titleOf } from "./i18n.js";
import { announce } from "./page.js";

const PAUSE = 120;
const SHOWN = 6;

export function startSearchBox() {
  const form = document.getElementById("search");
  const input = document.getElementById("q");
  const list = document.getElementById("suggestions");
  let timer = 0;
  let running = null;
  let active = -1;

  const close = () => {
    clearTimeout(timer);
    running?.abort();
    list.hidden = true;
    unmark();
    input.setAttribute("aria-expanded", "false");
  };
  const mark = (index) => {
    const options = [...list.children];
    active = options.length ? (index + options.length) % options.length : -1;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === active)));
    if (active >= 0) input.setAttribute("aria-activedescendant", options[active].id);
  };
  const unmark = () => {
    active = -1;
    for (const entry of list.children) entry.setAttribute("aria-selected", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const show = async () => {
    const query = input.value.trim();
    if (!query) return close();
    running?.abort();
    running = new AbortController();
    const mine = running;
    try {
      const found = await search({ q: query, limit: SHOWN }, { signal: mine.signal });
      if (mine !== running || document.activeElement !== input) return undefined;
      replace(list, found.items.map((item, index) => option(item, index)));
      list.hidden = !found.items.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
      unmark();
      announce(t("results", { count: found.total }));
    } catch {
      if (mine === running) close();
    }
    return undefined;
  };
  const option = (item, index) => h("div", { role: "option", id: `option-${index}`, "data-handle": item.handle },
    h("img", { image: item.thumbnail, alt: "", width: 40, height: 40 }),
    h("span", {}, titleOf(item)), h("small", {}, money(item.price, item.currency)));
  const open = (handle) => {
    close();
    input.blur();
    location.hash = route(`p/${handle}`);
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown" && !list.hidden) mark(active + 1);
    else if (event.key === "ArrowUp" && !list.hidden) mark(active < 0 ? -1 : active - 1);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const chosen = event.target.closest("[role=option]");
    if (chosen) open(chosen.dataset.handle);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = active >= 0 ? list.children[active] : null;
    if (chosen) return open(chosen.dataset.handle);
    const query = input.value.trim();
    close();
    input.blur();
    if (query) track({ type: "search", metadata: { query } });
    location.hash = route("", { q: query });
    return undefined;
  });
}
