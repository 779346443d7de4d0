import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { z } from 'zod'
import { Parcel, price } from './prices.js'

const app = new Hono()

app.get('/health', (context) => context.json({ ok: true }))

app.post('/prices', async (context) => {
  const parcel = Parcel.safeParse(await context.req.json().catch(() => undefined))
  return parcel.success
    ? context.json({ cents: price(parcel.data) })
    : context.json({ error: z.prettifyError(parcel.error) }, 400)
})

const server = serve({ fetch: app.fetch, port: Number(process.env['PORT'] ?? 3000) })
process.once('SIGTERM', () => server.close())
