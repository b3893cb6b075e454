/* Shop appliance chat panel, <appliance-chat>; guide: docs/storefront.md */
(() => {
  const D = document, base = D.currentScript.src.replace(/\/chat\.js.*/, "");
  const attempt = (action, otherwise) => { try { return action() ?? otherwise; } catch { return otherwise; } };
  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), b => b.toString(36)).join("");
  const TEXTS = {
    vi: {
      open: "Trò chuyện với shop", close: "Đóng", log: "Nội dung trò chuyện", say: "Tin nhắn của bạn", send: "Gửi",
      hint: "Hỏi về sản phẩm, đơn hàng, đổi trả…", you: "Bạn", shop: "Shop", staff: "Nhân viên", busy: "Đang trả lời…",
      good: "Hữu ích", bad: "Chưa hữu ích", thanks: "Cảm ơn bạn!", soldOut: "Hết hàng", choices: "Gợi ý trả lời",
      waiting: "Đã báo nhân viên, bạn chờ một chút nhé.", human: "Nhân viên đang trò chuyện với bạn.",
      failed: "Tin chưa gửi được. Bạn thử lại nhé.", fast: "Bạn nhắn nhanh quá, chờ một chút rồi gửi lại nhé.",
      forget: "Xóa cuộc trò chuyện", forgotten: "Đã xóa cuộc trò chuyện.",
    },
    en: {
      open: "Chat with the shop", close: "Close", log: "Conversation", say: "Your message", send: "Send",
      hint: "Ask about products, orders, returns…", you: "You", shop: "Shop", staff: "Staff", busy: "Answering…",
      good: "Helpful", bad: "Not helpful", thanks: "Thank you!", soldOut: "Sold out", choices: "Quick replies",
      waiting: "We told our staff; please wait a moment.", human: "A member of our staff is with you.",
      failed: "That was not sent. Please try again.", fast: "That was a little fast. Please wait a moment and send it again.",
      forget: "Delete this conversation", forgotten: "The conversation was deleted.",
    },
  };
  const style = new CSSStyleSheet();
  style.replaceSync(`:host{position:fixed;right:1rem;bottom:1rem;z-index:2147483000;font:inherit;color:#222}
:host([hidden]),[hidden]{display:none!important}*{box-sizing:border-box}button,input{font:inherit;color:inherit}
button{cursor:pointer;border:1px solid #767676;border-radius:1.2em;background:#fff;padding:.4em .9em;min-height:2.4em}
.toggle,.send{background:var(--chat-accent,#1f5c4d);border-color:transparent;color:#fff}
:focus-visible{outline:3px solid #1a66d2;outline-offset:2px}
.panel{width:min(24rem,calc(100vw - 2rem));height:min(34rem,calc(100vh - 2rem));background:#fff;border:1px solid #bbb;border-radius:.9rem;
display:flex;flex-direction:column;box-shadow:0 1rem 3rem rgb(0 0 0/.22);overflow:hidden}
header,form{display:flex;gap:.5rem;align-items:center;padding:.6rem .8rem}header{border-bottom:1px solid #ddd}
h2{font-size:1rem;margin:0;flex:1}.log{flex:1;overflow-y:auto;padding:.8rem;display:grid;gap:.6rem;align-content:start}
.turn{max-width:88%;padding:.5rem .75rem;border-radius:.9rem;background:#f1f0ec;white-space:pre-wrap;overflow-wrap:anywhere;justify-self:start}
.turn.you{background:#dcebe6;justify-self:end}.staff{background:#fdf0d8}.turn small{display:block;opacity:.75}
ul{list-style:none;margin:0;padding:0;display:grid;gap:.5rem}.item a{display:grid;grid-template-columns:3.5rem 1fr;gap:.1rem .7rem;color:inherit;text-decoration:none}
.item img{width:3.5rem;height:3.5rem;object-fit:cover;border-radius:.4rem;grid-row:span 3}.item a:hover span,.item a:focus span{text-decoration:underline}
.choices{display:flex;flex-wrap:wrap;gap:.4rem;padding:0 .8rem}.rate button{min-height:2em;padding:.1em .6em;font-size:.85em;margin-right:.3em}
.state{margin:0;padding:.2rem .8rem;font-size:.9em}input{flex:1;min-width:0;padding:.5em .7em;border:1px solid #767676;border-radius:.6rem}
.quiet{border:0;text-decoration:underline;font-size:.85em}label{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media (prefers-reduced-motion:no-preference){.log{scroll-behavior:smooth}}`);
  const el = (tag, part, ...children) => {
    const e = D.createElement(tag);
    if (part) { e.className = part; e.setAttribute("part", part.split(" ")[0]); }
    e.append(...children);
    return e;
  };
  const button = (part, text, action) => Object.assign(el("button", part, text), { type: "button", onclick: action });
  const web = (text, from) => attempt(() => { const u = new URL(text, from); return /^https?:$/.test(u.protocol) ? u.href : ""; }, "");

  customElements.define("appliance-chat", class extends HTMLElement {
    static observedAttributes = ["locale", "heading", "session-id"];
    connectedCallback() {
      this.made ||= this.make();
      this.label();
    }
    disconnectedCallback() { clearTimeout(this.poll); this.run?.abort(); }
    attributeChangedCallback(name, before, now) {
      if (!this.made) return;
      if (name == "session-id" && before != now) this.empty();
      this.label();
    }
    get locale() { return (this.getAttribute("locale") || D.documentElement.lang || "vi").slice(0, 2) == "en" ? "en" : "vi"; }
    get texts() { return TEXTS[this.locale]; }
    /* The storefront's session where the shopper allowed one, else one that ends with the page. */
    get session() {
      return this.getAttribute("session-id") || attempt(() => localStorage.sa_session, "") || (this.own ||= "chat-" + random());
    }
    headers(more) {
      const key = this.getAttribute("key"), token = this.getAttribute("token");
      return { ...more, ...key && { "X-Publishable-Key": key }, ...token && { "X-Customer-Token": token } };
    }
    call(method, path, body, signal) {
      return fetch(base + "/v1/chat" + path, {
        method, signal, credentials: "omit", body: body && JSON.stringify(body),
        headers: this.headers(body && { "Content-Type": "application/json" }),
      });
    }
    make() {
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [style];
      this.position = -1;
      this.toggle = button("toggle", "", () => this.show(true));
      this.shut = button("close", "", () => this.show(false));
      this.erase = button("quiet", "", () => this.forget());
      this.named = el("h2", "heading");
      this.log = el("div", "log");
      for (const [name, value] of [["role", "log"], ["aria-live", "polite"], ["tabindex", "0"]]) this.log.setAttribute(name, value);
      this.choices = el("div", "choices");
      this.choices.setAttribute("role", "group");
      this.state = el("p", "state");
      this.state.setAttribute("role", "status");
      this.box = Object.assign(el("input", "input"), { id: "say", maxLength: 2000, autocomplete: "off", enterKeyHint: "send" });
      this.caption = Object.assign(el("label", "", ""), { htmlFor: "say" });
      this.go = Object.assign(el("button", "send"), { type: "submit" });
      const form = el("form", "form", this.caption, this.box, this.go);
      form.onsubmit = event => { event.preventDefault(); this.send(this.box.value); };
      this.panel = el("section", "panel", el("header", "header", this.named, this.erase, this.shut), this.log, this.choices, this.state, form);
      this.panel.id = "panel";
      this.panel.hidden = true;
      this.panel.setAttribute("role", "dialog");
      this.panel.onkeydown = event => { if (event.key == "Escape") this.show(false); };
      this.toggle.setAttribute("aria-controls", "panel");
      this.toggle.setAttribute("aria-expanded", "false");
      root.append(this.toggle, this.panel);
      return true;
    }
    label() {
      const t = this.texts, heading = this.getAttribute("heading") || t.open;
      this.lang = this.locale;
      this.toggle.textContent = this.named.textContent = heading;
      this.panel.setAttribute("aria-label", heading);
      this.shut.textContent = t.close;
      this.erase.textContent = t.forget;
      this.log.setAttribute("aria-label", t.log);
      this.choices.setAttribute("aria-label", t.choices);
      this.caption.textContent = t.say;
      this.box.placeholder = t.hint;
      this.go.textContent = t.send;
    }
    show(open) {
      this.panel.hidden = !open;
      this.toggle.hidden = open;
      this.toggle.setAttribute("aria-expanded", String(open));
      (open ? this.box : this.toggle).focus();
      if (open && !this.log.childElementCount) this.look();
      if (!open) clearTimeout(this.poll);
      else if (this.with) this.later();
    }
    turn(who, text, author) {
      const name = el("small", "author", author);
      const turn = el("div", "turn " + who, name, el("span", "text", text));
      this.log.append(turn);
      this.down();
      return turn;
    }
    down() { this.log.scrollTop = this.log.scrollHeight; }
    async send(text) {
      if (!text.trim() || this.run) return;
      const t = this.texts, run = this.run = new AbortController();
      this.box.value = "";
      this.choices.replaceChildren();
      this.turn("you", text, t.you);
      this.state.textContent = t.busy;
      const turn = this.turn("shop", "", t.shop);
      turn.setAttribute("aria-busy", "true");
      turn.hidden = true;
      try {
        const answer = await this.call("POST", "/stream", { session_id: this.session, message: text, locale: this.locale }, run.signal);
        if (!answer.ok) throw answer.status;
        const said = await this.read(answer.body, piece => { turn.hidden = false; turn.lastChild.append(piece); this.down(); });
        this.finish(turn, said);
      } catch (error) {
        turn.remove();
        if (run.signal.aborted) return void (this.run = null);
        this.box.value ||= text;
        this.state.textContent = error == 429 ? t.fast : t.failed;
      }
      turn.removeAttribute("aria-busy");
      this.run = null;
    }
    /* Server-sent events over fetch, which unlike EventSource can post. */
    async read(body, piece) {
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "", said;
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const event of events) {
          const [, name, data] = event.match(/^event: (\w+)\ndata: (.*)$/) || [];
          if (name == "delta") piece(JSON.parse(data).text);
          else if (name == "done") said = JSON.parse(data);
          else if (name == "error") throw JSON.parse(data).status;
        }
      }
      if (!said) throw 0;
      return said;
    }
    finish(turn, said) {
      if (!said.reply) turn.remove();
      else turn.lastChild.textContent = said.reply;
      if (said.products.length) turn.append(this.cards(said.products));
      if (said.reply && said.handled_by != "handoff") turn.append(this.rating(said.turn_id));
      this.choices.replaceChildren(...said.quick_replies.map(choice => button("choice", choice, () => { this.box.focus(); this.send(choice); })));
      this.stand(said.status);
      this.down();
    }
    stand(status) {
      this.with = status == "waiting" || status == "human";
      this.state.textContent = this.with ? this.texts[status] : "";
      if (this.with) this.later();
    }
    cards(items) {
      const link = this.getAttribute("link") || "/products/{handle}", t = this.texts;
      return el("ul", "list", ...items.map(item => {
        const a = el("a", "link"), src = item.thumbnail && web(item.thumbnail, base);
        a.href = web(link.replace("{handle}", encodeURIComponent(item.handle)), location) || "#";
        if (src) a.append(Object.assign(el("img", "image"), { alt: "", loading: "lazy", src }));
        a.append(el("span", "title", this.locale == "en" && item.title_en || item.title));
        const price = item.price?.toLocaleString(this.locale, { style: "currency", currency: item.currency });
        a.append(el("b", "price", [price, !item.in_stock && t.soldOut].filter(Boolean).join(" · ")));
        if (item.reason) a.append(el("small", "reason", item.reason));
        return el("li", "item", a);
      }));
    }
    rating(id) {
      const t = this.texts, group = el("div", "rate");
      const rate = helpful => () => {
        this.call("POST", `/turns/${encodeURIComponent(id)}/feedback`, { helpful }).catch(() => 0);
        group.replaceChildren(el("small", "thanks", t.thanks));
      };
      group.append(button("good", t.good, rate(true)), button("bad", t.bad, rate(false)));
      return group;
    }
    later() {
      clearTimeout(this.poll);
      this.poll = setTimeout(() => this.look(), 4e3);
    }
    /* What was said before on this page's session, and what the staff says. */
    async look() {
      const first = !this.log.childElementCount;
      const answer = await this.call("GET", `/sessions/${encodeURIComponent(this.session)}?after=${this.position}`).catch(() => 0);
      const found = answer?.ok ? await answer.json().catch(() => 0) : 0;
      for (const turn of found?.turns || []) {
        if (turn.author == "staff") this.turn("staff", turn.reply, this.texts.staff);
        else if (first) {
          this.turn("you", turn.message, this.texts.you);
          if (turn.reply) this.turn("shop", turn.reply, this.texts.shop);
        }
      }
      if (found) { this.position = found.position; this.stand(found.status); } else if (this.with) this.later();
    }
    async forget() {
      const answer = await this.call("DELETE", `/sessions/${encodeURIComponent(this.session)}`).catch(() => 0);
      if (!answer?.ok) return void (this.state.textContent = this.texts.failed);
      this.empty();
      this.state.textContent = this.texts.forgotten;
      this.box.focus();
    }
    empty() {
      clearTimeout(this.poll);
      this.run?.abort();
      this.position = -1;
      this.with = false;
      this.log.replaceChildren();
      this.choices.replaceChildren();
      this.state.textContent = "";
    }
  });
})();
