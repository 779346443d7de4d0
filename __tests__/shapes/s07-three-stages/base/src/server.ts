import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { z } from 'zod'

const Parcel = z.strictObject({ weight: z.number().positive() })

const app = new Hono()
app.post('/prices', async (context) => {
  const parcel = Parcel.safeParse(await context.req.json().catch(() => undefined))
  return parcel.success
    ? context.json({ cents: 390 + Math.ceil(parcel.data.weight / 1000) * 60 })
    : context.json({ error: z.prettifyError(parcel.error) }, 400)
})

serve({ fetch: app.fetch, port: Number(process.env['PORT'] ?? 3000) })
