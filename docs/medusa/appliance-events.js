// Tells the shop appliance at once what changes in this Medusa: copy this file to src/subscribers/ of the Medusa project
// (it works in JavaScript and TypeScript projects alike), set two environment variables, and restart Medusa.
//
//   APPLIANCE_HOOK_URL       https://<the box>/v1/hooks/medusa
//   APPLIANCE_HOOK_SECRET    the same text as medusa.webhook_secret of the appliance
//
// An event is a hint to look sooner and carries ids only. One that is lost costs nothing but time: the appliance
// compares by itself as well. Medusa never waits for the appliance.
const { createHmac, randomUUID } = require("node:crypto")

const PAUSES_MS = [0, 2000, 15000]
const SUBJECTS = new Set([
  "product", "product-variant", "product-category", "product-collection", "product-type", "product-tag",
  "LinkProductSalesChannel",
  "price", "price-list", "region", "store", "sales-channel", "stock-location",
  "inventory-item", "inventory-level", "reservation-item",
  "order", "payment", "capture", "refund", "customer",
])

async function send(event, url, secret) {
  for (const pause of PAUSES_MS) {
    if (pause) await new Promise((resolve) => setTimeout(resolve, pause))
    // Signed anew at each try: the appliance takes no event that is older than five minutes, and none twice.
    const body = JSON.stringify({
      event: event.name,
      data: event.data,
      sent_at: new Date().toISOString(),
      nonce: randomUUID(),
    })
    const signature = "sha256=" + createHmac("sha256", secret).update(body).digest("hex")
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "x-appliance-signature": signature },
        body,
        signal: AbortSignal.timeout(5000),
      })
      await answer.arrayBuffer()
      // What the appliance refuses it refuses again; only a box that is away or busy is worth another try.
      if (answer.status < 500 && answer.status !== 429) return answer.status
    } catch {
      // Nobody answered: try again below.
    }
  }
  return 0
}

async function tellAppliance({ event, container }) {
  const url = process.env.APPLIANCE_HOOK_URL
  const secret = process.env.APPLIANCE_HOOK_SECRET
  // The subject stands before the last dot, behind the module's name where there is one.
  const subject = event.name.split(".").slice(-2, -1)[0]
  if (!url || !secret || !SUBJECTS.has(subject)) return
  // Not awaited: an event that the box is slow to take must not hold up the next one.
  send(event, url, secret).then((status) => {
    if (status < 200 || status >= 300) {
      container.resolve("logger").warn(`appliance: ${event.name} was not taken (${status || "no answer"})`)
    }
  })
}

exports.default = tellAppliance
exports.config = { event: "*", context: { subscriberId: "shop-appliance" } }
