import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { z } from 'zod'

const Order = z.object({ email: z.string(), amount: z.coerce.number() })

const app = new Hono()
app.post('/orders', async (context) => {
  const order = Order.safeParse(await context.req.parseBody())
  return order.success ? context.text('Thank you.') : context.text('Please correct your order.', 400)
})
app.use('*', serveStatic({ root: './public' }))

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) })
