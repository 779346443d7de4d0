import { z } from 'zod'

const Order = z.object({ email: z.email(), amount: z.coerce.number().int().positive() })

document.querySelector('form').addEventListener('submit', (event) => {
  const order = Order.safeParse(Object.fromEntries(new FormData(event.target)))
  if (!order.success) event.preventDefault()
  document.querySelector('output').textContent = order.success ? '' : z.prettifyError(order.error)
})
