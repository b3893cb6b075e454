// Builds elements. Text only ever enters as text nodes and attributes are named one by one, so a product's title
// cannot become markup.

const ATTRIBUTES = new Set([
  "alt", "class", "for", "id", "lang", "name", "type", "value", "min", "max", "step", "role", "width", "height",
  "loading", "placeholder", "tabindex", "inputmode", "selected", "checked", "disabled", "hidden", "datetime",
]);

/** Create an element; `on*` are listeners, `aria-*` and `data-*` and a fixed list of names are attributes. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "route") element.setAttribute("href", route(...[value].flat()));
    else if (name === "image") element.setAttribute("src", imageAddress(value));
    else if (ATTRIBUTES.has(name) || /^(aria|data)-[a-z-]+$/.test(name)) {
      element.setAttribute(name, value === true ? "" : String(value));
    } else throw new TypeError(`h() does not set ${name}`);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The address of a page of this site: path segments are encoded, so it always stays behind the hash. */
export function route(path, params = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "" && value !== null));
  const segments = path.split("/").map(encodeURIComponent).join("/");
  return `#/${segments}${query.size ? `?${query}` : ""}`;
}

/** The address of a picture when it is on this origin over HTTP, else a placeholder. */
export function imageAddress(text) {
  try {
    const address = new URL(text, location.origin);
    const allowed = address.protocol === "https:" || address.protocol === "http:";
    if (text && allowed && address.origin === location.origin) return address.href;
  } catch {
    // Not an address at all.
  }
  return "/demo/placeholder.svg";
}

export function replace(parent, ...children) {
  parent.replaceChildren(...children.flat(2).filter(Boolean));
}
