// Routes: `#/` list and home, `#/p/<handle>` product, `#/cart`. The address after the hash is the whole state.

import { search } from "./api.js";
import { showCart } from "./cart.js";
import { tops } from "./categories.js";
import { h, replace } from "./dom.js";
import { locale, setLocale, t, translatePage } from "./i18n.js";
import { showList } from "./list.js";
import { announce, failure } from "./page.js";
import { showProduct } from "./product.js";
import { forgetSession, sessionId, showCount } from "./session.js";
import { startSearchBox } from "./suggest.js";

const main = document.getElementById("main");

async function paint({ isRepaint = false } = {}) {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const params = new URLSearchParams(query);
  const [page, ...rest] = path.split("/").map(decode);
  document.title = "Tiệm Mây";
  document.getElementById("q").value = page ? "" : params.get("q") ?? "";
  for (const link of document.querySelectorAll("#menu a")) {
    link.toggleAttribute("aria-current", !page && link.dataset.category === params.get("category"));
  }
  if (!isRepaint) {
    scrollTo(0, 0);
    if (document.activeElement !== document.getElementById("q")) main.focus({ preventScroll: true });
  }
  try {
    if (page === "p") await showProduct(main, rest.join("/"), params.get("rec"), isRepaint);
    else if (page === "cart") showCart(main);
    else await showList(main, params);
  } catch (error) {
    console.error(error);
    replace(main, failure(error, () => paint({ isRepaint })));
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The top categories, once: they do not depend on what is being looked at. */
async function paintMenu() {
  const { facets } = await search({ limit: 1 });
  replace(document.getElementById("menu"), tops(facets.categories).map((value) =>
    h("a", { route: ["", { category: value.value }], "data-category": value.value }, value.label)));
}

/** The chat speaks the page's language and belongs to the page's session. */
function setChat() {
  const chat = document.getElementById("chat");
  chat.setAttribute("locale", locale());
  chat.setAttribute("session-id", sessionId());
}

function start() {
  translatePage();
  setChat();
  showCount();
  startSearchBox();
  paintMenu().catch(() => undefined);
  document.getElementById("language").addEventListener("click", () => {
    setLocale(locale() === "vi" ? "en" : "vi");
    translatePage();
    setChat();
    paint({ isRepaint: true });
  });
  document.getElementById("scores").addEventListener("change", (event) => {
    document.body.classList.toggle("with-scores", event.target.checked);
  });
  document.getElementById("forget").addEventListener("click", () => {
    forgetSession();
    setChat();
    showCount();
    announce(t("forgotten"));
    location.hash = "#/";
    paint();
  });
  // The skip link is an address with a hash too; it moves the focus and is not a route.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  addEventListener("hashchange", () => paint());
  paint();
}

start();
