/* Shop appliance storefront snippet; guide: docs/storefront.md */
(() => {
  const W = window, D = document, base = D.currentScript.src.replace(/\/widget\.js.*/, "");
  const SESSION = "sa_session", CLICKED = "sa_clicked", AGE = 7776e6;
  let options = {}, allowed = null, session = "", queue = [], timer = 0;
  const attempt = (action, otherwise) => { try { return action() ?? otherwise; } catch { return otherwise; } };
  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), b => b.toString(36)).join("");
  const clicked = () => attempt(() => JSON.parse(sessionStorage[CLICKED]), {});

  const sessionId = () => {
    if (!allowed) return "";
    session ||= attempt(() => localStorage[SESSION], "");
    if (!(parseInt(session, 36) > Date.now() - AGE)) session = Date.now().toString(36) + "-" + random();
    attempt(() => localStorage[SESSION] = session);
    return session;
  };
  const headers = () => ({
    ...options.key && { "X-Publishable-Key": options.key },
    ...options.token && { "X-Customer-Token": options.token },
  });
  const post = (path, body, own) => fetch(base + path, {
    method: "POST", body, keepalive: true, credentials: "omit",
    headers: own && { "Content-Type": "application/json", ...headers() },
  });

  const later = (wait = 2e3) => timer ||= setTimeout(flush, wait);
  const flush = leaving => {
    clearTimeout(timer); timer = 0;
    if (!allowed || !queue.length) return;
    const batch = queue.splice(0, 100), own = options.key || options.token, path = "/v1/events";
    const body = JSON.stringify({ events: batch.map(e => ({ session_id: sessionId(), ...e })) });
    // Plain text without headers of our own needs no preflight, which a closing page could not wait for.
    if (!leaving || own || !navigator.sendBeacon?.(base + path, body))
      post(path, body, own).then(a => { if (a.status == 429 || a.status > 499) throw a; })
        .catch(() => { queue = [...batch, ...queue].slice(-500); later(15e3); });
    if (queue.length) leaving ? flush(leaving) : later();
  };
  const identify = () => allowed && options.user &&
    post(`/v1/sessions/${sessionId()}/identify`, JSON.stringify({ user_id: options.user }), 1).catch(() => 0);

  const commands = {
    init(given = {}) { options = given; if (given.consent != null) commands.consent(given.consent); },
    consent(yes) {
      allowed = !!yes;
      if (allowed) return identify(), later(0);
      queue = []; session = "";
      attempt(() => { localStorage.removeItem(SESSION); sessionStorage.removeItem(CLICKED); });
    },
    customer(user, token) { Object.assign(options, { user, token }); identify(); },
    track(type, fields = {}) {
      if (allowed === false || queue.length > 499) return;
      const recommendation_id = clicked()[fields.product_id];
      queue.push({ type, event_id: random(), occurred_at: new Date().toISOString(), recommendation_id, ...fields });
      queue.length < 20 ? later() : flush();
    },
  };
  const waiting = W.shopAppliance?.q || [];
  W.shopAppliance = (name, ...rest) => { commands[name]?.(...rest); };
  for (const call of waiting) W.shopAppliance(...call);
  addEventListener("pagehide", () => flush(true));
  D.addEventListener("visibilitychange", () => { if (D.hidden) flush(true); });

  /* <appliance-shelf>: text enters as text, addresses are checked, and a slow answer hides the shelf. */
  const style = new CSSStyleSheet();
  style.replaceSync(`:host{display:block;font:inherit;color:inherit}:host([hidden]){display:none}
ul{list-style:none;margin:0;padding:0;display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr))}
a{color:inherit;text-decoration:none;display:grid;gap:.3rem}a:hover span,a:focus span{text-decoration:underline}
img{width:100%;aspect-ratio:1;object-fit:cover}h2{font-size:1.25em}b{font-weight:600}small{opacity:.75}`);
  const el = (tag, part, ...children) => {
    const e = D.createElement(tag);
    e.setAttribute("part", part);
    e.append(...children);
    return e;
  };
  const web = (text, from) => attempt(() => { const u = new URL(text, from); return /^https?:$/.test(u.protocol) ? u.href : ""; });

  customElements.define("appliance-shelf", class extends HTMLElement {
    static observedAttributes = ["placement", "product-id", "category", "limit", "locale"];
    connectedCallback() { this.attributeChangedCallback(); }
    attributeChangedCallback() {
      if (this.isConnected) this.due ||= Promise.resolve().then(() => { this.due = 0; return this.load(); });
    }
    async load() {
      const get = (name, otherwise = "") => this.getAttribute(name) || otherwise, run = this.run = {};
      const place = get("placement", "home"), id = get("product-id"), locale = get("locale", D.documentElement.lang || "vi");
      const fixed = { similar: "/similar", "bought-together": "/bought-together", popular: "popular" }[place];
      const path = fixed ? `products/${fixed[0] == "/" ? encodeURIComponent(id) : ""}${fixed}` : "recommendations";
      const query = new URLSearchParams({ limit: get("limit", "8"), locale });
      const more = fixed ? {} : { placement: place, product_id: id, session_id: sessionId() };
      for (const [name, value] of Object.entries({ category: get("category"), ...more })) if (value) query.set(name, value);
      const answer = await attempt(() => fetch(`${base}/v1/${path}?${query}`, {
        headers: headers(), credentials: "omit", signal: AbortSignal.timeout(+get("timeout", "400")),
      }).then(a => a.ok && a.json()).catch(() => 0));
      if (run !== this.run) return;
      this.hidden = !answer?.items?.length;
      if (!this.hidden) this.show(answer, get("heading"), get("link", "/products/{handle}"), locale);
    }
    show({ items, recommendation_id }, heading, link, locale) {
      const root = this.shadowRoot || this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [style];
      const list = el("ul", "list", ...items.map(item => {
        const a = el("a", "link"), src = item.thumbnail && web(item.thumbnail, base);
        a.href = web(link.replace("{handle}", encodeURIComponent(item.handle)), location) || "#";
        if (src) a.append(Object.assign(el("img", "image"), { alt: "", loading: "lazy", src }));
        a.append(el("span", "title", item.title));
        if (item.price != null)
          a.append(el("b", "price", item.price.toLocaleString(locale, { style: "currency", currency: item.currency })));
        a.onclick = () => {
          if (allowed) attempt(() => sessionStorage[CLICKED] = JSON.stringify({ ...clicked(), [item.product_id]: recommendation_id }));
          commands.track("click", { product_id: item.product_id, recommendation_id });
        };
        return el("li", "item", a, ...item.reason ? [el("small", "reason", item.reason.text)] : []);
      }));
      root.replaceChildren(...heading ? [el("h2", "heading", heading)] : [], list);
      list.setAttribute("aria-label", heading || "");
      this.dispatchEvent(new CustomEvent("appliance-shelf", { bubbles: true, detail: { items, recommendation_id } }));
    }
  });
})();
