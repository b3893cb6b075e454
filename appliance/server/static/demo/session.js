// The visitor's session and cart, kept for this tab alone.

const SESSION = "demo.session";
const CART = "demo.cart";

/** A random id; works without a secure context, where randomUUID is missing. */
export function uniqueId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function sessionId() {
  let id = sessionStorage.getItem(SESSION);
  if (!id) {
    id = `web-${uniqueId()}`;
    sessionStorage.setItem(SESSION, id);
  }
  return id;
}

export function forgetSession() {
  sessionStorage.removeItem(SESSION);
  sessionStorage.removeItem(CART);
}

/** Lines of the cart: {product_id, handle, title, thumbnail, price, currency, variant, quantity, recommendation_id}. */
export function cart() {
  try {
    const lines = JSON.parse(sessionStorage.getItem(CART) ?? "[]");
    return Array.isArray(lines) ? lines : [];
  } catch {
    return [];
  }
}

export function saveCart(lines) {
  sessionStorage.setItem(CART, JSON.stringify(lines));
  showCount();
}

export function showCount() {
  const pieces = cart().reduce((sum, line) => sum + line.quantity, 0);
  document.getElementById("cart-count").textContent = String(pieces);
}
