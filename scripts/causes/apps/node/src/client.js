import { z } from 'zod'

const Order = z.object({ email: z.string(), amount: z.coerce.number() })

document.querySelector('form').addEventListener('submit', (event) => {
  if (!Order.safeParse(Object.fromEntries(new FormData(event.target))).success) event.preventDefault()
})
