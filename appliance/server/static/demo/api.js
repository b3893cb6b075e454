// The public API as this page uses it: reads with a time limit, and events that never disturb the page.

import { locale, t } from "./i18n.js";
import { sessionId, uniqueId } from "./session.js";

const TIME_LIMIT = 8000;
const recent = [];

/** GET a JSON answer; throws an Error with a sentence for the shopper. `signal` cancels. */
export async function read(path, params = {}, { signal } = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "" && value != null));
  const limit = AbortSignal.timeout(TIME_LIMIT);
  const began = performance.now();
  let answer;
  try {
    answer = await fetch(`/v1/${path}${query.size ? `?${query}` : ""}`, {
      headers: { Accept: "application/json" },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(t("offline"));
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw Object.assign(new Error(body.detail || body.title || String(answer.status)), { status: answer.status });
  }
  note(path, body.took_ms, performance.now() - began);
  return body;
}

export const search = (params, options) => read("search", params, options);
export const product = (handle) => read(`products/${encodeURIComponent(handle)}`);
export const similar = (handle) => shelf(`products/${encodeURIComponent(handle)}/similar`, {});
export const together = (handle) => shelf(`products/${encodeURIComponent(handle)}/bought-together`, {});
export const recommendations = (params) => shelf("recommendations", { session_id: sessionId(), ...params });

function shelf(path, params) {
  return read(path, { limit: 12, locale: locale(), ...params });
}

/** Send what the visitor did. The page never waits; the server folds repeats by event_id. */
export function track(...events) {
  const batch = events.map((event) => ({
    event_id: uniqueId(),
    session_id: sessionId(),
    occurred_at: new Date().toISOString(),
    ...event,
  }));
  return fetch("/v1/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ events: batch }),
    keepalive: true,
  }).catch(() => undefined);
}

function note(path, took, total) {
  const server = took === undefined ? "" : ` · ${took.toFixed(1)} ms`;
  recent.unshift(`GET /v1/${path.length > 44 ? `${path.slice(0, 42)}…` : path}${server} (${Math.round(total)} ms)`);
  recent.length = Math.min(recent.length, 3);
  document.getElementById("calls").textContent = recent.join("   ");
}
