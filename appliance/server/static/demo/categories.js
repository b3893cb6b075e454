// The category facet as a tree where the answer names parents, else as the flat list that it is.

/** Return [{value, label, count, depth}] in reading order: children after their parent, most products first. */
export function outline(values) {
  const known = new Set(values.map((value) => value.value));
  const below = (parent, depth) => values
    .filter((value) => (known.has(value.parent) ? value.parent : "") === parent)
    .flatMap((value) => [{ ...value, depth }, ...(depth < 4 ? below(value.value, depth + 1) : [])]);
  return below("", 1);
}

/** The categories for the menu: those at the top, at most as many as fit. */
export function tops(values, limit = 9) {
  return outline(values).filter((value) => value.depth === 1).slice(0, limit);
}
