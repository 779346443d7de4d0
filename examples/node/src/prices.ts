import { z } from 'zod'

/** A parcel as a client describes it: weight in grams, sides in millimetres. */
export const Parcel = z.strictObject({
  weight: z.number().int().positive().max(30_000),
  sides: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  express: z.boolean().default(false),
})

/** The price of a parcel in cents: by weight or by volume, whichever is more. */
export function price(parcel: z.output<typeof Parcel>): number {
  const [a, b, c] = parcel.sides
  const volumetricWeight = (a * b * c) / 5_000
  const base = 390 + Math.ceil(Math.max(parcel.weight, volumetricWeight) / 1_000) * 60
  return parcel.express ? base * 2 : base
}
