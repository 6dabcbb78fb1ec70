// <stream-notice>: shows streamnotice's notices over a video. No dependencies; texts only ever
// become text nodes; no inline script or style, so a strict Content-Security-Policy is fine.
//
//   <script type="module" src="/notices/notice.js"></script>
//   <div class="player"> <video ...></video> <stream-notice></stream-notice> </div>
//
// Attributes: src (address of the application; default: where this module came from),
// theme ("dark" or "light"; default: what the viewer's system prefers).
// Events, for the page: notice, dismissed, acted (detail: the JSON line).

const HERE = new URL(".", import.meta.url);
const TOKEN_HEADER = "X-Stream-Notice";
const ANNOUNCED_MS = 10_000;
const RETRY_MS = [2_000, 5_000, 15_000, 30_000];

const MOST_LISTED = 6;
const byWeight = (one, other) => Math.abs(other.weight_db) - Math.abs(one.weight_db);

/** A child of `parent`: tag, part (also its class), text. Text only ever as a text node. */
function put(parent, tag, part, text) {
  const made = document.createElement(tag);
  if (part) {
    made.className = part;
    made.setAttribute("part", part);
  }
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}

class StreamNotice extends HTMLElement {
  static observedAttributes = ["src"];

  #words = {};
  #token = "";
  #source = null;
  #retry = 0;
  #timers = new Map();
  #notice = null;
  #before = null; // what had the focus before the viewer came here
  #say;
  #card;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("notice.css", HERE).href;
    // There from the beginning and never hidden: only then do screen readers speak what is put in.
    // No role: Orca reads an empty role=status out as "statusbar" wherever the page is read.
    this.#say = put(root, "div", "announcement");
    this.#say.setAttribute("aria-live", "polite");
    this.#say.setAttribute("aria-atomic", "true");
    this.#card = put(root, "section", "card");
    this.#card.hidden = true;
    root.append(style);
  }

  connectedCallback() {
    document.addEventListener("keydown", this.#onKey);
    this.addEventListener("focusin", this.#onFocus);
    this.#connect();
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#onKey);
    this.removeEventListener("focusin", this.#onFocus);
    this.#source?.close();
    this.#source = null;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  attributeChangedCallback(name, before, after) {
    if (this.isConnected && before !== after) this.#connect();
  }

  /** The viewer has understood the notice; scope: "notice", "session" or "always". */
  dismiss(scope = "notice") {
    const notice = this.#notice;
    if (!notice) return;
    if (notice.state !== "resolved") this.#answer({ do: "dismiss", id: notice.id, scope });
    this.#hide();
  }

  // -- the stream ---------------------------------------------------------------------------

  #address(name) {
    const base = new URL(this.getAttribute("src") ?? HERE.href, document.baseURI);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    return new URL(name, base).href;
  }

  #connect() {
    this.#source?.close();
    const source = new EventSource(this.#address("events"));
    this.#source = source;
    const on = (name, take) =>
      source.addEventListener(name, (event) => {
        if (source === this.#source) take(JSON.parse(event.data));
      });
    on("hello", (told) => this.#hello(told));
    on("notice", (told) => this.#show(told));
    on("dismissed", (told) => {
      if (this.#notice?.id === told.id) this.#hide();
      this.#tell("dismissed", told);
    });
    on("acted", (told) => this.#acted(told));
    on("end", () => source.close());
    source.onerror = () => {
      // Broken connections the browser mends by itself; a refusal it takes for final.
      if (source.readyState !== EventSource.CLOSED || source !== this.#source) return;
      const wait = RETRY_MS[Math.min(this.#retry++, RETRY_MS.length - 1)];
      this.#later("connect", wait, () => this.#connect());
    };
  }

  #hello(told) {
    this.#retry = 0;
    this.#token = told.token;
    this.#words = told.words;
    this.#card.lang = this.#say.lang = told.locale;
    this.#card.dir = this.#say.dir = told.dir;
    this.#card.setAttribute("aria-label", told.words.region);
    if (!told.standing && this.#notice && this.#notice.state !== "resolved") this.#hide();
  }

  async #answer(body) {
    try {
      await fetch(this.#address("answer"), {
        method: "POST",
        headers: { "Content-Type": "application/json", [TOKEN_HEADER]: this.#token },
        body: JSON.stringify(body),
      });
    } catch {
      // The stream will say how things stand once the connection is back.
    }
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  // -- the card -----------------------------------------------------------------------------

  #show(notice) {
    this.#stop("away");
    const focused = this.shadowRoot.activeElement?.dataset.key;
    const open = this.#card.querySelector("details")?.open ?? false;
    const same = this.#notice?.id === notice.id;
    this.#notice = notice;
    this.#draw(notice, same && open);
    this.#card.dataset.state = notice.reason ?? notice.state;
    this.#card.dataset.severity = notice.severity;
    this.#card.hidden = false;
    // what had the focus may be gone; it must not fall out of the card
    if (same && focused) (this.#keyed(focused) ?? this.#keyed("understood"))?.focus();
    this.#announce(`${notice.title}. ${notice.sentence}`);
    if (notice.stays_s !== null) this.#goAfter(notice.stays_s * 1000);
    this.#tell("notice", notice);
  }

  /** Go by itself, but never from under the viewer's pointer or focus. */
  #goAfter(ms) {
    this.#later("away", ms, () => {
      if (this.#card.matches(":hover") || this.shadowRoot.activeElement) this.#goAfter(2_000);
      else this.#hide();
    });
  }

  #hide() {
    this.#stop("away");
    const had = this.shadowRoot.activeElement !== null;
    this.#notice = null;
    this.#card.hidden = true;
    this.#card.replaceChildren();
    if (had && this.#before?.isConnected) this.#before.focus();
  }

  #draw(notice, open) {
    const card = this.#card;
    card.replaceChildren();
    const text = put(card, "div", "text");
    put(text, "h2", "title", notice.title);
    put(text, "p", "sentence", notice.sentence);
    if (notice.evidence_line) put(text, "p", "evidence-line", notice.evidence_line);
    const foot = put(card, "div", "foot");
    this.#drawActions(card, foot, notice);
    const after = put(card, "p", "after");
    after.setAttribute("aria-live", "polite");
    after.setAttribute("aria-atomic", "true");
    card.append(foot);
    const done = this.#button(foot, "understood", this.#words.understood, () => this.dismiss());
    done.setAttribute("aria-keyshortcuts", "Escape");
    if (notice.state !== "resolved" && notice.evidence.length) this.#drawWhy(card, notice, open);
  }

  #keyed(key) {
    return this.#card.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  #button(parent, part, text, act) {
    const made = put(parent, "button", part, text);
    made.type = "button";
    made.dataset.key = part;
    made.addEventListener("click", act);
    return made;
  }

  /** What the player can do is a button beside the others; what the viewer can do is advice. */
  #drawActions(card, foot, notice) {
    let list = null;
    for (const action of notice.actions) {
      const act = (event) => {
        event.currentTarget.disabled = true;
        this.#answer({ do: "act", id: notice.id, action: action.id });
      };
      if (action.runnable)
        this.#button(foot, "run", action.label, act).dataset.key = action.id;
      if (action.text === action.label) continue;
      list ??= put(card, "ul", "actions");
      const item = put(list, "li", "action");
      put(item, "span", "advice", action.text);
      // what the player does is not theirs to have done, and waiting is nothing that can be done
      if (!action.runnable && action.id !== "wait")
        this.#button(item, "did", this.#words.did_it, act).dataset.key = action.id;
    }
  }

  #drawWhy(card, notice, open) {
    const words = this.#words;
    const why = put(card, "details", "why");
    why.open = open;
    put(why, "summary", "question", words.why).dataset.key = "why";
    const body = put(why, "div", "reasons");
    put(body, "h3", "heading", words.evidence);
    const most = Math.max(1, ...notice.evidence.map((one) => Math.abs(one.weight_db)));
    const weighed = (test) =>
      notice.evidence.filter((one) => test(one.weight_db)).sort(byWeight).slice(0, MOST_LISTED);
    for (const [side, said, items] of [
      ["for", words.speaks_for, weighed((db) => db > 0)],
      ["against", words.speaks_against, weighed((db) => db < 0)],
      ["none", words.not_weighed, weighed((db) => db === 0)],
    ]) {
      if (!items.length) continue;
      put(body, "h4", "side", said).dataset.side = side;
      const list = put(body, "ul", "evidence");
      list.dataset.side = side;
      for (const one of items) {
        const item = put(list, "li", "item", one.text);
        if (side !== "none") this.#bar(item, Math.abs(one.weight_db) / most);
      }
    }
    const others = notice.alternatives.filter((one) => one.confidence >= 0.005).slice(0, 5);
    if (others.length) {
      put(body, "h3", "heading", words.alternatives);
      const shares = put(body, "ul", "shares");
      const percent = new Intl.NumberFormat(card.lang || undefined, { style: "percent" });
      for (const one of others) {
        const item = put(shares, "li", "share");
        put(item, "span", "share-text", one.text);
        put(item, "span", "share-number", percent.format(one.confidence));
        this.#bar(item, one.confidence);
      }
    }
    if (notice.ruled_out.length) {
      put(body, "h3", "heading", words.ruled_out);
      const list = put(body, "ul", "ruled-out");
      for (const one of notice.ruled_out) put(list, "li", "item", one.text);
    }
    put(body, "p", "limits", words.limits);
    const silence = put(body, "div", "silence");
    this.#button(silence, "hide-session", words.hide_session, () => this.dismiss("session"));
    this.#button(silence, "hide-always", words.hide_always, () => this.dismiss("always"));
  }

  /** A share as a bar; beside text or a number that says the same. */
  #bar(parent, share) {
    const bar = put(parent, "span", "bar");
    bar.setAttribute("aria-hidden", "true");
    bar.style.setProperty("--share", String(Math.min(1, Math.max(0, share))));
  }

  #acted(told) {
    const after = this.#card.querySelector(".after");
    if (this.#notice?.id === told.id && after) after.textContent = told.text;
    else this.#announce(told.text);
    if (told.state !== "done") {
      const button = this.#keyed(told.action);
      if (button) button.disabled = false;
    }
    this.#tell("acted", told);
  }

  // -- manners ------------------------------------------------------------------------------

  /** Spoken once; then gone, so that nobody finds the text twice. */
  #announce(text) {
    this.#say.textContent = text;
    this.#later("announce", ANNOUNCED_MS, () => (this.#say.textContent = ""));
  }

  #onKey = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || this.#card.hidden) return;
    // Escape belongs to a field, menu or dialog of the page, where one has the focus.
    const focus = document.activeElement;
    const inside = focus === this;
    if (!inside && focus?.closest("input, textarea, select, dialog, [contenteditable], [role=menu]"))
      return;
    event.preventDefault();
    this.dismiss();
  };

  #onFocus = (event) => {
    if (event.relatedTarget && event.relatedTarget !== this) this.#before = event.relatedTarget;
  };

  #later(name, ms, run) {
    this.#stop(name);
    this.#timers.set(name, setTimeout(run, ms));
  }

  #stop(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

if (!customElements.get("stream-notice")) customElements.define("stream-notice", StreamNotice);
