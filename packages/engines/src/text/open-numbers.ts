/**
 * Numbers that were said after an order and found no place in it: one that is near its quantity or its price may correct it, so that
 * nobody can say what was agreed to, until the order is stated in full again.
 */
import type { Details } from "./details.js";

type Field = "quantity" | "price";

/** How far a number may be from a price, and from a quantity, to be one in its place: logarithms of 1.3 and of 4. */
const NEAR: Readonly<Record<Field, number>> = { price: Math.log(1.3), quantity: Math.log(4) };

export class OpenNumbers {
  private readonly open: Readonly<Record<Field, number[]>> = { quantity: [], price: [] };

  of(field: Field): readonly number[] {
    return this.open[field];
  }

  /** Notes the numbers of a statement for each field that they are near to. */
  note({ quantity, bareQuantity, price, free }: Details, known: Readonly<Record<Field, number | null>>): void {
    const fields: readonly Field[] = ["quantity", "price"];
    const said: [number | null, readonly Field[]][] = [
      [quantity, bareQuantity ? fields : ["quantity"]],
      [price, ["price"]],
      ...free.map((item): [number, readonly Field[]] => [item.value, fields]),
    ];
    for (const [value, of] of said)
      for (const field of of) if (value !== null && isNear(value, known[field], field)) this.open[field].push(value);
  }

  /** The order was stated in full again. */
  settle(): void {
    this.open.quantity.length = 0;
    this.open.price.length = 0;
  }
}

function isNear(value: number, known: number | null, field: Field): boolean {
  return distance(value, known, field) < 1;
}

/** How far a number is from one that is known, in measures of how far that field may be changed. */
export function distance(value: number, known: number | null, field: Field): number {
  return known ? Math.abs(Math.log(value / known)) / NEAR[field] : Infinity;
}
